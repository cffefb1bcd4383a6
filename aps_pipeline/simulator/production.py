"""What one ECU recorded on one local day, slot by slot: every other number is a sum of these energies.

A slot is 5 minutes of UTC and carries the local wall time of its end, so the slot that ends at midnight is
the first of its day, and a day on which the clock changes has 23, 24.5 or 25 hours of slots. Energies are
whole micro-kWh, so that sums over slots, channels and days agree exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from aps_pipeline.periods import day_end_utc, hour_bounds_utc, zone
from aps_pipeline.simulator.fleet import Ecu, Inverter, System
from aps_pipeline.simulator.weather import Floats, Sun, Weather, chance, plane_irradiance, sun_at, weather

Ints = NDArray[np.int64]

STEP = 300  # seconds


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots in order: `ends` in s since 1970 UTC, `minutes` of the local wall clock since midnight; [n]."""

    ends: Ints
    minutes: Ints


@lru_cache(maxsize=1024)
def day_slots(day: date, zone_name: str) -> Slots:
    """List every slot whose end is on that local day."""
    tz = zone(zone_name)
    first = int(hour_bounds_utc(day, 0, tz)[0].timestamp())
    last = int(day_end_utc(day, tz).timestamp())
    ends = np.arange(first, last, STEP, dtype=np.int64)
    edges = [_offset(first, zone_name), _offset(last - 1, zone_name)]
    offsets = edges[0] if edges[0] == edges[1] else np.array([_offset(int(e), zone_name) for e in ends])
    return Slots(ends, (ends + offsets) // 60 % 1440)


def _offset(epoch: int, zone_name: str) -> int:
    """Compute the seconds by which local time is ahead of UTC at an instant."""
    offset = datetime.fromtimestamp(epoch, UTC).astimezone(zone(zone_name)).utcoffset()
    assert offset is not None  # noqa: S101 - a ZoneInfo always has an offset
    return int(offset.total_seconds())


def sum_by_hour(values: Ints, hours: Ints) -> Ints:
    """Sum `values` [..., n] by local hour [..., 24]; `hours` ascend, a repeated hour falls in one sum."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1), dtype=np.int64)
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    edges = np.searchsorted(hours, np.arange(25))
    return np.asarray(sums[..., edges[1:]] - sums[..., edges[:-1]])


FLOWS = ("produced", "consumed", "imported", "exported")

Flags = NDArray[np.bool_]

_MICRO_KWH_PER_W = 1_000 * STEP / 3600  # of one slot


@dataclass(frozen=True, eq=False, slots=True)
class EcuDay:
    """The records of a day in order; n is 0 when there are none.

    `ends` s since 1970 UTC, `minutes` of the local clock, `steps` s since the record before, all [n];
    `daylight` bool [n]; `energy` micro-kWh per channel of the ECU [channels, n]; `air_c` [n];
    `flows` micro-kWh in the order of FLOWS [4, n], all zero without a meter.
    """

    ends: Ints
    minutes: Ints
    steps: Ints
    daylight: Flags
    energy: Ints
    flows: Ints
    air_c: Floats

    @property
    def labels(self) -> list[str]:
        """The time labels, `hh:mm` of the local clock."""
        return [f"{minute // 60:02d}:{minute % 60:02d}" for minute in self.minutes.tolist()]

    def up_to(self, epoch: int) -> EcuDay:
        """Take the records that had ended by then."""
        return self._take(slice(0, int(np.searchsorted(self.ends, epoch, side="right"))))

    def by_day(self) -> EcuDay:
        """Take the records of daylight, the only ones that panels have."""
        return self._take(self.daylight)

    def _take(self, which: slice | Flags) -> EcuDay:
        return EcuDay(
            self.ends[which],
            self.minutes[which],
            self.steps[which],
            self.daylight[which],
            self.energy[:, which],
            self.flows[:, which],
            self.air_c[which],
        )


def ecu_day(seed: int, system: System, ecu: Ecu, day: date) -> EcuDay:
    """Make everything the ECU recorded on that local day: nothing while offline or before the system began.

    Where no inverter is mounted no record is one of daylight: only a meter has something to say.
    """
    if day < system.create_date or ecu.is_offline(day):
        return _nothing(len(ecu.channels))
    slots = day_slots(day, system.timezone)
    if not len(slots.ends):
        return _nothing(len(ecu.channels))  # the day that a zone skipped when it crossed the date line
    ends = slots.ends.astype(np.float64)
    sun = sun_at(ends - STEP / 2, system.lat, system.lon)
    sky = weather(seed, system, day, ends)
    energy = _slot_energy(seed, ecu, day, sun, sky)
    flows = _meter_flows(seed, ecu, day, slots.minutes, energy)
    daylight = (sun.up > 0) & ecu.has_panels(day)
    kept = np.flatnonzero(_record_flags(chance(seed, "gaps", ecu.eid, day), daylight))
    # What a missing record would have held comes with the next one.
    since = np.concatenate(([0], kept[:-1] + 1))
    flows = np.add.reduceat(flows, since, axis=1)
    return EcuDay(
        ends=slots.ends[kept],
        minutes=slots.minutes[kept],
        steps=STEP * np.diff(kept, prepend=-1),
        daylight=daylight[kept],
        energy=np.add.reduceat(energy, since, axis=1),
        flows=_balance(flows),
        air_c=sky.air_c[kept],
    )


def _nothing(channels: int) -> EcuDay:
    none = np.zeros((channels + 4, 0), dtype=np.int64)
    empty = none[0]
    return EcuDay(
        ends=empty,
        minutes=empty,
        steps=empty,
        daylight=empty.astype(np.bool_),
        energy=none[4:],
        flows=none[:4],
        air_c=empty.astype(np.float64),
    )


def _slot_energy(seed: int, ecu: Ecu, day: date, sun: Sun, sky: Weather) -> Ints:
    """Compute micro-kWh of every channel in every slot, [channels, n]; 0 while not mounted."""
    planes = ecu.inverters
    if not planes:
        return np.zeros((0, len(sun.up)), dtype=np.int64)
    light = plane_irradiance(
        sun,
        np.array([inv.azimuth for inv in planes]),
        np.array([inv.tilt for inv in planes]),
        sky.clearness,
    )
    heat = 1.0 - 0.004 * (sky.air_c + 0.03 * light - 25.0)
    share = np.concatenate([_panels(seed, inv, day, light.shape[1]) for inv in planes])
    watts = np.repeat(light * heat * sky.snow, [inv.channels for inv in planes], axis=0) * share
    return np.asarray(np.rint(watts * _MICRO_KWH_PER_W), dtype=np.int64)


def _panels(seed: int, inverter: Inverter, day: date, slots: int) -> Floats:
    """Compute the kW that each channel turns 1 kW/m2 into, [channels, slots]: size, make and faults."""
    size = _make(seed, inverter.uid)[: inverter.channels] * inverter.panel_kw * float(inverter.covers(day))
    for fault in inverter.faults:
        if fault.covers(day):
            size[fault.channel - 1] *= fault.factor
    flicker = 0.98 + 0.04 * chance(seed, "panel", inverter.uid, day).random((inverter.channels, slots))
    return np.asarray(size[:, None] * flicker)


@lru_cache(maxsize=4096)
def _make(seed: int, uid: str) -> Floats:
    """Draw how good each of four panels was made, about 1."""
    return 0.96 + 0.04 * chance(seed, "make", uid).random(4)


def _meter_flows(seed: int, ecu: Ecu, day: date, minutes: Ints, energy: Ints) -> Ints:
    """Draw micro-kWh produced and consumed behind the meter, [4, n]; the net flows are still 0."""
    flows = np.zeros((4, len(minutes)), dtype=np.int64)
    if ecu.meter:
        draws = chance(seed, "load", ecu.eid, day).random(len(minutes) + 1)
        hour = minutes / 60.0
        meals = np.exp(-((hour - 7.5) ** 2) / 2) + 1.6 * np.exp(-((hour - 19.5) ** 2) / 5)
        kettle = np.where(draws[:-1] > 0.97, 1_900.0, 0.0)
        watts = (140 + 60 * draws[:-1]) + (260 + 240 * draws[-1]) * meals + kettle
        flows[0] = energy.sum(axis=0)
        flows[1] = np.rint(watts * _MICRO_KWH_PER_W).astype(np.int64)
    return flows


def _balance(flows: Ints) -> Ints:
    """Add what had to be imported or could be exported in each record."""
    net = flows[1] - flows[0]
    flows[2], flows[3] = np.maximum(net, 0), np.maximum(-net, 0)
    return flows


def _record_flags(rng: Generator, daylight: Flags) -> Flags:
    """Draw which slots have a record: nearly all; a few, a stretch, or every second may be missing."""
    slots = len(daylight)
    draws = rng.random(slots + 5)
    kept = draws[:slots] > 0.01
    start, length = int(draws[slots] * slots), 3 + int(draws[slots + 1] * 9)
    if draws[slots + 2] < 0.12:
        kept[start : start + length] = False
    start = int(draws[slots + 3] * slots)
    if draws[slots + 4] < 0.25:
        kept[start : start + 2 * length : 2] = False
    # The last ones stay, or energy would be lost.
    kept[-1] = True
    if daylight.any():
        kept[np.flatnonzero(daylight)[-1]] = True
    return kept
