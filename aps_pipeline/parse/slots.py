"""Which entry of an unlabelled list is which hour, day, month or year.

The API's energy lists carry no labels (manual 3.2.2), so their length is the only witness: a list of the
wrong length is refused, never shifted or padded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from aps_pipeline.parse.asked import Asked, NotBegunError, RefusedError
from aps_pipeline.parse.values import number
from aps_pipeline.periods import FIRST_DAY, Grain, Period, hour_bounds_utc, local_day, wall_to_utc

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


def hours(asked: Asked) -> list[Slot]:
    """The 24 local hours of the day."""
    day = asked.period.first
    bounds = (hour_bounds_utc(day, hour, asked.zone) for hour in range(24))
    return [Slot(hour, start, end, day) for hour, (start, end) in enumerate(bounds)]


def days(asked: Asked) -> list[Slot]:
    """The days of the month."""
    return [_slot(asked, Period(Grain.DAY, day)) for day in asked.period.days()]


def months(asked: Asked) -> list[Slot]:
    """The months of the year, each labelled with its first day."""
    year = asked.period.first
    return [_slot(asked, Period(Grain.MONTH, year.replace(month=month))) for month in range(1, 13)]


def years(asked: Asked) -> list[Slot]:
    """The years from registration to the one in which the call was made. Raises RefusedError."""
    if asked.create_date is None:
        raise RefusedError("a list of years cannot be labelled without the system's create_date")
    return _years(asked, asked.create_date.year)


def years_of(lists: Mapping[str, Sequence[Any]], asked: Asked) -> list[Slot]:
    """The years that lists are of, read from their end: there may be figures from before registration.

    Raises RefusedError for more years than a system can have, and about New Year for a list that may end with
    another year than this one.
    """
    since_registration = years(asked)
    longest = max(map(len, lists.values()), default=0)
    if longest <= len(since_registration):
        return since_registration
    first = local_day(asked.asked_utc, asked.zone).year + 1 - longest
    if longest > _MOST_YEARS or first < FIRST_DAY.year:
        raise RefusedError(f"{longest} entries where {len(since_registration)} belong")
    for name, entries in lists.items():
        values = [number(entry, f"{name}[{position}]") or 0.0 for position, entry in enumerate(entries)]
        is_begun_only = values[-1] <= max(values[:-1]) / 10
        if _is_new_year(asked, -_NEW_YEAR) and not is_begun_only:
            raise RefusedError(f"{name} has {longest} entries and may end with the year before")
        if _is_new_year(asked, _NEW_YEAR) and is_begun_only:
            raise RefusedError(f"{name} has {longest} entries and may end with the year to come")
    return _years(asked, first)


def _years(asked: Asked, first: int) -> list[Slot]:
    this_year = local_day(asked.asked_utc, asked.zone).year
    span = range(first, this_year + 1)
    return [_slot(asked, Period(Grain.YEAR, date(year, 1, 1)), label=year) for year in span]


def _slot(asked: Asked, period: Period, label: object = None) -> Slot:
    start = datetime(period.first.year, period.first.month, period.first.day)  # noqa: DTZ001 - a wall time
    begins = wall_to_utc(start, asked.zone)
    return Slot(label or period.first, begins, None, period.last)


def matched(
    lists: Mapping[str, Sequence[Any]], slots: Sequence[Slot], asked: Asked
) -> tuple[list[Slot], list[list[float | None]]]:
    """The slots that have begun, and for each named list its values for them. Raises RefusedError.

    A closed period has every entry. An open one may end early; entries for what has not begun are left out,
    unless they hold energy shortly ahead: then it is our clock that lags.
    """
    begun = sum(asked.has_begun(slot.start_utc) for slot in slots)
    found = [_numbers(entries, name, len(slots), begun, asked) for name, entries in lists.items()]
    shortest = min(map(len, found), default=0)
    if any(len(values) > shortest for values in found):
        raise RefusedError(f"lists of {sorted({len(entries) for entries in lists.values()})} entries")
    count = shortest
    while count and slots[count - 1].start_utc > asked.asked_utc and not any(v[count - 1] for v in found):
        count -= 1
    return list(slots[:count]), [values[:count] for values in found]


def _numbers(entries: Sequence[Any], name: str, slots: int, begun: int, asked: Asked) -> list[float | None]:
    if len(entries) > slots or (len(entries) < slots and not _may_be_short(entries, begun, asked)):
        raise RefusedError(f"{name} has {len(entries)} entries where {slots} belong")
    values = [number(entry, f"{name}[{position}]") for position, entry in enumerate(entries)]
    if any(values[begun:]):
        raise NotBegunError(f"{name}[{begun}] gives energy for a time that has not begun")
    return values[:begun]


def _may_be_short(entries: Sequence[Any], begun: int, asked: Asked) -> bool:
    if (
        asked.period.grain is Grain.LIFETIME
    ):  # a year too few anywhere would shift them all but in its first days
        return _is_new_year(asked, -_NEW_YEAR) and len(entries) == begun - 1
    return asked.is_open()


def _is_new_year(asked: Asked, shift: timedelta) -> bool:
    """Whether it was another year then: a clock may be off, and a list of years late."""
    return local_day(asked.asked_utc + shift, asked.zone).year != local_day(asked.asked_utc, asked.zone).year
