"""Where the energy of a home went and came from, as its meter says."""

from __future__ import annotations

from collections.abc import Iterator

from aps_pipeline.reports import charts
from aps_pipeline.reports.asking import Asker, Row
from aps_pipeline.reports.model import Drawing, Finding, Grid, Key, Number, Section
from aps_pipeline.reports.words import amount, counted, day_name, energy, percent

_DAYS = """
    FROM mart.self_consumption
    WHERE system_id = $system_id AND level = 'daily' AND first_date BETWEEN $first AND $last
    ORDER BY meter_id, first_date
"""
_SAVINGS = "FROM mart.savings WHERE system_id = $system_id AND month = $month AND meter_id <> ''"

_MONEY = ("saved", "earned", "paid", "standing_charge")
_PARTS = {"used at home": "own", "to the grid": "export", "from the grid": "import"}


def meters(asker: Asker) -> tuple[list[Number], list[Section]]:
    """Self-consumption and autarky of each meter over the days whose figures balance, and its flows."""
    found: dict[str, list[Row]] = {}
    for row in asker.rows(_DAYS):
        found.setdefault(row["meter_id"], []).append(row)
    saved = {row["meter_id"]: row for row in asker.rows(_SAVINGS)}
    numbers, sections = [], []
    for meter_id, days in found.items():
        known = [day for day in days if day["is_balanced"]]
        if known:
            numbers.append(_autarky(known, asker))
        title = "Use and grid" + (f": meter {meter_id}" if len(found) > 1 else "")
        sections.append(_section(meter_id, title, asker, days, saved.get(meter_id)))
    return numbers, sections


def _autarky(known: list[Row], asker: Asker) -> Number:
    consumed, imported = _sum(known, "consumed_kwh"), _sum(known, "imported_kwh")
    if consumed <= 0:
        return Number("Autarky", "–", note="nothing was consumed")
    on = f" on {_days_of_month(known, asker)}" if len(known) < asker.last.day else ""
    note = f"of {energy(consumed)} consumed{on} came from the roof"
    return Number(
        "Autarky", amount(100 * (1 - imported / consumed), 0), "%", note, len(known), asker.last.day
    )


def _section(meter_id: str, title: str, asker: Asker, days: list[Row], saved: Row | None) -> Section:
    known = [day for day in days if day["is_balanced"]]
    findings = list(_left_out(days))
    if not known:
        return Section(f"meter-{meter_id}", title, "No day has four figures that balance.", findings)
    produced, consumed = _sum(known, "produced_kwh"), _sum(known, "consumed_kwh")
    exported, imported = _sum(known, "exported_kwh"), _sum(known, "imported_kwh")
    own = _sum(known, "self_consumed_kwh")
    # Beside the figures of the whole month, those of some of its days have to say so.
    on = f"On {_days_of_month(known, asker)}, of" if len(known) < asker.last.day else "Of"
    lead = (
        f"{on} {energy(produced)} produced, {energy(own)}{_share(own, produced)} "
        f"were used at home and {energy(exported)} went to the grid. Of {energy(consumed)} consumed, "
        f"{energy(imported)}{_share(imported, consumed)} came from it."
    )
    notes = list(_saved(saved, len(known), asker)) if saved else []
    return Section(f"meter-{meter_id}", title, lead, findings, [_flows(days)], notes=notes)


def _left_out(days: list[Row]) -> Iterator[Finding]:
    """Days of which nothing is derived, and why."""
    missing = sum(day["finding"] == "missing" for day in days)
    if missing:
        yield Finding(
            "warn",
            f"{counted(missing, 'day')} left out: a figure is missing",
            "Without all four figures nothing is derived of a day.",
            "mart.self_consumption says which.",
        )
    odd = [day for day in days if day["finding"] == "unbalanced"]
    if odd:
        most = max(abs(day["residual_kwh"]) for day in odd)
        yield Finding(
            "warn",
            f"{counted(len(odd), 'day')} left out: the four figures do not balance",
            f"Produced and imported differ from consumed and exported by up to {energy(most)}, more than the "
            "decimals of this meter allow.",
            "mart.self_consumption says which.",
        )


def _days_of_month(known: list[Row], asker: Asker) -> str:
    return f"{len(known)} of {counted(asker.last.day, 'day')}"


def _share(part: float, whole: float) -> str:
    """A part as a share, where it is one: a battery may give away more than a day produced."""
    return f" ({percent(part / whole)})" if 0 <= part <= whole and whole else ""


def _saved(row: Row, known: int, asker: Asker) -> Iterator[str]:
    """What that was worth, in sentences."""
    if row["saved"] is not None:
        money = {name: f"{amount(row[name], 2)} {row['currency']}" for name in _MONEY}
        has_charge = row["standing_charge"] is not None
        charge = f", the standing charge {money['standing_charge']}" if has_charge else ""
        days = counted(row["days_priced"], "day")
        yield (
            f"What was used at home would have cost {money['saved']}; what went to the grid earned "
            f"{money['earned']}. Energy from the grid cost {money['paid']}{charge}, on {days} with a price."
        )
    else:
        yield f"No money is counted: {row['basis']}."
    if row["co2_avoided_kg"] is not None:
        on = f" on these {counted(known, 'day')}" if known < asker.last.day else ""
        yield (
            f"By the factor of the tariff file the {energy(row['produced_kwh'])} produced{on} avoided "
            f"{amount(row['co2_avoided_kg'])} kg of CO2."
        )


def _flows(days: list[Row]) -> Drawing:
    rows = []
    for day in days:
        if not day["is_balanced"]:
            continue
        parts = (day["self_consumed_kwh"], day["exported_kwh"], -day["imported_kwh"])
        for rank, (part, kwh) in enumerate(zip(_PARTS, parts, strict=True)):
            said = f"{day_name(day['first_date'])}: {energy(-kwh if rank == 2 else kwh)} {part}"
            rows.append({"day": day["first_date"].day, "part": part, "kwh": kwh, "rank": rank, "said": said})
    wide, narrow = charts.both(charts.flows, rows, "Energy used at home, given and taken", parts=_PARTS)
    keys = [Key(swatch, part) for part, swatch in _PARTS.items()]
    columns = ("produced_kwh", "self_consumed_kwh", "exported_kwh", "imported_kwh", "consumed_kwh")
    grid = Grid(
        ("Day", "Produced", "Used at home", "To the grid", "From the grid", "Consumed"),
        [[str(day["first_date"].day), *(energy(day[column]) for column in columns)] for day in days],
        (True,) * 6,
    )
    return Drawing("Day by day", wide, narrow, keys, "Above the line what the roof gave.", grid)


def _sum(days: list[Row], column: str) -> float:
    return float(sum(day[column] for day in days))
