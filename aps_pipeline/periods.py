"""Day, month, year, lifetime: partition key, API `date_range`, and local wall time against UTC.

Here belongs everything that knows a calendar or a time zone. The key of a period is at once the Dagster
partition key, the folder name in the lake and the `date_range` of the API (manual 3.2.2).
Zones come from the `tzdata` package alone, so that every machine computes the same instants.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo

FIRST_ZONE, LAST_ZONE = "Etc/GMT-14", "Etc/GMT+12"
"""Where a day begins first, and where it ends last: a day over there is over everywhere."""

FIRST_DAY = date(2009, 1, 1)
"""No system is older: nothing before it is asked."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class UnknownZoneError(ValueError):
    """A time zone name that the tz database does not hold."""


class Grain(StrEnum):
    """How long a period is."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


KEY_LENGTH = {Grain.DAY: 10, Grain.MONTH: 7, Grain.YEAR: 4, Grain.LIFETIME: 0}


@dataclass(frozen=True, order=True, slots=True)
class Period:
    """A stretch of local calendar days; `first` is its first day (`date.min` for a lifetime)."""

    grain: Grain
    first: date

    @classmethod
    def containing(cls, grain: Grain, day: date) -> Period:
        """Find the period of that grain that `day` falls in."""
        if grain is Grain.LIFETIME:
            return LIFETIME
        if grain is Grain.YEAR:
            day = day.replace(month=1, day=1)
        elif grain is Grain.MONTH:
            day = day.replace(day=1)
        return cls(grain, day)

    @classmethod
    def parse(cls, grain: Grain, key: str) -> Period:
        """Parse the key of a period: `2024-03-05`, `2024-03`, `2024` or empty. Raises ValueError."""
        if grain is Grain.LIFETIME and not key:
            return LIFETIME
        tail = {Grain.DAY: "", Grain.MONTH: "-01", Grain.YEAR: "-01-01"}
        try:
            period = cls(grain, date.fromisoformat(key + tail[grain]))
        except (KeyError, ValueError):
            period = None
        if period is None or period.key != key:
            raise ValueError(f"{key!r} is not the key of a {grain}")
        return period

    @classmethod
    def of_ordinal(cls, grain: Grain, ordinal: int) -> Period:
        """Get the period of that grain with this `ordinal`."""
        if grain is Grain.LIFETIME:
            return LIFETIME
        if grain is Grain.DAY:
            return cls(grain, date.fromordinal(ordinal))
        year, month = divmod(ordinal, 12) if grain is Grain.MONTH else (ordinal, 0)
        return cls(grain, date(year, month + 1, 1))

    @property
    def ordinal(self) -> int:
        """Its number among the periods of its grain; the next one has the next number."""
        if self.grain is Grain.DAY:
            return self.first.toordinal()
        if self.grain is Grain.MONTH:
            return 12 * self.first.year + self.first.month - 1
        return self.first.year if self.grain is Grain.YEAR else 0

    @property
    def key(self) -> str:
        """Partition key, folder name and API `date_range` in one; empty for a lifetime."""
        return self.first.isoformat()[: KEY_LENGTH[self.grain]]

    @property
    def last(self) -> date:
        """Its last local day (`date.max` for a lifetime)."""
        if self.grain is Grain.DAY:
            return self.first
        if self.grain is Grain.MONTH:
            return self.first.replace(day=calendar.monthrange(self.first.year, self.first.month)[1])
        return self.first.replace(month=12, day=31) if self.grain is Grain.YEAR else date.max

    def __len__(self) -> int:
        """Count its days."""
        return (self.last - self.first).days + 1

    def days(self) -> Iterator[date]:
        """List its days in order."""
        return days_between(self.first, self.last)

    def end_utc(self, zone: ZoneInfo) -> datetime | None:
        """Find the instant at which it is over in that zone; None for a lifetime, which never is."""
        return None if self.grain is Grain.LIFETIME else day_end_utc(self.last, zone)


LIFETIME = Period(Grain.LIFETIME, date.min)


def days_between(first: date, last: date) -> Iterator[date]:
    """List each day from `first` to `last`, both included."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def periods_between(grain: Grain, first: date, last: date) -> list[Period]:
    """List every period of that grain that holds a day from `first` to `last`, in order."""
    if grain is Grain.LIFETIME:
        return [LIFETIME]
    found: list[Period] = []
    day = first
    while day <= last:
        period = Period.containing(grain, day)
        found.append(period)
        if period.last == date.max:
            break
        day = period.last + _DAY
    return found


@cache
def zone(name: str) -> ZoneInfo:
    """Load the zone of an IANA name, legacy names (`Canada/Mountain`) included. Raises UnknownZoneError."""
    if name not in _zone_names():
        raise UnknownZoneError(f"unknown time zone {name[:60]!r}")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("ascii").split())


def wall_to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """UTC instant at which a clock in `zone` first shows `wall` (naive).

    A wall time that the clock jumps over is the instant of the jump.
    """
    first = wall.replace(tzinfo=zone, fold=0)
    early, late = first.utcoffset(), wall.replace(tzinfo=zone, fold=1).utcoffset()
    assert early is not None and late is not None  # noqa: S101 - a ZoneInfo always has an offset
    if early >= late:
        return first.astimezone(UTC)
    return _jump(wall.replace(tzinfo=UTC) - late, wall.replace(tzinfo=UTC) - early, zone)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Find the second between two instants at which the offset of `zone` changes."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def hour_bounds_utc(day: date, hour: int, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Find start and end of a local hour 0–23: a skipped hour lasts 0, a repeated one 2 hours."""
    start = datetime(day.year, day.month, day.day, hour)  # noqa: DTZ001 - a wall time on purpose
    return wall_to_utc(start, zone), wall_to_utc(start + _HOUR, zone)


def hours_utc(day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """List start and end of the 24 local hours of a day, as `hour_bounds_utc` finds each."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall time on purpose
    return pairwise(wall_to_utc(midnight + hour * _HOUR, zone) for hour in range(25))


@lru_cache(maxsize=50_000)
def day_end_utc(day: date, zone: ZoneInfo) -> datetime:
    """Find the instant of the midnight that ends a local day."""
    return hour_bounds_utc(day, 23, zone)[1]


def day_bounds_utc(first: date, last: date, zone: ZoneInfo) -> Iterator[tuple[date, datetime, datetime]]:
    """List each local day from `first` to `last`, the midnight that begins it and the one that ends it."""
    start = wall_to_utc(datetime.combine(first, time()), zone)
    for day in days_between(first, last):
        end = wall_to_utc(datetime.combine(day + _DAY, time()), zone)
        yield day, start, end
        start = end


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Find the date on the calendar in `zone` at that instant."""
    return instant.astimezone(zone).date()
