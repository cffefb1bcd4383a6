"""What a meter counts, by hour, day, month and year: manual 3.4.2. Its lists come with labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from aps_pipeline.parse import timeslots
from aps_pipeline.parse.context import (
    CLOCK_TOLERANCE,
    ParseContext,
    Parsed,
    SeriesReader,
    make_rows,
    read_body,
)
from aps_pipeline.parse.energy import SLOTS, time_columns
from aps_pipeline.parse.registry import register
from aps_pipeline.parse.values import RefusedError, excerpt, read_list
from aps_pipeline.periods import hour_bounds_utc, local_day
from aps_pipeline.tables import Table
from aps_pipeline.tables.columns import FLOWS
from aps_pipeline.tables.energy import METER_ENERGY

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


@register(*METER_ENERGY)
def meter_energy(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Rows of `meter_{hourly,daily,monthly,yearly}_energy`: produced, consumed, imported, exported in kWh.

    A flow that cannot be right is null in its column. Raises RefusedError: labels that are not those of the
    period, or no flow that is right.
    """
    body, level = read_body(table, data, context), table.source.level
    labels = [_read_label(label, level, n) for n, label in enumerate(read_list(body.get("time"), "time"))]
    if level == "yearly":
        labels = _as_years(labels, context)
    expected = _years(labels, context) if level == "yearly" else SLOTS[level](context)
    if level != "hourly" or labels != _HOURS_BY_THEIR_END:
        _check_labels(labels, [_number_of(slot.label, level) for slot in expected])
    series, lists = SeriesReader(), {flow: read_list(body.get(flow), flow) for flow in FLOWS}
    good = {
        flow: entries
        for flow, entries in lists.items()
        if series.read_series(flow, partial(_one_flow, flow, entries, labels, expected, context))
    }
    rejected = series.rejected_rows(table, context)
    found, values = timeslots.match_slots(good, expected, context)
    read = dict(zip(good, values, strict=True))
    columns = {f"{flow}_kwh": read.get(flow, [None] * len(found)) for flow in FLOWS}
    rows = make_rows(table, context, time_columns(table, found, context) | columns, len(found)).rows
    return Parsed(rows, rejected, series.count)


def _one_flow(
    flow: str,
    entries: list[Any],
    labels: Sequence[int],
    expected: Sequence[timeslots.Slot],
    context: ParseContext,
) -> bool:
    if len(entries) != len(labels):
        raise RefusedError(f"{flow} has {len(entries)} entries for {len(labels)} labels")
    timeslots.match_slots({flow: entries}, expected, context)
    return True


def _read_label(label: Any, level: str, position: int) -> int:
    """`00` to `23` (`0` and `00:00` too), `01` to `31`, `01` to `12`, `2022`: the number in it."""
    match = _PATTERNS[level].fullmatch(label) if isinstance(label, str) else None
    if match is None:
        raise RefusedError(f"time[{position}] is {excerpt(label)}, no label of the {level} level")
    return int(match[1])


def _number_of(label: Any, level: str) -> int:
    if isinstance(label, date):
        return label.month if level == "monthly" else label.day
    return int(label)


def _check_labels(labels: Sequence[int], expected: Sequence[int]) -> None:
    """Refuse labels that are not those of the period from its beginning; `slots` says how many may lack."""
    for position, (label, right) in enumerate(zip(labels, expected, strict=False)):
        if label != right:
            raise RefusedError(f"time[{position}] is {label} where {right} belongs")


def _as_years(labels: list[int], context: ParseContext) -> list[int]:
    """Years that are only counted, `01` on, as those since registration, if there are just as many."""
    since = [slot.label for slot in SLOTS["yearly"](context)] if context.create_date else []
    return since if labels == [*range(1, len(since) + 1)] else labels


def _years(labels: Sequence[int], context: ParseContext) -> list[timeslots.Slot]:
    """List the years named: in a row, up to this one. A meter may be younger than its system."""
    this_year = local_day(context.sent_utc + CLOCK_TOLERANCE, context.zone).year
    at_least = local_day(context.sent_utc - _NEW_YEAR, context.zone).year
    if not 0 < len(labels) <= _MAX_YEARS or not at_least <= labels[-1] <= this_year:
        raise RefusedError(f"{len(labels)} years up to {labels[-1] if labels else 'none'} in {this_year}")
    return [
        timeslots.Slot(year, hour_bounds_utc(date(year, 1, 1), 0, context.zone)[0], None, date(year, 12, 31))
        for year in range(labels[-1] - len(labels) + 1, labels[-1] + 1)
    ]
