"""The page of all systems in one month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aps_pipeline.reports import charts
from aps_pipeline.reports.model import (
    Drawing,
    Finding,
    Grid,
    MonthQuery,
    Number,
    Page,
    Row,
    Section,
    page_name,
)
from aps_pipeline.reports.panel_findings import trouble_words
from aps_pipeline.reports.panels import panels_number
from aps_pipeline.reports.production import calendar, daily
from aps_pipeline.reports.quality import method
from aps_pipeline.reports.system import system_name
from aps_pipeline.reports.words import (
    ABSENT,
    amount,
    change,
    count_words,
    energy,
    month_name,
    percent,
    short_names,
)

_SYSTEMS = """
    SELECT
        systems.system_id,
        sites.name,
        count(*) OVER (PARTITION BY sites.name) AS namesakes,
        coalesce(months.energy_kwh, months.daily_kwh) AS energy_kwh,
        months.days_reported,
        months.days_expected,
        years.ratio,
        years.energy_kwh AS compared_kwh,
        years.energy_before_kwh,
        years.days_compared,
        yields.kwh_per_kwp,
        yields.capacity_kw
    FROM core.systems AS systems
    LEFT JOIN meta.sites AS sites USING (system_id)
    LEFT JOIN mart.monthly_production AS months
        ON months.system_id = systems.system_id AND months.month = $month
    LEFT JOIN mart.year_on_year AS years ON years.system_id = systems.system_id AND years.month = $month
    LEFT JOIN mart.specific_yield AS yields
        ON yields.system_id = systems.system_id AND yields.level = 'monthly' AND yields.first_date = $month
    ORDER BY systems.system_id
"""
_CLASSES = """
    SELECT system_id, class, count(*) AS panels, sum(loss_kwh::DECIMAL(28, 6))::DOUBLE AS loss_kwh
    FROM mart.panel_month
    WHERE month = $month AND class NOT IN ('removed', 'unused channel')
    GROUP BY ALL
    ORDER BY ALL
"""


@dataclass(frozen=True)
class Member:
    """One system of the fleet in this month: its row of `_SYSTEMS`, its panels by class, what they lost."""

    row: Row
    classes: dict[str, int]
    loss_kwh: float | None

    @property
    def name(self) -> str:
        """The owner's name of it, with the id where another system has the same name."""
        name, is_only = system_name(self.row), self.row["namesakes"] == 1 or not self.row["name"]
        return name if is_only else f"{name} ({self.row['system_id']})"

    @property
    def fine_panels(self) -> str:
        """How many of its panels are fine, and how many cannot be judged."""
        every, unknown = sum(self.classes.values()), self.classes.get("unknown", 0)
        if every == unknown:
            return ABSENT
        fine = f"{self.classes.get('fine', 0)} of {every}"
        return f"{fine}, {unknown} unknown" if unknown else fine


def _list_members(query: MonthQuery) -> list[Member]:
    """List every system of the warehouse by id."""
    classes: dict[str, dict[str, int]] = {}
    losses: dict[str, float] = {}
    for row in query.rows(_CLASSES):
        classes.setdefault(row["system_id"], {})[row["class"]] = row["panels"]
        if row["loss_kwh"] is not None:
            losses[row["system_id"]] = losses.get(row["system_id"], 0.0) + row["loss_kwh"]
    ids = [(row["system_id"], row) for row in query.rows(_SYSTEMS)]
    return [Member(row, classes.get(system_id, {}), losses.get(system_id)) for system_id, row in ids]


def _worst_first(member: Member) -> tuple[bool, bool, float]:
    return "offline" not in member.classes, "dead input" not in member.classes, -(member.loss_kwh or 0.0)


_COUNTS = """
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


def fleet_page(query: MonthQuery, name: str, made_utc: datetime) -> Page:
    """Build the page of all systems, with links to theirs."""
    members = _list_members(query)
    counts = {row["system_id"]: row for row in query.rows(_COUNTS)}
    capacity = [member.row["capacity_kw"] for member in members if member.row["capacity_kw"] is not None]
    subtitle = [count_words(len(members), "system")] + ([f"{amount(sum(capacity))} kWp"] if capacity else [])
    return Page(
        name,
        "",
        query.month,
        ", ".join(subtitle),
        [
            _total_production(members),
            _last_year(members),
            _yield(members),
            _panels(members),
            _hours(members, counts),
        ],
        [
            _systems(members),
            _production(query),
            *_yields(members),
            _quality(query, members, counts),
            method(),
        ],
        query.is_simulated,
        made_utc,
    )


def _total_production(members: Sequence[Member]) -> Number:
    known = [each.row for each in members if each.row["energy_kwh"] is not None]
    if not known:
        return Number("Produced", ABSENT, note="no system has a figure", have=0, of=len(members))
    value, _, unit = energy(sum(row["energy_kwh"] for row in known)).partition(" ")
    whole = sum(row["days_reported"] == row["days_expected"] for row in known)
    note = f"{whole} of {count_words(len(members), 'system')} with every day"
    return Number("Produced", value, unit, note, whole, len(members))


def _last_year(members: Sequence[Member]) -> Number:
    known = [each.row for each in members if each.row["energy_before_kwh"]]
    before = sum(row["energy_before_kwh"] for row in known)
    label = "Against the year before"
    if not before:
        return Number(label, ABSENT, note="no day has a final figure in both years")
    ratio = sum(row["compared_kwh"] for row in known) / before
    value, _, unit = change(ratio).partition(" ")
    note = f"{count_words(len(known), 'system')}, on equal days"
    return Number(label, value, unit, note, len(known), len(members), "warn" if ratio < 0.85 else "")


def _yield(members: Sequence[Member]) -> Number:
    known = [each.row for each in members if each.row["kwh_per_kwp"] is not None]
    if not known:
        return Number("Yield", ABSENT, note="no system has energy and capacity")
    found = sum(row["kwh_per_kwp"] * row["capacity_kw"] for row in known)
    capacity = sum(row["capacity_kw"] for row in known)
    note = f"{amount(capacity)} kWp in {count_words(len(known), 'system')}"
    return Number("Yield", amount(found / capacity), "kWh/kWp", note, len(known), len(members))


def _panels(members: Sequence[Member]) -> Number:
    lost = [each.loss_kwh for each in members if each.loss_kwh is not None]
    classes = sum((Counter(each.classes) for each in members), Counter[str]())
    return panels_number(classes, f"; {energy(sum(lost))} lost" if lost else "")


def _hours(members: Sequence[Member], counts: dict[str, Row]) -> Number:
    """Count the hours of all systems that have a figure."""
    have = sum(int(row["hours"]) for row in counts.values())
    of = sum(24 * (each.row["days_expected"] or 0) for each in members)
    if not of:
        return Number("Hours known", ABSENT, note="nothing is held of this month")
    note = f"{amount(have, 0)} of {count_words(of, 'hour')} of all systems"
    return Number("Hours known", percent(have / of).removesuffix(" %"), "%", note, have, of)


def _systems(members: Sequence[Member]) -> Section:
    findings = [
        Finding(
            "bad" if each.classes.get("offline") or each.classes.get("dead input") else "warn",
            f"{each.name}: {trouble_words(each.classes)}",
            f"About {energy(each.loss_kwh)} lost in the month." if each.loss_kwh is not None else "",
            "Its page says which and what to do.",
        )
        for each in sorted(members, key=_worst_first)
        if trouble_words(each.classes)
    ]
    rows = [
        [
            each.name,
            energy(each.row["energy_kwh"]),
            f"{amount(each.row['days_reported'], 0)} of {amount(each.row['days_expected'], 0)}",
            change(each.row["ratio"]),
            amount(each.row["kwh_per_kwp"]),
            each.fine_panels,
            energy(each.loss_kwh),
        ]
        for each in members
    ]
    columns = ("System", "Produced", "Days", "A year before", "kWh/kWp", "Panels fine", "Lost")
    links = [page_name(each.row["system_id"]) for each in members]
    grid = Grid(columns, rows, (False,) + (True,) * 6, links)
    return Section("systems", "Systems", findings=findings, grids=[grid])


def _production(query: MonthQuery) -> Section:
    days = query.rows(_DAYS.format(first="$first", last="$last"))
    before = query.rows(_DAYS.format(first="$first_before", last="$last_before"))
    year = query.rows(_DAYS.format(first="$year_before", last="$last"))
    drawings = [daily(query.month, days, before, {}), calendar(year, query.month)]
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
            "tooltip": f"{each.name}: {amount(each.row['kwh_per_kwp'])} kWh/kWp",
        }
        for name, each in zip(short_names((each.name for each in known), _LONGEST_NAME), known, strict=True)
    ]
    if not rows:
        return []
    drawings = charts.draw_both(charts.ranks, rows, "Yield of each system")
    return [Section("yield", "Yield", drawings=[Drawing("Energy over installed capacity", *drawings)])]


def _quality(query: MonthQuery, members: Sequence[Member], counts: dict[str, Row]) -> Section:
    rows = []
    for each in members:
        row = counts.get(each.row["system_id"]) or Counter[str]()
        of = amount(each.row["days_expected"], 0)
        days = [f"{row[name]} of {of}" for name in ("days", "days_by_hour", "days_by_panel")]
        rows.append([each.name, *days, f"{amount(row['panels'], 0)} of {amount(row['panels_expected'], 0)}"])
    columns = ("System", "Days with energy", "With every hour", "With panels", "Figures of panels")
    lead = f"What is held of {month_name(query.month)}; the page of a system says what is missing and why."
    return Section("quality", "Data quality", lead, grids=[Grid(columns, rows, (False,) + (True,) * 4)])
