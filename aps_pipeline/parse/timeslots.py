"""Five-minute labels to instants: `HH:mm` on a wall at the system, the end of a slot (manual 3.3 to 3.5).

A label is read with the calendar of the system, never by its position. Labels ascend; where autumn turns the
clock back they may go back once, and what stands for the second time is fold 1. A label that no clock showed
there, or that repeats for no such reason, refuses the body.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.parse.context import ParseContext, SeriesReader
from aps_pipeline.parse.values import (
    NotBegunError,
    RefusedError,
    excerpt,
    read_doubles,
    read_list,
    read_number,
)
from aps_pipeline.periods import (
    FIRST_DAY,
    Grain,
    Period,
    day_end_utc,
    hours_utc,
    local_day,
    wall_to_utc,
)

SLOT = timedelta(minutes=5)
"""The shortest slot: what ends later than this after now has not begun."""

_LABEL = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_MIDNIGHT = "00:00"


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The slots of a body that have begun: label, fold 0 or 1, end in UTC, each as an Arrow column.

    `came` counts all labels of the body, so that every list beside them can be held against it.
    """

    labels: pa.Array
    folds: pa.Array
    ends: pa.Array
    came: int

    def __len__(self) -> int:
        return len(self.labels)

    def columns(self) -> dict[str, pa.Array]:
        """Build the columns `label`, `fold` and `end_utc`."""
        return {"label": self.labels, "fold": self.folds, "end_utc": self.ends}

    def read_series(self, values: Any, what: str) -> pa.Array:
        """Read the numbers of a list that belongs to the labels, one for each slot that has begun.

        Raises RefusedError: not a list, of another length, not numbers, or values for what has not begun.
        """
        found = read_doubles(self.check_length(values, what), what)
        if pc.any(pc.not_equal(found.slice(len(self)), 0)).as_py():
            raise NotBegunError(f"{what} gives values for a time that has not begun")
        return found.slice(0, len(self))

    def read_column(self, series: SeriesReader, values: Any, what: str) -> pa.Array:
        """Read a list that is one column beside others: null where it alone is refused.

        Raises RefusedError for what is not a list.
        """
        entries = read_list(values, what)
        found = series.read_series(what, lambda: self.read_series(entries, what))
        return pa.nulls(len(self), pa.float64()) if found is None else found

    def check_length(self, values: Any, what: str) -> list[Any]:
        """Check that a list is as long as the labels that came. Raises RefusedError."""
        entries = read_list(values, what)
        if len(entries) != self.came:
            raise RefusedError(f"{what} has {len(entries)} entries for {self.came} labels")
        return entries


def read_time_axis(labels: Any, what: str, context: ParseContext) -> TimeAxis:
    """List the slots that the labels of a day name. Raises RefusedError."""
    texts = read_list(labels, what)
    ends, folds = _stamp_slots(texts, what, context)
    begun = sum(context.has_begun(end - SLOT) for end in ends)
    return TimeAxis(
        pa.array(texts[:begun], pa.string()),
        pa.array(folds[:begun], pa.int8()),
        pa.array(ends[:begun], pa.timestamp("us", "UTC")),
        len(texts),
    )


def _stamp_slots(texts: Sequence[Any], what: str, context: ParseContext) -> tuple[list[datetime], list[int]]:
    day = context.period.first
    ends: list[datetime] = []
    folds: list[int] = []
    for position, text in enumerate(texts):
        if not isinstance(text, str) or not _LABEL.fullmatch(text):
            raise RefusedError(f"{what}[{position}] is {excerpt(text)}, not HH:mm")
        moments = instants_of_label(day, text, context.zone)
        times = len(moments)
        if text == _MIDNIGHT and 0 < position == len(texts) - 1 and _MIDNIGHT not in texts[:position]:
            moments += (day_end_utc(day, context.zone),)
        later = next((n for n, moment in enumerate(moments) if not ends or moment > ends[-1]), None)
        if later is None:
            never_shown = f"which no clock in {context.zone.key} showed on {day}"
            reason = "which does not follow the label before" if moments else never_shown
            raise RefusedError(f"{what}[{position}] is {text}, {reason}")
        ends.append(moments[later])
        folds.append(later if later < times else 0)
    return ends, folds


def instants_of_label(day: date, label: str, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Find when (UTC) a clock in `zone` shows `label` on that day: once, twice in autumn, or never."""
    wall = datetime.combine(day, time.fromisoformat(label))
    first, second = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
    early, late = first.utcoffset(), second.utcoffset()
    if early == late:
        return (first.astimezone(UTC),)
    assert early is not None and late is not None  # noqa: S101 - a ZoneInfo always has an offset
    return (first.astimezone(UTC), second.astimezone(UTC)) if early > late else ()


_MOST_YEARS = 60
_NEW_YEAR = timedelta(days=3)
"""How long after its beginning a year may be missing from a list of years."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The stretch of time that one entry stands for; `last_day` is the last local day it touches."""

    label: Any
    start_utc: datetime
    end_utc: datetime | None
    last_day: date


def list_slots(level: str, context: ParseContext) -> list[Slot]:
    """List what entries stand for: the 24 local hours, the days or months of the period, or years.

    Months are labelled with their first day. Raises RefusedError as `year_slots` does.
    """
    first = context.period.first
    if level == "hourly":
        hours = enumerate(hours_utc(first, context.zone))
        return [Slot(hour, start, end, first) for hour, (start, end) in hours]
    if level == "daily":
        return [_slot(context, Period(Grain.DAY, day)) for day in context.period.days()]
    if level == "monthly":
        return [_slot(context, Period(Grain.MONTH, first.replace(month=month))) for month in range(1, 13)]
    return year_slots(context)


def year_slots(context: ParseContext) -> list[Slot]:
    """List the years from registration to the one in which the call was made. Raises RefusedError."""
    if context.create_date is None:
        raise RefusedError("a list of years cannot be labelled without the system's create_date")
    return _years(context, context.create_date.year)


def year_slots_of(lists: Mapping[str, Sequence[Any]], context: ParseContext) -> list[Slot]:
    """List the years that lists are of, read from their end: there may be figures from before registration.

    Raises RefusedError for more years than a system can have, and about New Year for a list that may end with
    another year than this one.
    """
    since_registration = year_slots(context)
    longest = max(map(len, lists.values()), default=0)
    if longest <= len(since_registration):
        return since_registration
    first = local_day(context.sent_utc, context.zone).year + 1 - longest
    if longest > _MOST_YEARS or first < FIRST_DAY.year:
        raise RefusedError(f"{longest} entries where {len(since_registration)} belong")
    for name, entries in lists.items():
        values = [read_number(entry, f"{name}[{position}]") or 0.0 for position, entry in enumerate(entries)]
        is_begun_only = values[-1] <= max(values[:-1]) / 10
        if _is_new_year(context, -_NEW_YEAR) and not is_begun_only:
            raise RefusedError(f"{name} has {longest} entries and may end with the year before")
        if _is_new_year(context, _NEW_YEAR) and is_begun_only:
            raise RefusedError(f"{name} has {longest} entries and may end with the year to come")
    return _years(context, first)


def _years(context: ParseContext, first: int) -> list[Slot]:
    this_year = local_day(context.sent_utc, context.zone).year
    span = range(first, this_year + 1)
    return [_slot(context, Period(Grain.YEAR, date(year, 1, 1)), label=year) for year in span]


def _slot(context: ParseContext, period: Period, label: object = None) -> Slot:
    start = datetime(period.first.year, period.first.month, period.first.day)  # noqa: DTZ001 - a wall time
    begins = wall_to_utc(start, context.zone)
    return Slot(label or period.first, begins, None, period.last)


def match_slots(
    lists: Mapping[str, Sequence[Any]], slots: Sequence[Slot], context: ParseContext
) -> tuple[list[Slot], list[list[float | None]]]:
    """Match lists to slots: those that have begun, and the values of each list. Raises RefusedError.

    A closed period has every entry. An open one may end early; entries for what has not begun are left out,
    unless they hold energy shortly ahead: then it is our clock that lags.
    """
    begun = sum(context.has_begun(slot.start_utc) for slot in slots)
    found = [_numbers(entries, name, len(slots), begun, context) for name, entries in lists.items()]
    shortest = min(map(len, found), default=0)
    if any(len(values) > shortest for values in found):
        raise RefusedError(f"lists of {sorted({len(entries) for entries in lists.values()})} entries")
    count = shortest
    while count and slots[count - 1].start_utc > context.sent_utc and not any(v[count - 1] for v in found):
        count -= 1
    return list(slots[:count]), [values[:count] for values in found]


def _numbers(
    entries: Sequence[Any], name: str, slots: int, begun: int, context: ParseContext
) -> list[float | None]:
    may_be_short = context.is_open()
    if context.period.grain is Grain.LIFETIME:
        # A year too few anywhere would shift them all, so only that of the first days may be missing.
        may_be_short = _is_new_year(context, -_NEW_YEAR) and len(entries) == begun - 1
    if len(entries) > slots or (len(entries) < slots and not may_be_short):
        raise RefusedError(f"{name} has {len(entries)} entries where {slots} belong")
    values = [read_number(entry, f"{name}[{position}]") for position, entry in enumerate(entries)]
    if any(values[begun:]):
        raise NotBegunError(f"{name}[{begun}] gives energy for a time that has not begun")
    return values[:begun]


def _is_new_year(context: ParseContext, shift: timedelta) -> bool:
    """Tell whether it was another year then: a clock may be off, and a list of years late."""
    return (
        local_day(context.sent_utc + shift, context.zone).year
        != local_day(context.sent_utc, context.zone).year
    )
