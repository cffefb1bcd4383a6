"""What a meter counts, by hour, day, month and year: manual 3.4.2. Its lists come with labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from aps_pipeline.parse import slots
from aps_pipeline.parse.asked import CLOCK_TOLERANCE, Asked, Parsed, RefusedError
from aps_pipeline.parse.bodies import body_of, parsed
from aps_pipeline.parse.energies import SLOTS, when
from aps_pipeline.parse.series import SeriesReader
from aps_pipeline.parse.values import a_list, shown
from aps_pipeline.periods import hour_bounds_utc, local_day
from aps_pipeline.tables import Table
from aps_pipeline.tables.measures import FLOWS

_PATTERNS = {
    "hourly": re.compile(r"([0-9]{1,2})(?::00)?", re.ASCII),
    "daily": re.compile(r"([0-9]{1,2})", re.ASCII),
    "monthly": re.compile(r"([0-9]{1,2})", re.ASCII),
    "yearly": re.compile(r"([0-9]{2}|[0-9]{4})", re.ASCII),
}
_HOURS_BY_THEIR_END = [*range(1, 25)]
"""A whole day as `01` to `24`: the numbering of the manual's only example, and no other reading fits."""
_NEW_YEAR = timedelta(days=3)
"""How long after its beginning a year may be missing from a list of years, as in `slots`."""

_MAX_YEARS = 100


def meter_energy(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `meter_{hourly,daily,monthly,yearly}_energy`: produced, consumed, imported, exported in kWh.

    A flow that cannot be right is null in its column. Raises RefusedError: labels that are not those of the
    period, or no flow that is right.
    """
    body, level = body_of(table, data, asked), table.source.level
    labels = [_read(label, level, n) for n, label in enumerate(a_list(body.get("time"), "time"))]
    if level == "yearly":
        labels = _as_years(labels, asked)
    expected = _years(labels, asked) if level == "yearly" else SLOTS[level](asked)
    if level != "hourly" or labels != _HOURS_BY_THEIR_END:
        _compare(labels, [_number_of(slot.label, level) for slot in expected])
    series, lists = SeriesReader(), {flow: a_list(body.get(flow), flow) for flow in FLOWS}
    good = {
        flow: entries
        for flow, entries in lists.items()
        if series.read(flow, partial(_one_flow, flow, entries, labels, expected, asked))
    }
    rejected = series.rejected(table, asked)
    found, values = slots.matched(good, expected, asked)
    read = dict(zip(good, values, strict=True))
    columns = {f"{flow}_kwh": read.get(flow, [None] * len(found)) for flow in FLOWS}
    rows = parsed(table, asked, when(table, found, asked) | columns, len(found)).rows
    return Parsed(rows, rejected, series.count)


def _one_flow(
    flow: str, entries: list[Any], labels: Sequence[int], expected: Sequence[slots.Slot], asked: Asked
) -> bool:
    if len(entries) != len(labels):
        raise RefusedError(f"{flow} has {len(entries)} entries for {len(labels)} labels")
    slots.matched({flow: entries}, expected, asked)
    return True


def _read(label: Any, level: str, position: int) -> int:
    """`00` to `23` (`0` and `00:00` too), `01` to `31`, `01` to `12`, `2022`: the number in it."""
    match = _PATTERNS[level].fullmatch(label) if isinstance(label, str) else None
    if match is None:
        raise RefusedError(f"time[{position}] is {shown(label)}, no label of the {level} level")
    return int(match[1])


def _number_of(label: Any, level: str) -> int:
    if isinstance(label, date):
        return label.month if level == "monthly" else label.day
    return int(label)


def _compare(labels: Sequence[int], expected: Sequence[int]) -> None:
    """Refuse labels that are not those of the period from its beginning; `slots` says how many may lack."""
    for position, (label, right) in enumerate(zip(labels, expected, strict=False)):
        if label != right:
            raise RefusedError(f"time[{position}] is {label} where {right} belongs")


def _as_years(labels: list[int], asked: Asked) -> list[int]:
    """Years that are only counted, `01` on, as those since registration, if there are just as many."""
    since = [slot.label for slot in SLOTS["yearly"](asked)] if asked.create_date else []
    return since if labels == [*range(1, len(since) + 1)] else labels


def _years(labels: Sequence[int], asked: Asked) -> list[slots.Slot]:
    """The years named: in a row, up to this one. A meter may be younger than its system."""
    this_year = local_day(asked.asked_utc + CLOCK_TOLERANCE, asked.zone).year
    at_least = local_day(asked.asked_utc - _NEW_YEAR, asked.zone).year
    if not 0 < len(labels) <= _MAX_YEARS or not at_least <= labels[-1] <= this_year:
        raise RefusedError(f"{len(labels)} years up to {labels[-1] if labels else 'none'} in {this_year}")
    return [
        slots.Slot(year, hour_bounds_utc(date(year, 1, 1), 0, asked.zone)[0], None, date(year, 12, 31))
        for year in range(labels[-1] - len(labels) + 1, labels[-1] + 1)
    ]
