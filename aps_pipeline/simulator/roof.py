"""What the owner of a simulated roof would write down: where its panels are and what energy costs there.

Both are plain dictionaries in the form of the roof file and the tariff file; nothing is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from aps_pipeline.simulator.fleet import Fleet, Inverter, System

_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_ROWS = 2  # of panels on every slope


def roof_of(fleet: Fleet, names: Mapping[str, str]) -> dict[str, Any]:
    """Describe by system id its name, its place, and every panel that is mounted last, truthfully.

    An inverter that follows another on the same slope on the same day replaces it.
    """
    return {"systems": {system.sid: _system(system, names.get(system.sid, "")) for system in fleet.systems}}


def tariffs_of(year: int) -> dict[str, Any]:
    """Make up prices for that year and the one before: dearer from the first of February on."""
    before = {"import_price": 0.2516, "feed_in_price": 0.0813, "standing_charge": 0.42}
    after = {"import_price": 0.2694, "feed_in_price": 0.0795, "standing_charge": 0.45}
    return {
        "currency": "EUR",
        "co2_kg_per_kwh": 0.38,
        "co2_source": "made up for the demo",
        "tariffs": [{"from": date(year - 1, 1, 1)} | before, {"from": date(year, 2, 1)} | after],
    }


def _system(system: System, name: str) -> dict[str, Any]:
    mounted: dict[tuple[float, float], list[Inverter]] = {}
    for inverter in _inverters(system):
        if _successor(system, inverter) is None:
            mounted.setdefault((inverter.azimuth, inverter.tilt), []).append(inverter)
    described: dict[str, Any] = {}
    for slope, inverters in enumerate(mounted.values()):
        # A row stays free between two slopes.
        described |= _slope(system, inverters, 1 + slope * (_ROWS + 1))
    place = {"latitude": system.lat, "longitude": system.lon}
    return ({"name": name} if name else {}) | place | {"inverters": described}


def _slope(system: System, inverters: list[Inverter], first_row: int) -> dict[str, Any]:
    """Describe the inverters of one slope; its panels are counted from the left, row by row."""
    panels = [(inverter, n + 1) for inverter in inverters for n in range(inverter.channels)]
    columns = -(-len(panels) // _ROWS)
    described: dict[str, Any] = {inverter.uid: _replacing(system, inverter) for inverter in inverters}
    for n, (inverter, channel) in enumerate(panels):
        described[inverter.uid]["panels"][channel] = {
            "label": f"{_COMPASS[round(inverter.azimuth / 45) % 8]}{n + 1}",
            "row": first_row + n // columns,
            "column": 1 + n % columns,
            "tilt": inverter.tilt,
            "azimuth": inverter.azimuth,
        }
    return described


def _replacing(system: System, inverter: Inverter) -> dict[str, Any]:
    olds = [old.uid for old in _inverters(system) if _successor(system, old) is inverter]
    return {"replaces": olds[0], "panels": {}} if olds else {"panels": {}}


def _successor(system: System, old: Inverter) -> Inverter | None:
    """Find the first inverter that took its place; None while it stands, or when the place is empty."""
    return next(
        (
            new
            for new in _inverters(system)
            if (new.since, new.azimuth, new.tilt) == (old.until, old.azimuth, old.tilt)
        ),
        None,
    )


def _inverters(system: System) -> list[Inverter]:
    return [inverter for ecu in system.ecus for inverter in ecu.inverters]
