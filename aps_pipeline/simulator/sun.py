"""Where the sun stands and what a tilted panel gets from it under a clear sky.

Pure formulas of numpy arrays; an approximate almanac, good to about 0.05 degrees from 1950 to 2050.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_J2000 = 946_728_000.0  # 2000-01-01T12:00Z in seconds since 1970
_SOLAR_CONSTANT = 1353.0  # W/m2


@dataclass(frozen=True, slots=True)
class Sun:
    """Unit vectors from the ground to the sun, one element per instant; `up` is the sine of the elevation."""

    east: Floats
    north: Floats
    up: Floats


def sun_at(epoch: Floats, lat: float, lon: float) -> Sun:
    """The sun at instants in seconds since 1970 UTC, seen from `lat`, `lon` in degrees."""
    days = (epoch - _J2000) / 86_400.0
    mean = np.radians(357.528 + 0.9856003 * days)
    longitude = np.radians(280.460 + 0.9856474 * days + 1.915 * np.sin(mean) + 0.020 * np.sin(2 * mean))
    obliquity = np.radians(23.439)
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    hour_angle = np.radians((280.46062 + 360.98564737 * days + lon) % 360.0) - ascension
    sin_lat, cos_lat = np.sin(np.radians(lat)), np.cos(np.radians(lat))
    sin_dec, cos_dec, cos_hour = np.sin(declination), np.cos(declination), np.cos(hour_angle)
    return Sun(
        east=-cos_dec * np.sin(hour_angle),
        north=cos_lat * sin_dec - sin_lat * cos_dec * cos_hour,
        up=sin_lat * sin_dec + cos_lat * cos_dec * cos_hour,
    )


def plane_irradiance(sun: Sun, azimuth: Floats, tilt: Floats, clearness: Floats) -> Floats:
    """W/m2 [p, n] on planes of `azimuth` and `tilt` (degrees, [p]) under a sky of `clearness` 0–1 [n]."""
    az, slope = np.radians(azimuth)[:, None], np.radians(tilt)[:, None]
    facing = np.sin(slope) * (np.sin(az) * sun.east + np.cos(az) * sun.north) + np.cos(slope) * sun.up
    height = np.clip(sun.up, 0.0, None)
    beam = np.where(sun.up > 0, _SOLAR_CONSTANT * 0.7 ** ((1.0 / (height + 0.05)) ** 0.678), 0.0)
    # A thick cloud takes the beam long before it takes the light of the sky.
    beam = beam * np.clip((clearness - 0.25) / 0.75, 0.0, 1.05)
    sky = 130.0 * np.sqrt(height) * clearness * (2.2 - 1.2 * clearness)
    return np.asarray(beam * np.clip(facing, 0.0, None) + sky * (1 + np.cos(slope)) / 2)
