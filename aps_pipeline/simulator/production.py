"""What one ECU recorded on local days, slot by slot: every other number is a sum of these energies.

A slot is 5 minutes of UTC and carries the local wall time of its end, so the slot that ends at midnight is
the first of its day, and a day on which the clock changes has 23, 24.5 or 25 hours of slots. Energies are
whole micro-kWh, so that sums over slots, channels and days agree exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aps_pipeline.periods import day_end_utc, hour_bounds_utc, zone
from aps_pipeline.simulator.fleet import Ecu, Inverter, System
from aps_pipeline.simulator.weather import Floats, Sun, Weather, draw, plane_irradiance, sun_at, weather

Ints = NDArray[np.int64]

STEP = 300  # seconds


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots in order: `ends` in s since 1970 UTC, `minutes` of the local wall clock since midnight; [n]."""

    ends: Ints
    minutes: Ints


@lru_cache(maxsize=4096)
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


def sum_by_hour(values: Ints, minutes: Ints, starts: Ints) -> Ints:
    """Sum `values` [..., n] by day and local hour, [..., days, 24]; a repeated hour falls in one sum.

    `starts` [days + 1] says where each day begins.
    """
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1), dtype=np.int64)
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    days = len(starts) - 1
    hours = np.repeat(np.arange(days) * 24, np.diff(starts)) + minutes // 60
    edges = np.searchsorted(hours, np.arange(24 * days + 1))
    return np.asarray(sums[..., edges[1:]] - sums[..., edges[:-1]]).reshape(*values.shape[:-1], days, 24)


FLOWS = ("produced", "consumed", "imported", "exported")

Flags = NDArray[np.bool_]

_MICRO_KWH_PER_W = 1_000 * STEP / 3600  # of one slot


@dataclass(frozen=True, eq=False, slots=True)
class Records:
    """The records of one ECU in order; n is 0 when there are none.

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

    def take(self, which: slice | Flags) -> Records:
        """Take some of the records."""
        return Records(
            self.ends[which],
            self.minutes[which],
            self.steps[which],
            self.daylight[which],
            self.energy[:, which],
            self.flows[:, which],
            self.air_c[which],
        )


def ecu_days(seed: int, system: System, ecu: Ecu, days: Sequence[date]) -> tuple[Records, Ints]:
    """Make everything the ECU recorded on local days, and where the records of each begin [days + 1].

    There is nothing of days on which it was offline, before the system began, and that its zone skipped when
    it crossed the date line. Where no inverter is mounted no record is one of daylight: only a meter has
    something to say.
    """
    slots = {
        day: day_slots(day, system.timezone)
        for day in days
        if not any(span.covers(day) for span in ecu.offline)
    }
    lived = [day for day, each in slots.items() if day >= system.create_date and len(each.ends)]
    if not lived:
        return _nothing(len(ecu.channels)), np.zeros(len(days) + 1, dtype=np.int64)
    ends = np.concatenate([slots[day].ends for day in lived])
    minutes = np.concatenate([slots[day].minutes for day in lived])
    counts = [len(slots[day].ends) for day in lived]
    sun = sun_at(ends.astype(np.float64) - STEP / 2, system.lat, system.lon)
    sky = weather(seed, system, lived, [slots[day].ends.astype(np.float64) for day in lived])
    energy = _slot_energy(seed, ecu, lived, counts, sun, sky)
    flows = _meter_flows(seed, ecu, lived, counts, minutes, energy)
    has_panels = [any(inverter.covers(day) for inverter in ecu.inverters) for day in lived]
    daylight = (sun.up > 0) & np.repeat(has_panels, counts)
    parts = zip(lived, np.split(daylight, np.cumsum(counts)[:-1]), strict=True)
    flags = [_record_flags(draw(len(part) + 5, seed, "gaps", ecu.eid, day), part) for day, part in parts]
    kept = np.flatnonzero(np.concatenate(flags))
    # What a missing record would have held comes with the next one of its day, for the last is never missing.
    since = np.concatenate(([0], kept[:-1] + 1))
    energy, flows = (np.add.reduceat(each, since, axis=1) for each in (energy, flows))
    net = flows[1] - flows[0]
    flows[2], flows[3] = np.maximum(net, 0), np.maximum(-net, 0)
    records = Records(
        ends=ends[kept],
        minutes=minutes[kept],
        steps=STEP * np.diff(kept, prepend=-1),
        daylight=daylight[kept],
        energy=energy,
        flows=flows,
        air_c=sky.air_c[kept],
    )
    made = dict(zip(lived, counts, strict=True))
    starts = np.concatenate(([0], np.cumsum([made.get(day, 0) for day in days])))
    return records, np.searchsorted(kept, starts)


def _nothing(channels: int) -> Records:
    none = np.zeros((channels + 4, 0), dtype=np.int64)
    empty = none[0]
    return Records(
        ends=empty,
        minutes=empty,
        steps=empty,
        daylight=empty.astype(np.bool_),
        energy=none[4:],
        flows=none[:4],
        air_c=empty.astype(np.float64),
    )


def _slot_energy(
    seed: int, ecu: Ecu, days: Sequence[date], counts: Sequence[int], sun: Sun, sky: Weather
) -> Ints:
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
    share = np.concatenate(
        [
            np.concatenate([_panels(seed, inv, *each) for each in zip(days, counts, strict=True)], axis=1)
            for inv in planes
        ]
    )
    watts = np.repeat(light * heat * sky.snow, [inv.channels for inv in planes], axis=0) * share
    return np.asarray(np.rint(watts * _MICRO_KWH_PER_W), dtype=np.int64)


def _panels(seed: int, inverter: Inverter, day: date, slots: int) -> Floats:
    """Compute the kW that each channel turns 1 kW/m2 into, [channels, slots]: size, make and faults."""
    size = _make(seed, inverter.uid)[: inverter.channels] * inverter.panel_kw * float(inverter.covers(day))
    for fault in inverter.faults:
        if fault.covers(day):
            size[fault.channel - 1] *= fault.factor
    flicker = 0.98 + 0.04 * draw((inverter.channels, slots), seed, "panel", inverter.uid, day)
    return np.asarray(size[:, None] * flicker)


@lru_cache(maxsize=4096)
def _make(seed: int, uid: str) -> Floats:
    """Draw how good each of four panels was made, about 1."""
    return 0.96 + 0.04 * draw(4, seed, "make", uid)


def _meter_flows(
    seed: int, ecu: Ecu, days: Sequence[date], counts: Sequence[int], minutes: Ints, energy: Ints
) -> Ints:
    """Draw micro-kWh produced and consumed behind the meter, [4, n]; the net flows are still 0."""
    flows = np.zeros((4, len(minutes)), dtype=np.int64)
    if ecu.meter:
        draws = [draw(n + 1, seed, "load", ecu.eid, day) for day, n in zip(days, counts, strict=True)]
        each, appetite = np.concatenate([d[:-1] for d in draws]), np.repeat([d[-1] for d in draws], counts)
        hour = minutes / 60.0
        meals = np.exp(-((hour - 7.5) ** 2) / 2) + 1.6 * np.exp(-((hour - 19.5) ** 2) / 5)
        kettle = np.where(each > 0.97, 1_900.0, 0.0)
        watts = (140 + 60 * each) + (260 + 240 * appetite) * meals + kettle
        flows[0] = energy.sum(axis=0)
        flows[1] = np.rint(watts * _MICRO_KWH_PER_W).astype(np.int64)
    return flows


def _record_flags(draws: Floats, daylight: Flags) -> Flags:
    """Draw which slots have a record: nearly all; a few, a stretch, or every second may be missing."""
    slots = len(daylight)
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
