"""Sums over hours, days, months and years of what the ECUs recorded.

One printed unit, 0.01 kWh, is carried along beside the exact energies: the hours of an ECU are rounded so
that they add up to its day, and its months, its years and its system are sums of printed days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from threading import RLock

import numpy as np

from aps_pipeline.periods import Grain, Period, days_between, local_day, periods_between, zone
from aps_pipeline.simulator.fleet import Ecu, Fleet, System
from aps_pipeline.simulator.production import Ints, Records, ecu_days, sum_by_hour

_CENTI = 10_000  # micro-kWh in 0.01 kWh


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: seconds since 1970 UTC, and the date in the zone of the requested system."""

    epoch: int
    today: date

    @classmethod
    def at(cls, instant: datetime, zone_name: str) -> Moment:
        """Convert an aware datetime to the moment in a zone."""
        return cls(int(instant.astimezone(UTC).timestamp()), local_day(instant, zone(zone_name)))


@dataclass(frozen=True, eq=False, slots=True)
class Sums:
    """Energy of one ECU over a period, or by hours with last axes [24] or [days, 24].

    `centi` 0.01 kWh as printed [...]; `channels` micro-kWh [channels, ...]; `flows` micro-kWh [4, ...];
    `daylight` and `records` count records, of daylight and at all, [...].
    """

    centi: Ints
    channels: Ints
    flows: Ints
    daylight: Ints
    records: Ints

    def _map(self, change: Callable[[Ints], Ints]) -> Sums:
        return Sums(*(change(getattr(self, name)) for name in self.__slots__))

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))

    def total(self) -> Sums:
        """Sum over the last axis."""
        return self._map(lambda values: values.sum(axis=-1))

    def day(self, n: int) -> Sums:
        """Take one day of several."""
        return self._map(lambda values: values[..., n, :])


class History:
    """Everything that a fleet ever produced under one seed. Pure: caches apart, it has no state.

    It is made month by month, which takes hardly longer than a day.
    """

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.seed = seed
        self._owner = {ecu.eid: (system, ecu) for system in fleet.systems for ecu in system.ecus}
        self._making = RLock()
        self._month = lru_cache(maxsize=32)(
            lambda eid, month: ecu_days(seed, *self._owner[eid], list(days_between(month.first, month.last)))
        )
        self._closed_hours = lru_cache(maxsize=1024)(lambda eid, month: _sum_hours(*self._month(eid, month)))
        self._closed_sums = lru_cache(maxsize=65_536)(self._make_sums)

    def day(self, ecu: Ecu, day: date, now: Moment) -> Records:
        """Look up the records of a local day, as far as they have been made."""
        with self._making:  # others wait, for they mostly ask for the same month
            records, starts = self._month(ecu.eid, Period.containing(Grain.MONTH, day))
        records = records.take(slice(*starts[day.day - 1 : day.day + 1].tolist()))
        if day < now.today:
            return records
        return records.take(slice(0, int(np.searchsorted(records.ends, now.epoch, side="right"))))

    def hours(self, ecu: Ecu, day: date, now: Moment) -> Sums:
        """Sum the hours of a local day, as far as it has come."""
        if day >= now.today:
            records = self.day(ecu, day, now)
            return _sum_hours(records, np.array([0, len(records.ends)])).day(0)
        with self._making:
            month = self._closed_hours(ecu.eid, Period.containing(Grain.MONTH, day))
        return month.day(day.day - 1)

    def period_sums(self, ecu: Ecu, period: Period, now: Moment) -> Sums:
        """Sum a period, from the creation of the system at the earliest, to now at the latest."""
        if period.grain is Grain.DAY:
            return self.hours(ecu, period.first, now).total()
        if period.grain is not Grain.LIFETIME and period.last < now.today:
            with self._making:
                return self._closed_sums(ecu.eid, period)
        system = self._owner[ecu.eid][0]
        return self._add(
            ecu, (self.period_sums(ecu, part, now) for part in sub_periods(system, period, now.today))
        )

    def _make_sums(self, eid: str, period: Period) -> Sums:
        if period.grain is Grain.MONTH:
            return self._closed_hours(eid, period).total().total()
        system, ecu = self._owner[eid]
        return self._add(
            ecu, (self._closed_sums(eid, part) for part in sub_periods(system, period, period.last))
        )

    @staticmethod
    def _add(ecu: Ecu, sums: Iterable[Sums]) -> Sums:
        zero = np.zeros((), dtype=np.int64)
        start = Sums(zero, np.zeros(len(ecu.channels), np.int64), np.zeros(4, np.int64), zero, zero)
        return sum(sums, start=start)


_PARTS = {Grain.MONTH: Grain.DAY, Grain.YEAR: Grain.MONTH, Grain.LIFETIME: Grain.YEAR}


def sub_periods(system: System, period: Period, today: date) -> list[Period]:
    """Split a period into the next smaller ones, up to today; a lifetime begins with the system."""
    first = system.create_date if period.grain is Grain.LIFETIME else period.first
    return periods_between(_PARTS[period.grain], first, min(period.last, today))


def _sum_hours(records: Records, starts: Ints) -> Sums:
    """Sum by day and hour; `starts` [days + 1] says where each day begins."""

    def by_hour(values: Ints) -> Ints:
        return sum_by_hour(values, records.minutes, starts)

    channels = by_hour(records.energy)
    reached = np.cumsum(channels.sum(axis=0), axis=-1)
    return Sums(
        # Rounding where the counter stands, not what an hour adds, makes the hours add up to the day.
        centi=np.diff((reached + _CENTI // 2) // _CENTI, axis=-1, prepend=0),
        channels=channels,
        flows=by_hour(records.flows),
        daylight=by_hour(records.daylight.astype(np.int64)),
        records=by_hour(np.ones_like(records.minutes)),
    )
