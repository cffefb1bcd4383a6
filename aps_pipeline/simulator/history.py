"""Sums over hours, days, months and years of what the ECUs recorded.

One printed unit, 0.01 kWh, is carried along beside the exact energies: the hours of an ECU are rounded so
that they add up to its day, and its months, its years and its system are sums of printed days.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np

from aps_pipeline.periods import Grain, Period, local_day, periods_between, zone
from aps_pipeline.simulator.fleet import Ecu, Fleet, System
from aps_pipeline.simulator.production import EcuDay, Ints, ecu_day, sum_by_hour

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
    """Energy of one ECU over a period, or hour by hour with a last axis of 24.

    `centi` 0.01 kWh as printed [] or [24]; `channels` micro-kWh [channels] or [channels, 24]; `flows`
    micro-kWh [4] or [4, 24]; `daylight` and `records` count records, of daylight and at all, [] or [24].
    """

    centi: Ints
    channels: Ints
    flows: Ints
    daylight: Ints
    records: Ints

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.centi + other.centi,
            self.channels + other.channels,
            self.flows + other.flows,
            self.daylight + other.daylight,
            self.records + other.records,
        )

    def total(self) -> Sums:
        """Sum over the hours."""
        return Sums(
            self.centi.sum(axis=-1),
            self.channels.sum(axis=-1),
            self.flows.sum(axis=-1),
            self.daylight.sum(axis=-1),
            self.records.sum(axis=-1),
        )


class History:
    """Everything that a fleet ever produced under one seed. Pure: caches apart, it has no state."""

    def __init__(self, fleet: Fleet, seed: int) -> None:
        self.seed = seed
        self._owner = {ecu.eid: (system, ecu) for system in fleet.systems for ecu in system.ecus}
        self._day = lru_cache(maxsize=512)(self._make_day)
        self._closed_hours = lru_cache(maxsize=4096)(self._make_hours)
        self._closed_sums = lru_cache(maxsize=65_536)(self._make_sums)

    def day(self, ecu: Ecu, day: date, now: Moment) -> EcuDay:
        """Look up the records of a local day, as far as they have been made."""
        records = self._day(ecu.eid, day)
        return records if day < now.today else records.up_to(now.epoch)

    def hours(self, ecu: Ecu, day: date, now: Moment) -> Sums:
        """Sum the hours of a local day, as far as it has come."""
        return self._closed_hours(ecu.eid, day) if day < now.today else _sum_hours(self.day(ecu, day, now))

    def period_sums(self, ecu: Ecu, period: Period, now: Moment) -> Sums:
        """Sum a period, from the creation of the system at the earliest, to now at the latest."""
        if period.grain is not Grain.LIFETIME and period.last < now.today:
            return self._closed_sums(ecu.eid, period)
        if period.grain is Grain.DAY:
            return self.hours(ecu, period.first, now).total()
        system = self._owner[ecu.eid][0]
        return self._add(
            ecu, (self.period_sums(ecu, part, now) for part in sub_periods(system, period, now.today))
        )

    def _make_day(self, eid: str, day: date) -> EcuDay:
        system, ecu = self._owner[eid]
        return ecu_day(self.seed, system, ecu, day)

    def _make_hours(self, eid: str, day: date) -> Sums:
        return _sum_hours(self._day(eid, day))

    def _make_sums(self, eid: str, period: Period) -> Sums:
        if period.grain is Grain.DAY:
            return self._closed_hours(eid, period.first).total()
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


def _sum_hours(records: EcuDay) -> Sums:
    hours = records.minutes // 60
    channels = sum_by_hour(records.energy, hours)
    reached = np.concatenate(([0], np.cumsum(channels.sum(axis=0))))
    return Sums(
        # Rounding where the counter stands, not what an hour adds, makes the hours add up to the day.
        centi=np.diff((reached + _CENTI // 2) // _CENTI),
        channels=channels,
        flows=sum_by_hour(records.flows, hours),
        daylight=sum_by_hour(records.daylight.astype(np.int64), hours),
        records=sum_by_hour(np.ones_like(hours), hours),
    )
