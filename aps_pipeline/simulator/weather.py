"""Chance that everybody can repeat: the sky of a day, and numbers keyed by names.

Every draw is a function of the seed and of the names it is for, so no answer depends on the order of
questions, the process or the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from hashlib import blake2b

import numpy as np
from numpy.random import Generator, Philox

from aps_pipeline.simulator.fleet import System
from aps_pipeline.simulator.sun import Floats

_KNOT = 1200.0  # seconds between two draws of the short-term variation


@dataclass(frozen=True, slots=True)
class Weather:
    """The sky over a system on one day, per slot: `clearness` 0–1, air in °C; `snow`: what passes it."""

    clearness: Floats
    air_c: Floats
    snow: float


def digest(*names: object) -> int:
    """128 bits that only these names give."""
    return int.from_bytes(blake2b("\x1f".join(map(str, names)).encode(), digest_size=16).digest(), "big")


def chance(*names: object) -> Generator:
    """A generator that only these names give."""
    return Generator(Philox(key=digest(*names)))


def weather(seed: int, system: System, day: date, ends: Floats) -> Weather:
    """The weather of a local day at slots that end at `ends` (seconds since 1970, shape [n])."""
    draws = chance(seed, "sky", system.sid, day).random(96)
    base, swing = _cloudiness(draws[0], draws[1])
    elapsed = ends - ends[0]
    knots = np.arange(len(draws) - 6) * _KNOT
    ripple = np.interp(elapsed, knots, draws[6:]) - 0.5
    clearness = np.clip(base + swing * ripple, 0.04, 1.0)
    mean_c = _mean_temperature(system.lat, day) + 8.0 * (draws[2] - 0.5)
    # Warmest in the middle of the local afternoon.
    air = mean_c + (2.0 + 4.0 * base) * np.sin((elapsed / 3600.0 - 9.0) * np.pi / 12.0)
    snowed = mean_c < 0 and draws[3] < 0.08
    return Weather(clearness, air, float(0.0004 + 0.03 * draws[4] ** 3) if snowed else 1.0)


def _cloudiness(kind: float, amount: float) -> tuple[float, float]:
    """(mean clearness, swing of the short-term variation) of a clear, a mixed or an overcast day."""
    if kind < 0.35:
        return 0.9 + 0.1 * amount, 0.06
    if kind < 0.75:
        return 0.45 + 0.4 * amount, 0.9
    return 0.08 + 0.3 * amount, 0.2


def _mean_temperature(lat: float, day: date) -> float:
    """Mean °C of a day of the year at a latitude; the coldest are in mid-January or mid-July."""
    season = -np.cos(2 * np.pi * (day.timetuple().tm_yday - 16) / 365.25)
    return float(27.0 - 0.4 * abs(lat) + 0.25 * lat * season)
