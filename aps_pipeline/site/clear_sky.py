"""What the sun would give without clouds: irradiance on a plane, by local day.

From pvlib: Ineichen's clear sky with the monthly turbidity of the place, the isotropic sky on the plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from pvlib import irradiance
from pvlib.location import Location

_STEP = timedelta(minutes=30)
_DUSK = -6
"""Degrees of the sun below the horizon to which it is light: civil twilight."""
_ALBEDO = 0.2
"""Share of the light that the ground gives back: grass, the usual assumption."""


@dataclass(frozen=True)
class Days:
    """Local days of a place; `latitude` and `longitude` in degrees north and east."""

    latitude: float
    longitude: float
    zone: ZoneInfo
    days: tuple[date, ...]

    def insolation(self, tilt: float, azimuth: float) -> list[float]:
        """kWh/m² of each day on a plane, in degrees from flat and clockwise from north, to 3 decimals.

        As many kWh as 1 kWp would give at its rated efficiency.
        """
        sky = self._sky
        plane = irradiance.get_total_irradiance(
            tilt, azimuth, sky["apparent_zenith"], sky["azimuth"], sky["dni"], sky["ghi"], sky["dhi"],
            albedo=_ALBEDO, model="isotropic",
        )["poa_global"]  # fmt: skip
        kwh = np.nan_to_num(plane.to_numpy()) * (_STEP / timedelta(hours=1)) / 1000
        return [round(float(each), 3) for each in np.add.reduceat(kwh, self._first)] if self.days else []

    def light(self) -> list[tuple[datetime, datetime] | None]:
        """Find, for each day, from when until when it is light, in half hours; None in polar night."""
        is_up = np.split(self._sky["apparent_elevation"].to_numpy() > _DUSK, self._first[1:])
        found: list[tuple[datetime, datetime] | None] = []
        for (start, _), up in zip(self._bounds, is_up, strict=True):
            steps = np.flatnonzero(up)
            if not len(steps):
                found.append(None)
                continue
            found.append((start + int(steps[0]) * _STEP, start + int(steps[-1] + 1) * _STEP))
        return found

    @cached_property
    def _bounds(self) -> list[tuple[datetime, int]]:
        """The first instant of each day, and how many steps it has: 46, 48 or 50."""
        found = []
        for day in self.days:
            start, end = (
                datetime.combine(each, time(), self.zone).astimezone(UTC)
                for each in (day, day + timedelta(days=1))
            )
            found.append((start, max(1, round((end - start) / _STEP))))
        return found

    @cached_property
    def _first(self) -> np.ndarray:
        counts = [steps for _, steps in self._bounds]
        return np.cumsum([0, *counts[:-1]])

    @cached_property
    def _sky(self) -> pd.DataFrame:
        """Sun and sky in the middle of each step."""
        starts = np.array([start.timestamp() for start, _ in self._bounds])
        counts = np.array([steps for _, steps in self._bounds])
        offsets = np.concatenate([np.arange(steps) for steps in counts]) + 0.5
        seconds = np.repeat(starts, counts) + offsets * _STEP.total_seconds()
        times = pd.DatetimeIndex(pd.to_datetime((seconds * 1e9).astype("int64"), utc=True))
        place = Location(self.latitude, self.longitude)
        sun = place.get_solarposition(times)
        sky: pd.DataFrame = sun.join(place.get_clearsky(times, solar_position=sun))
        return sky
