"""Energy by hour, day, month and year, and in summaries: manual 3.2 to 3.5.

A summary is a snapshot: one answer makes its rows, stamped with the moment of asking, and the table holds
those of every answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from aps_pipeline.parse import timeslots
from aps_pipeline.parse.context import (
    CLOCK_TOLERANCE,
    ParseContext,
    Parsed,
    SeriesReader,
    list_channels,
    make_rows,
    read_body,
    register,
)
from aps_pipeline.parse.values import RefusedError, excerpt, read_list, read_number, read_object
from aps_pipeline.periods import hour_bounds_utc, local_day
from aps_pipeline.tables import Table
from aps_pipeline.tables.columns import FLOWS, SPANS
from aps_pipeline.tables.energy import ECU_ENERGY, INVERTER_ENERGY, METER_ENERGY, SYSTEM_ENERGY
from aps_pipeline.tables.summaries import ECU_SUMMARY, INVERTER_SUMMARY, METER_SUMMARY, SYSTEM_SUMMARY

_LABELS = {"hourly": "hour", "daily": "date", "monthly": "month", "yearly": "year"}


@register(*SYSTEM_ENERGY, *ECU_ENERGY)
def energy_list(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build rows of `{system,ecu}_{hourly,daily,monthly,yearly}_energy` in kWh. Raises RefusedError."""
    found, values = list_energies(table, data, context)
    return make_rows(table, context, time_columns(table, found, context) | {"energy_kwh": values}, len(found))


def list_energies(
    table: Table, data: Any, context: ParseContext
) -> tuple[list[timeslots.Slot], list[float | None]]:
    """List the hours, days, months or years of such an answer, and the kWh of each. Raises RefusedError."""
    lists = {"data": read_list(data, "data")}
    found, (values,) = timeslots.match_slots(lists, _slots_of(table, lists, context), context)
    return found, values


@register(*INVERTER_ENERGY)
def inverter_energy(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build rows of `inverter_{hourly,daily,monthly,yearly}_energy` in kWh, channel by channel.

    A channel that cannot be right is refused alone. Raises RefusedError, also where the others differ in
    length.
    """
    body, series = read_body(table, data, context), SeriesReader()
    lists: dict[int, list[Any]] = {}
    for channel in list_channels(body, ["e"]):
        name, entries = f"e{channel}", read_list(body[f"e{channel}"], f"e{channel}")
        expected = _slots_of(table, {name: entries}, context)
        if series.read_series(name, partial(timeslots.match_slots, {name: entries}, expected, context)):
            lists[channel] = entries
    if series.count == 0:
        raise RefusedError("no channel has a list")
    rejected = series.rejected_rows(table, context)
    if len(set(map(len, lists.values()))) != 1:
        raise RefusedError(f"channels of {[len(entries) for entries in lists.values()]} entries")
    named = {f"e{n}": entries for n, entries in lists.items()}
    found, values = timeslots.match_slots(named, _slots_of(table, named, context), context)
    columns = time_columns(table, found * len(lists), context) | {
        "channel": [channel for channel in lists for _ in found],
        "energy_kwh": [value for of_channel in values for value in of_channel],
    }
    rows = make_rows(table, context, columns, len(found) * len(lists)).rows
    return Parsed(rows, rejected, series.count)


def _slots_of(
    table: Table, lists: Mapping[str, Sequence[Any]], context: ParseContext
) -> list[timeslots.Slot]:
    """List what the entries of lists stand for; how many years there are, only the lists say."""
    return (
        timeslots.year_slots_of(lists, context)
        if table.source.level == "yearly"
        else timeslots.list_slots(table.source.level, context)
    )


def time_columns(table: Table, found: Sequence[timeslots.Slot], context: ParseContext) -> dict[str, Any]:
    """Build the columns of a table that say when: its label, and bounds or `is_final` where it has them."""
    columns: dict[str, Any] = {_LABELS[table.source.level]: [slot.label for slot in found]}
    if "end_utc" in table.schema.names:
        columns["start_utc"] = [slot.start_utc for slot in found]
        columns["end_utc"] = [slot.end_utc for slot in found]
    if "is_final" in table.schema.names:
        columns["is_final"] = [context.is_final(slot.last_day) for slot in found]
    return columns


_PATTERNS = {
    "hourly": re.compile(r"([0-9]{1,2})(?::00)?", re.ASCII),
    "daily": re.compile(r"([0-9]{1,2})", re.ASCII),
    "monthly": re.compile(r"([0-9]{1,2})", re.ASCII),
    "yearly": re.compile(r"([0-9]{2}|[0-9]{4})", re.ASCII),
}
_HOURS_BY_THEIR_END = [*range(1, 25)]
"""A whole day as `01` to `24`: the numbering of the manual's only example, and no other reading fits."""
_NEW_YEAR = timedelta(days=3)
"""How long after its beginning a year may be missing from a list of years, as in `timeslots`."""

_MAX_YEARS = 100


@register(*METER_ENERGY)
def meter_energy(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Rows of `meter_{hourly,daily,monthly,yearly}_energy`: produced, consumed, imported, exported in kWh.

    A flow that cannot be right is null in its column. Raises RefusedError: labels that are not those of the
    period, or no flow that is right.
    """
    body, level = read_body(table, data, context), table.source.level
    labels = _read_labels(read_list(body.get("time"), "time"), level, context)
    expected = _years(labels, context) if level == "yearly" else timeslots.list_slots(level, context)
    if level != "hourly" or labels != _HOURS_BY_THEIR_END:
        _check_labels(labels, expected, level)
    series, lists = SeriesReader(), {flow: read_list(body.get(flow), flow) for flow in FLOWS}

    def is_right(flow: str) -> bool:
        if len(lists[flow]) != len(labels):
            raise RefusedError(f"{flow} has {len(lists[flow])} entries for {len(labels)} labels")
        timeslots.match_slots({flow: lists[flow]}, expected, context)
        return True

    good = {flow: lists[flow] for flow in FLOWS if series.read_series(flow, partial(is_right, flow))}
    rejected = series.rejected_rows(table, context)
    found, values = timeslots.match_slots(good, expected, context)
    read = dict(zip(good, values, strict=True))
    columns = {f"{flow}_kwh": read.get(flow, [None] * len(found)) for flow in FLOWS}
    rows = make_rows(table, context, time_columns(table, found, context) | columns, len(found)).rows
    return Parsed(rows, rejected, series.count)


def _read_labels(entries: Sequence[Any], level: str, context: ParseContext) -> list[int]:
    """Read the number in each label: `00` to `23` (`0` and `00:00` too), `01` to `31`, `01` to `12`, `2022`.

    Years that are only counted, `01` on, are those since registration, if there are just as many.
    """
    labels: list[int] = []
    for position, label in enumerate(entries):
        match = _PATTERNS[level].fullmatch(label) if isinstance(label, str) else None
        if match is None:
            raise RefusedError(f"time[{position}] is {excerpt(label)}, no label of the {level} level")
        labels.append(int(match[1]))
    if level == "yearly" and context.create_date:
        since = [slot.label for slot in timeslots.year_slots(context)]
        return since if labels == [*range(1, len(since) + 1)] else labels
    return labels


def _check_labels(labels: Sequence[int], expected: Sequence[timeslots.Slot], level: str) -> None:
    """Refuse labels that are not those of the period from its beginning; `timeslots` counts them."""
    for position, (label, slot) in enumerate(zip(labels, expected, strict=False)):
        right = slot.label
        if isinstance(right, date):
            right = right.month if level == "monthly" else right.day
        if label != right:
            raise RefusedError(f"time[{position}] is {label} where {right} belongs")


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


_LETTERS = dict(zip(SPANS, "dmyt", strict=True))
"""The spans as an inverter names them, before the number of the channel."""

_OFTEN_ABSENT = "lifetime"
"""Named among a meter's spans by the manual, but not in its example."""


@register(SYSTEM_SUMMARY, ECU_SUMMARY)
def total_summary(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build the row of `system_summary` or `ecu_summary` in kWh; no `today` before the first production.

    Raises RefusedError.
    """
    body = read_body(table, data, context)
    return make_rows(table, context, {f"{span}_kwh": [_read_named_number(body, span)] for span in SPANS}, 1)


@register(METER_SUMMARY)
def meter_summary(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build the row of `meter_summary` in kWh; `today` is null as a whole before the day's first record.

    Raises RefusedError.
    """
    body = read_body(table, data, context)
    columns: dict[str, Any] = {}
    for span in SPANS:
        if span not in body and span != _OFTEN_ABSENT:
            raise RefusedError(f"no {span}")
        given = body.get(span)
        flows = dict.fromkeys(FLOWS) if given is None else read_object(given, span)
        columns |= {
            f"{flow}_{span}_kwh": [_read_named_number(flows, flow, f"{span}.{flow}")] for flow in FLOWS
        }
    return make_rows(table, context, columns, 1)


@register(INVERTER_SUMMARY)
def inverter_summary(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build the rows of `inverter_summary` in kWh: d, m, y and t of each channel. Raises RefusedError."""
    body = read_body(table, data, context)
    channels = list_channels(body, [*_LETTERS.values()])
    if not channels:  # all null is an inverter that has not produced yet; no name at all is another body
        for letter in _LETTERS.values():
            _read_named_number(body, f"{letter}1")
    columns = {
        f"{span}_kwh": [_read_named_number(body, f"{letter}{channel}") for channel in channels]
        for span, letter in _LETTERS.items()
    }
    return make_rows(table, context, columns | {"channel": channels}, len(channels))


def _read_named_number(values: Mapping[str, Any], name: str, what: str = "") -> float | None:
    """Read the number of that name, which may be null but must stand there. Raises RefusedError."""
    if name not in values:
        raise RefusedError(f"no {what or name}")
    return read_number(values[name], what or name)
