"""The 5-minute slots of a local day.

A slot is 5 minutes of UTC and carries the local wall time of its end, so the slot that ends at midnight is
the first of its day, and a day on which the clock changes has 23, 24.5 or 25 hours of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aps_pipeline.periods import day_end_utc, hour_bounds_utc, zone

Ints = NDArray[np.int64]

STEP = 300  # seconds
LABELS = tuple(f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440))


@dataclass(frozen=True, slots=True)
class Slots:
    """Slots in order: `ends` in s since 1970 UTC, `minutes` of the local wall clock since midnight; [n]."""

    ends: Ints
    minutes: Ints


@lru_cache(maxsize=1024)
def day_slots(day: date, zone_name: str) -> Slots:
    """Every slot whose end is on that local day."""
    tz = zone(zone_name)
    first = int(hour_bounds_utc(day, 0, tz)[0].timestamp())
    last = int(day_end_utc(day, tz).timestamp())
    ends = np.arange(first, last, STEP, dtype=np.int64)
    edges = [_offset(first, zone_name), _offset(last - 1, zone_name)]
    offsets = edges[0] if edges[0] == edges[1] else np.array([_offset(int(e), zone_name) for e in ends])
    return Slots(ends, (ends + offsets) // 60 % 1440)


def _offset(epoch: int, zone_name: str) -> int:
    """Seconds that local time is ahead of UTC at an instant."""
    offset = datetime.fromtimestamp(epoch, UTC).astimezone(zone(zone_name)).utcoffset()
    assert offset is not None  # noqa: S101 - a ZoneInfo always has an offset
    return int(offset.total_seconds())


def sum_by_hour(values: Ints, hours: Ints) -> Ints:
    """Sums of `values` [..., n] by local hour [..., 24]; `hours` ascend, a repeated hour falls in one sum."""
    sums = np.zeros((*values.shape[:-1], values.shape[-1] + 1), dtype=np.int64)
    np.cumsum(values, axis=-1, out=sums[..., 1:])
    edges = np.searchsorted(hours, np.arange(25))
    return np.asarray(sums[..., edges[1:]] - sums[..., edges[:-1]])
