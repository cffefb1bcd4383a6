"""Where the energy of a home went and where it came from, by its meters."""

from __future__ import annotations

from collections.abc import Iterator

from aps_pipeline.reports import charts
from aps_pipeline.reports.model import Drawing, Finding, Grid, Key, MonthQuery, Number, Row, Section
from aps_pipeline.reports.words import amount, count_words, day_name, energy, percent

_DAYS = """
    FROM mart.self_consumption
    WHERE system_id = $system_id AND level = 'daily' AND first_date BETWEEN $first AND $last
    ORDER BY meter_id, first_date
"""
_SAVINGS = "FROM mart.savings WHERE system_id = $system_id AND month = $month AND meter_id <> ''"

_COLUMNS = ("produced_kwh", "self_consumed_kwh", "exported_kwh", "imported_kwh", "consumed_kwh")
_MONEY = ("saved", "earned", "paid", "standing_charge")
_PARTS = {"used at home": "own", "to the grid": "export", "from the grid": "import"}


def meters(query: MonthQuery) -> tuple[list[Number], list[Section]]:
    """Build the autarky of each meter on days whose figures balance, and the section on its flows."""
    by_meter: dict[str, list[Row]] = {}
    for row in query.rows(_DAYS):
        by_meter.setdefault(row["meter_id"], []).append(row)
    savings = {row["meter_id"]: row for row in query.rows(_SAVINGS)}
    numbers, sections = [], []
    for meter_id, days in by_meter.items():
        anchor, title = (
            f"meter-{meter_id}",
            "Use and grid" + (f": meter {meter_id}" if len(by_meter) > 1 else ""),
        )
        findings = list(_days_left_out(days))
        known = [day for day in days if day["is_balanced"]]
        if not known:
            sections.append(Section(anchor, title, "No day has four figures that balance.", findings))
            continue
        # Beside the figures of the whole month, those of some of its days have to say so.
        is_whole = len(known) == query.last.day
        share = "" if is_whole else f"{len(known)} of {count_words(query.last.day, 'day')}"
        sums = {column: float(sum(day[column] for day in known)) for column in _COLUMNS}
        numbers.append(_autarky(sums, len(known), query.last.day, share))
        notes = list(_savings(savings[meter_id], len(known), query)) if meter_id in savings else []
        sections.append(Section(anchor, title, _lead(sums, share), findings, [_flows(days)], notes=notes))
    return numbers, sections


def _autarky(sums: dict[str, float], have: int, of: int, share: str) -> Number:
    consumed = sums["consumed_kwh"]
    if consumed <= 0:
        return Number("Autarky", "–", note="nothing was consumed")
    note = f"of {energy(consumed)} consumed{f' on {share}' if share else ''} came from the roof"
    percentage = amount(100 * (1 - sums["imported_kwh"] / consumed), 0)
    return Number("Autarky", percentage, "%", note, have, of)


def _lead(sums: dict[str, float], share: str) -> str:
    """Say where the energy went, and its shares; a battery may give away more than a day produced."""
    produced, own, exported, imported, consumed = sums.values()
    of_produced = f" ({percent(own / produced)})" if 0 <= own <= produced and produced else ""
    of_consumed = f" ({percent(imported / consumed)})" if 0 <= imported <= consumed and consumed else ""
    return (
        f"{f'On {share}, of' if share else 'Of'} {energy(produced)} produced, {energy(own)}{of_produced} "
        f"were used at home and {energy(exported)} went to the grid. Of {energy(consumed)} consumed, "
        f"{energy(imported)}{of_consumed} came from it."
    )


def _days_left_out(days: list[Row]) -> Iterator[Finding]:
    """Find the days without derived figures, and say why."""
    missing = sum(day["finding"] == "missing" for day in days)
    if missing:
        yield Finding(
            "warn",
            f"{count_words(missing, 'day')} left out: a figure is missing",
            "Without all four figures nothing is derived of a day.",
            "mart.self_consumption says which.",
        )
    odd = [day for day in days if day["finding"] == "unbalanced"]
    if odd:
        most = max(abs(day["residual_kwh"]) for day in odd)
        yield Finding(
            "warn",
            f"{count_words(len(odd), 'day')} left out: the four figures do not balance",
            f"Produced and imported differ from consumed and exported by up to {energy(most)}, more than the "
            "decimals of this meter allow.",
            "mart.self_consumption says which.",
        )


def _savings(row: Row, known: int, query: MonthQuery) -> Iterator[str]:
    """Say in sentences what the energy was worth."""
    if row["saved"] is not None:
        money = {name: f"{amount(row[name], 2)} {row['currency']}" for name in _MONEY}
        has_charge = row["standing_charge"] is not None
        charge = f", the standing charge {money['standing_charge']}" if has_charge else ""
        days = count_words(row["days_priced"], "day")
        yield (
            f"What was used at home would have cost {money['saved']}; what went to the grid earned "
            f"{money['earned']}. Energy from the grid cost {money['paid']}{charge}, on {days} with a price."
        )
    else:
        yield f"No money is counted: {row['basis']}."
    if row["co2_avoided_kg"] is not None:
        on = f" on these {count_words(known, 'day')}" if known < query.last.day else ""
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
            tooltip = f"{day_name(day['first_date'])}: {energy(-kwh if rank == 2 else kwh)} {part}"
            number = day["first_date"].day
            rows.append({"day": number, "part": part, "kwh": kwh, "rank": rank, "tooltip": tooltip})
    wide, narrow = charts.draw_both(charts.flows, rows, "Energy used at home, given and taken", parts=_PARTS)
    keys = [Key(swatch, part) for part, swatch in _PARTS.items()]
    grid = Grid(
        ("Day", "Produced", "Used at home", "To the grid", "From the grid", "Consumed"),
        [[str(day["first_date"].day), *(energy(day[column]) for column in _COLUMNS)] for day in days],
        (True,) * 6,
    )
    return Drawing("Day by day", wide, narrow, keys, "Above the line what the roof gave.", grid)
