"""All systems in one month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from aps_pipeline.reports import charts
from aps_pipeline.reports.asking import Asker, Row
from aps_pipeline.reports.members import Member, members_of, worst_first
from aps_pipeline.reports.method import method
from aps_pipeline.reports.model import Drawing, Finding, Grid, Number, Page, Section, page_name
from aps_pipeline.reports.panels import panels_number
from aps_pipeline.reports.production import calendar, daily
from aps_pipeline.reports.words import (
    ABSENT,
    amount,
    change,
    counted,
    energy,
    month_name,
    percent,
    short_names,
)

_HELD = """
    SELECT
        system_id,
        count(energy_kwh) AS days,
        count(*) FILTER (hours_reported = 24) AS days_by_hour,
        sum(hours_reported) AS hours,
        count(*) FILTER (panels_reported > 0) AS days_by_panel,
        sum(panels_reported) AS panels,
        sum(panels_expected) AS panels_expected
    FROM mart.daily_production
    WHERE date BETWEEN $first AND $last
    GROUP BY system_id
"""

_DAYS = """
    WITH begun AS (
        SELECT systems.system_id, least(any_value(create_date), min(date)) AS since
        FROM core.systems AS systems
        LEFT JOIN mart.daily_production AS days
            ON days.system_id = systems.system_id AND days.energy_kwh IS NOT NULL
        GROUP BY ALL
    )

    SELECT
        date,
        -- Only where every system that was there has a figure: a sum of some would look like a bad day.
        CASE
            WHEN count(energy_kwh) = any_value(wanted.systems) THEN sum(energy_kwh::DECIMAL(28, 6))::DOUBLE
        END AS energy_kwh,
        coalesce(bool_and(is_final), false) AS is_final
    FROM mart.daily_production
    JOIN begun USING (system_id)
    JOIN (
        SELECT date, count(*) AS systems
        FROM (SELECT DISTINCT date FROM mart.daily_production)
        JOIN begun ON begun.since <= date
        GROUP BY date
    ) AS wanted USING (date)
    WHERE date >= begun.since AND date BETWEEN {first} AND {last}
    GROUP BY date
    ORDER BY date
"""

_LONGEST_NAME = 21


def fleet_page(asker: Asker, name: str, made_utc: datetime) -> Page:
    """The page of all systems, with links to theirs."""
    members = members_of(asker)
    held = {row["system_id"]: row for row in asker.rows(_HELD)}
    capacity = [member.row["capacity_kw"] for member in members if member.row["capacity_kw"] is not None]
    subtitle = [counted(len(members), "system")] + ([f"{amount(sum(capacity))} kWp"] if capacity else [])
    return Page(
        name,
        "",
        asker.month,
        ", ".join(subtitle),
        [
            _produced(members),
            _against(members, asker),
            _yield(members),
            _panels(members),
            _hours(members, held),
        ],
        [_systems(members), _production(asker), *_yields(members), _quality(asker, members, held), method()],
        asker.is_simulated,
        made_utc,
    )


def _produced(members: Sequence[Member]) -> Number:
    known = [each.row for each in members if each.row["energy_kwh"] is not None]
    if not known:
        return Number("Produced", ABSENT, note="no system has a figure", have=0, of=len(members))
    value, _, unit = energy(sum(row["energy_kwh"] for row in known)).partition(" ")
    whole = sum(row["days_reported"] == row["days_expected"] for row in known)
    note = f"{whole} of {counted(len(members), 'system')} with every day"
    return Number("Produced", value, unit, note, whole, len(members))


def _against(members: Sequence[Member], asker: Asker) -> Number:
    known = [each.row for each in members if each.row["energy_before_kwh"]]
    before = sum(row["energy_before_kwh"] for row in known)
    label = "Against the year before"
    if not before:
        return Number(label, ABSENT, note="no day has a final figure in both years")
    ratio = sum(row["compared_kwh"] for row in known) / before
    value, _, unit = change(ratio).partition(" ")
    note = f"{counted(len(known), 'system')}, on equal days"
    return Number(label, value, unit, note, len(known), len(members), "warn" if ratio < 0.85 else "")


def _yield(members: Sequence[Member]) -> Number:
    known = [each.row for each in members if each.row["kwh_per_kwp"] is not None]
    if not known:
        return Number("Yield", ABSENT, note="no system has energy and capacity")
    found = sum(row["kwh_per_kwp"] * row["capacity_kw"] for row in known)
    capacity = sum(row["capacity_kw"] for row in known)
    note = f"{amount(capacity)} kWp in {counted(len(known), 'system')}"
    return Number("Yield", amount(found / capacity), "kWh/kWp", note, len(known), len(members))


def _panels(members: Sequence[Member]) -> Number:
    lost = [each.loss_kwh for each in members if each.loss_kwh is not None]
    classes = Counter[str]()
    for each in members:
        classes.update(each.classes)
    return panels_number(classes, f"; {energy(sum(lost))} lost" if lost else "")


def _hours(members: Sequence[Member], held: dict[str, Row]) -> Number:
    """Of all hours that the systems had in this month, how many have a figure."""
    have = sum(int(row["hours"]) for row in held.values())
    of = sum(24 * (each.row["days_expected"] or 0) for each in members)
    if not of:
        return Number("Hours known", ABSENT, note="nothing is held of this month")
    value = percent(have / of).removesuffix(" %")
    note = f"{amount(have, 0)} of {counted(of, 'hour')} of all systems"
    return Number("Hours known", value, "%", note, have, of)


def _systems(members: Sequence[Member]) -> Section:
    findings = [
        Finding(
            "bad" if each.classes.get("offline") or each.classes.get("dead input") else "warn",
            f"{each.name}: {each.troubled}",
            f"About {energy(each.loss_kwh)} lost in the month." if each.loss_kwh is not None else "",
            "Its page says which and what to do.",
        )
        for each in sorted(members, key=worst_first)
        if each.troubled
    ]
    rows = [
        [
            each.name,
            energy(each.row["energy_kwh"]),
            f"{amount(each.row['days_reported'], 0)} of {amount(each.row['days_expected'], 0)}",
            change(each.row["ratio"]),
            amount(each.row["kwh_per_kwp"]),
            each.fine,
            energy(each.loss_kwh),
        ]
        for each in members
    ]
    columns = ("System", "Produced", "Days", "A year before", "kWh/kWp", "Panels fine", "Lost")
    links = [page_name(each.row["system_id"]) for each in members]
    grid = Grid(columns, rows, (False,) + (True,) * 6, links)
    return Section("systems", "Systems", findings=findings, grids=[grid])


def _production(asker: Asker) -> Section:
    days, before = (
        asker.rows(_DAYS.format(first=f"$first{when}", last=f"$last{when}")) for when in ("", "_before")
    )
    year = asker.rows(_DAYS.format(first="$year_before", last="$last"))
    drawings = [daily(asker.month, days, before, {}), calendar(year, asker.month)]
    lead = "All systems together, on days on which each of them has a figure."
    return Section("production", "Production", lead, drawings=drawings)


def _yields(members: Sequence[Member]) -> list[Section]:
    known = sorted(
        (each for each in members if each.row["kwh_per_kwp"] is not None),
        key=lambda each: -each.row["kwh_per_kwp"],
    )
    rows = [
        {
            "name": name,
            "value": max(0.0, each.row["kwh_per_kwp"]),
            "text": f"{amount(each.row['kwh_per_kwp'])} kWh/kWp",
            "said": f"{each.name}: {amount(each.row['kwh_per_kwp'])} kWh/kWp",
        }
        for name, each in zip(short_names((each.name for each in known), _LONGEST_NAME), known, strict=True)
    ]
    if not rows:
        return []
    wide, narrow = charts.both(charts.ranks, rows, "Yield of each system")
    drawing = Drawing("Energy over installed capacity", wide, narrow)
    return [Section("yield", "Yield", drawings=[drawing])]


def _quality(asker: Asker, members: Sequence[Member], held: dict[str, Row]) -> Section:
    rows = []
    for each in members:
        row = held.get(each.row["system_id"])
        of = each.row["days_expected"]
        days = [row[name] if row else 0 for name in ("days", "days_by_hour", "days_by_panel")]
        figures = (row["panels"], row["panels_expected"]) if row else (0, 0)
        rows.append(
            [
                each.name,
                *(f"{n} of {amount(of, 0)}" for n in days),
                " of ".join(amount(n, 0) for n in figures),
            ]
        )
    columns = ("System", "Days with energy", "With every hour", "With panels", "Figures of panels")
    lead = f"What is held of {month_name(asker.month)}; the page of a system says what is missing and why."
    return Section("quality", "Data quality", lead, grids=[Grid(columns, rows, (False,) + (True,) * 4)])
