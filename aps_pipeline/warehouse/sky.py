"""Schema `meta`: the sun over the sites whose position is given, on the days with energy by day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aps_pipeline.periods import zone
from aps_pipeline.site import Placed, RoofSystem, Site, placed_panels
from aps_pipeline.tables import Column
from aps_pipeline.warehouse.described import Connection, Described
from aps_pipeline.warehouse.siting import add_rows

if TYPE_CHECKING:
    from aps_pipeline.site.clear_sky import Days

_INSTANT = pa.timestamp("us", "UTC")

_CLEAR_SKY = (
    Column("system_id", pa.string(), "System whose position is given"),
    Column("date", pa.date32(), "Local day at the system"),
    Column("tilt_deg", pa.float64(), "Tilt of a plane of its panels, from flat", "deg"),
    Column("azimuth_deg", pa.float64(), "Where that plane faces, clockwise from north; 0 if flat", "deg"),
    Column("panels", pa.int32(), "Panels on the plane, as the roof file says; 1 if it names none"),
    Column(
        "orientation_basis",
        pa.string(),
        "Where the plane is from: panels, some panels (the others do not say), system or flat (not given)",
    ),
    Column("insolation_kwh_per_m2", pa.float64(), "Clear-sky insolation on the plane", "kWh/m2"),
)
_DAYLIGHT = (
    Column("system_id", pa.string(), "System whose position is given"),
    Column("date", pa.date32(), "Local day at the system"),
    Column("first_light_utc", _INSTANT, "Start of the first half hour of light; null without", "", True),
    Column("last_light_utc", _INSTANT, "End of the last half hour of light; null without", "", True),
)

_DAYS = "SELECT date FROM core.system_daily_energy WHERE system_id = ? ORDER BY date"
_ZONE = "SELECT timezone FROM core.systems WHERE system_id = ?"


@dataclass(frozen=True)
class Plane:
    """Panels that lie alike: degrees from flat and clockwise from north."""

    tilt: float
    azimuth: float
    panels: int
    basis: str


def add_sky(connection: Connection, site: Site) -> Iterator[Described]:
    """`meta.clear_sky` and `meta.daylight`; empty where no position is given. Comes after core."""
    placed = placed_panels(site.roof)
    clear: list[dict[str, Any]] = []
    light: list[dict[str, Any]] = []
    for system_id, system in site.roof.systems.items():
        if (days := _days(connection, system_id, system)) is None:
            continue
        planes = planes_of(system, [each for each in placed if each.system_id == system_id])
        clear += [row for plane in planes for row in _clear(system_id, days, plane)]
        light += _light(system_id, days)
    comment = "What the sun gives without clouds (pvlib, Ineichen). One row per system, day and plane."
    yield add_rows(
        connection, "clear_sky", comment, _CLEAR_SKY, ("system_id", "date", "tilt_deg", "azimuth_deg"), clear
    )
    comment = "When it is light, twilight included, to half an hour. One row per system and day."
    yield add_rows(connection, "daylight", comment, _DAYLIGHT, ("system_id", "date"), light)


def planes_of(system: RoofSystem, placed: list[Placed]) -> list[Plane]:
    """How the panels of a system lie, each place once; the system itself, or flat, where no panel says."""
    places = {each.place: (each.tilt_deg, each.azimuth_deg) for each in placed}
    known = Counter(plane for lies in places.values() if (plane := _plane(*lies)))
    whole = _plane(system.tilt, system.azimuth)
    if known and set(known) != {whole}:
        basis = "panels" if sum(known.values()) == len(places) else "some panels"
        return [Plane(*lies, number, basis) for lies, number in sorted(known.items())]
    if whole is not None:
        return [Plane(*whole, 1, "system")]
    return [Plane(0.0, 0.0, 1, "flat (not given)")]


def _plane(tilt: float | None, azimuth: float | None) -> tuple[float, float] | None:
    if tilt == 0:
        return 0.0, 0.0
    return None if tilt is None or azimuth is None else (float(tilt), float(azimuth) % 360)


def _days(connection: Connection, system_id: str, system: RoofSystem) -> Days | None:
    """The days of a system that has some, a known zone and a position."""
    if system.latitude is None or system.longitude is None:
        return None
    days: tuple[date, ...] = tuple(row[0] for row in connection.execute(_DAYS, [system_id]).fetchall())
    zones = connection.execute(_ZONE, [system_id]).fetchall()
    try:
        local = zone(zones[0][0]) if zones and zones[0][0] else None
    except ValueError:  # a zone that nobody knows: its days have no bounds
        return None
    if not days or local is None:
        return None
    from aps_pipeline.site.clear_sky import Days  # noqa: PLC0415 - pvlib takes a second to import

    return Days(system.latitude, system.longitude, local, days)


def _clear(system_id: str, days: Days, plane: Plane) -> Iterator[dict[str, Any]]:
    for day, insolation in zip(days.days, days.insolation(plane.tilt, plane.azimuth), strict=True):
        yield {
            "system_id": system_id,
            "date": day,
            "tilt_deg": plane.tilt,
            "azimuth_deg": plane.azimuth,
            "panels": plane.panels,
            "orientation_basis": plane.basis,
            "insolation_kwh_per_m2": insolation,
        }


def _light(system_id: str, days: Days) -> Iterator[dict[str, Any]]:
    for day, light in zip(days.days, days.light(), strict=True):
        first, last = light or (None, None)
        yield {"system_id": system_id, "date": day, "first_light_utc": first, "last_light_utc": last}
