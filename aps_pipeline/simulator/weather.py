"""Where the sun stands, what a tilted panel gets from it, and the weather of a day.

Pure formulas of numpy arrays; the almanac is approximate, good to about 0.05 degrees from 1950 to 2050.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from threading import Lock

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

from aps_pipeline.simulator.fleet import System

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
    """Locate the sun at instants in seconds since 1970 UTC, seen from `lat`, `lon` in degrees."""
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
    """Compute W/m2 [p, n] on planes of `azimuth`, `tilt` (degrees, [p]) under `clearness` 0–1 [n]."""
    az, slope = np.radians(azimuth)[:, None], np.radians(tilt)[:, None]
    facing = np.sin(slope) * (np.sin(az) * sun.east + np.cos(az) * sun.north) + np.cos(slope) * sun.up
    height = np.clip(sun.up, 0.0, None)
    beam = np.where(sun.up > 0, _SOLAR_CONSTANT * 0.7 ** ((1.0 / (height + 0.05)) ** 0.678), 0.0)
    # A thick cloud takes the beam long before it takes the light of the sky.
    beam = beam * np.clip((clearness - 0.25) / 0.75, 0.0, 1.05)
    sky = 130.0 * np.sqrt(height) * clearness * (2.2 - 1.2 * clearness)
    return np.asarray(beam * np.clip(facing, 0.0, None) + sky * (1 + np.cos(slope)) / 2)


_KNOT = 1200.0  # seconds between two draws of the short-term variation


@dataclass(frozen=True, slots=True)
class Weather:
    """The sky over a system, per slot [n]: `clearness` 0–1, air in °C; `snow`: what passes it, 0–1."""

    clearness: Floats
    air_c: Floats
    snow: Floats


def digest(*names: object) -> int:
    """Hash names to 128 bits."""
    return int.from_bytes(blake2b("\x1f".join(map(str, names)).encode(), digest_size=16).digest(), "big")


_PHILOX = Philox(key=0)
_GENERATOR, _START = Generator(_PHILOX), _PHILOX.state
_drawing = Lock()


def draw(shape: int | tuple[int, int], *names: object) -> Floats:
    """Draw numbers from 0 to 1 that these names alone determine."""
    key = digest(*names)
    with _drawing:  # a new generator for each would cost more than what it draws
        _START["state"]["key"][:] = key & (2**64 - 1), key >> 64
        _PHILOX.state = _START
        return _GENERATOR.random(shape)


def weather(seed: int, system: System, days: Sequence[date], ends: Sequence[Floats]) -> Weather:
    """Draw the weather of local days, at slots of each that end at `ends` (seconds since 1970)."""
    draws = np.array([draw(96, seed, "sky", system.sid, day) for day in days])
    moods = np.array([_cloudiness(*each[:2]) for each in draws])
    mean_c = np.array([_mean_temperature(system.lat, day) for day in days]) + 8.0 * (draws[:, 2] - 0.5)
    snowed = (mean_c < 0) & (draws[:, 3] < 0.08)
    elapsed = [each - each[0] for each in ends]
    knots = np.arange(draws.shape[1] - 6) * _KNOT
    ripple = np.concatenate([np.interp(at, knots, row[6:]) for at, row in zip(elapsed, draws, strict=True)])
    base, swing, air, snow = (
        np.repeat(each, [len(at) for at in elapsed])
        for each in (*moods.T, mean_c, np.where(snowed, 0.0004 + 0.03 * draws[:, 4] ** 3, 1.0))
    )
    # Warmest in the middle of the local afternoon.
    warmth = (2.0 + 4.0 * base) * np.sin((np.concatenate(elapsed) / 3600.0 - 9.0) * np.pi / 12.0)
    return Weather(np.clip(base + swing * (ripple - 0.5), 0.04, 1.0), air + warmth, snow)


def _cloudiness(kind: float, amount: float) -> tuple[float, float]:
    """Draw mean clearness and swing of the short-term variation: a clear, mixed or overcast day."""
    if kind < 0.35:
        return 0.9 + 0.1 * amount, 0.06
    if kind < 0.75:
        return 0.45 + 0.4 * amount, 0.9
    return 0.08 + 0.3 * amount, 0.2


def _mean_temperature(lat: float, day: date) -> float:
    """Compute the mean °C of a day of the year at a latitude; coldest in mid-January or mid-July."""
    season = -np.cos(2 * np.pi * (day.timetuple().tm_yday - 16) / 365.25)
    return float(27.0 - 0.4 * abs(lat) + 0.25 * lat * season)
