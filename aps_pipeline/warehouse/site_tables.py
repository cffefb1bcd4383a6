"""Tables of `meta` on roofs, tariffs and the clear sky; empty where the owner gives no file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aps_pipeline.periods import zone
from aps_pipeline.site import PlacedPanel, RoofSystem, Site, list_placed_panels
from aps_pipeline.tables import Column
from aps_pipeline.tables.columns import INSTANT
from aps_pipeline.warehouse.ddl import Connection, TableComment, add_table, create, describe, fill

if TYPE_CHECKING:
    from aps_pipeline.site.clear_sky import Days

_SYSTEM = Column("system_id", pa.string(), "System")
_TILT = Column("tilt_deg", pa.float64(), "Tilt from flat", "deg", True)
_AZIMUTH = Column("azimuth_deg", pa.float64(), "Where it faces, clockwise from north", "deg", True)

_SITES = (
    _SYSTEM,
    Column("name", pa.string(), "What its owner calls it", nullable=True),
    Column("latitude_deg", pa.float64(), "Degrees north", "deg", True),
    Column("longitude_deg", pa.float64(), "Degrees east", "deg", True),
    _TILT,
    _AZIMUTH,
)
_PANELS = (
    _SYSTEM,
    Column("inverter_id", pa.string(), "Inverter, present or replaced"),
    Column("channel", pa.int8(), "Input of the inverter, from 1"),
    Column("generation", pa.int32(), "0: there now, 1: replaced by that one, and so on"),
    Column(
        "place", pa.string(), "Its place on the roof, which an inverter takes over from the one it replaces"
    ),
    Column("label", pa.string(), "What its owner calls it", nullable=True),
    Column("roof_row", pa.int32(), "Row on the roof", nullable=True),
    Column("roof_column", pa.int32(), "Column on the roof", nullable=True),
    _TILT,
    _AZIMUTH,
)
_TARIFFS = (
    Column("system_id", pa.string(), "System; empty for all that no other tariff names"),
    Column("since", pa.date32(), "First local day of these prices; they hold until the next"),
    Column("import_price", pa.float64(), "Price of energy from the grid", "currency/kWh"),
    Column("feed_in_price", pa.float64(), "Price paid for energy to the grid", "currency/kWh"),
    Column("standing_charge", pa.float64(), "Price of a day, whatever is used", "currency/d", True),
    Column("currency", pa.string(), "Currency of the prices", nullable=True),
)
_CARBON = (
    Column("co2_kg_per_kwh", pa.float64(), "CO2 of the grid energy that was not needed", "kg/kWh"),
    Column("source", pa.string(), "Who says so; null where the file does not tell", nullable=True),
)


def add_site_tables(connection: Connection, site: Site) -> Iterator[TableComment]:
    """Add `meta.sites`, `meta.panels`, `meta.tariffs` and `meta.carbon`."""
    sites = [
        {"system_id": system_id, "name": each.name, "latitude_deg": each.latitude,
         "longitude_deg": each.longitude, "tilt_deg": each.tilt, "azimuth_deg": each.azimuth}
        for system_id, each in site.roof.systems.items()
    ]  # fmt: skip
    comment = "What the roof file says of each system. One row per system in it."
    yield add_table(connection, "sites", comment, _SITES, ("system_id",), sites)
    panels = [asdict(panel) for panel in list_placed_panels(site.roof)]
    comment = "What the roof file says of each panel. One row per input of an inverter, old ones included."
    yield add_table(connection, "panels", comment, _PANELS, ("system_id", "inverter_id", "channel"), panels)
    tariffs = site.tariffs
    prices = [
        {"system_id": system_id, **each.model_dump(exclude={"systems"}), "currency": tariffs.currency}
        for each in tariffs.tariffs
        for system_id in each.systems or ("",)
    ]
    comment = "What the tariff file says. One row per system, or all others, and first day."
    yield add_table(connection, "tariffs", comment, _TARIFFS, ("system_id", "since"), prices)
    factor, source = tariffs.co2_kg_per_kwh, tariffs.co2_source
    carbon = [{"co2_kg_per_kwh": factor, "source": source}] if factor is not None else []
    comment = "What the tariff file says of CO2. One row, or none."
    yield add_table(connection, "carbon", comment, _CARBON, ("co2_kg_per_kwh",), carbon)


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
    Column("first_light_utc", INSTANT, "Start of the first half hour of light; null without", "", True),
    Column("last_light_utc", INSTANT, "End of the last half hour of light; null without", "", True),
)

_DAYS = (
    "SELECT date FROM core.system_daily_energy ANTI JOIN meta.daylight USING (system_id, date)"
    " WHERE system_id = ? ORDER BY date"
)
_ZONE = "SELECT timezone FROM core.systems WHERE system_id = ?"


@dataclass(frozen=True)
class Plane:
    """Panels of one orientation: degrees from flat and clockwise from north."""

    tilt: float
    azimuth: float
    panels: int
    basis: str


CLEAR_SKY = describe(
    "meta",
    "clear_sky",
    "What the sun gives without clouds (pvlib, Ineichen). One row per system, day and plane.",
    _CLEAR_SKY,
    ("system_id", "date", "tilt_deg", "azimuth_deg"),
)
DAYLIGHT = describe(
    "meta",
    "daylight",
    "When it is light, twilight included, to half an hour. One row per system and day.",
    _DAYLIGHT,
    ("system_id", "date"),
)


def add_clear_sky_tables(connection: Connection, site: Site) -> Iterator[TableComment]:
    """Add `meta.clear_sky` and `meta.daylight`; empty where no position is given. Comes after core."""
    create(connection, CLEAR_SKY, _CLEAR_SKY)
    create(connection, DAYLIGHT, _DAYLIGHT)
    add_clear_sky_days(connection, site)
    yield from (CLEAR_SKY, DAYLIGHT)


def update_clear_sky_tables(connection: Connection, site: Site, *, zones_changed: bool) -> bool:
    """Remove days that core has no more, all where days may begin at other times; add those that are new.

    Returns whether that changed anything. The site has to be the same as before.
    """
    gone = "" if zones_changed else (
        " WHERE (system_id, date) NOT IN (SELECT (system_id, date) FROM core.system_daily_energy)"
    )  # fmt: skip
    removed = [
        connection.execute(f"DELETE FROM {table.sql_name}{gone}").fetchall()[0][0]  # noqa: S608
        for table in (CLEAR_SKY, DAYLIGHT)
    ]
    return bool(add_clear_sky_days(connection, site)) or any(removed)


def add_clear_sky_days(connection: Connection, site: Site) -> int:
    """Add the days that are not there yet; return how many."""
    placed = list_placed_panels(site.roof)
    clear: list[dict[str, Any]] = []
    light: list[dict[str, Any]] = []
    for system_id, system in site.roof.systems.items():
        if (days := _find_days(connection, system_id, system)) is None:
            continue
        for plane in _list_planes(system, [each for each in placed if each.system_id == system_id]):
            clear += _clear_sky_rows(system_id, days, plane)
        for day, bounds in zip(days.days, days.light(), strict=True):
            first, last = bounds or (None, None)
            row = {"system_id": system_id, "date": day, "first_light_utc": first, "last_light_utc": last}
            light.append(row)
    for table, columns, rows in ((CLEAR_SKY, _CLEAR_SKY, clear), (DAYLIGHT, _DAYLIGHT, light)):
        schema = pa.schema([column.field for column in columns])
        fill(connection, table, pa.Table.from_pylist(rows, schema=schema))
    return len(light)


def _list_planes(system: RoofSystem, placed: list[PlacedPanel]) -> list[Plane]:
    """List the planes of a system's panels; without theirs, the plane of the system, or a flat one."""
    places = {each.place: (each.tilt_deg, each.azimuth_deg) for each in placed}
    known = Counter(plane for angles in places.values() if (plane := _orientation(*angles)))
    whole = _orientation(system.tilt, system.azimuth)
    if known and set(known) != {whole}:
        basis = "panels" if sum(known.values()) == len(places) else "some panels"
        return [Plane(*angles, number, basis) for angles, number in sorted(known.items())]
    if whole is not None:
        return [Plane(*whole, 1, "system")]
    return [Plane(0.0, 0.0, 1, "flat (not given)")]


def _orientation(tilt: float | None, azimuth: float | None) -> tuple[float, float] | None:
    if tilt == 0:
        return 0.0, 0.0
    return None if tilt is None or azimuth is None else (float(tilt), float(azimuth) % 360)


def _find_days(connection: Connection, system_id: str, system: RoofSystem) -> Days | None:
    """Find the days of a system; None where it has none, no known zone or no position."""
    if system.latitude is None or system.longitude is None:
        return None
    days: tuple[date, ...] = tuple(row[0] for row in connection.execute(_DAYS, [system_id]).fetchall())
    zones = connection.execute(_ZONE, [system_id]).fetchall()
    try:
        local = zone(zones[0][0]) if zones and zones[0][0] else None
    except ValueError:  # a zone that does not exist: its days have no bounds
        return None
    if not days or local is None:
        return None
    from aps_pipeline.site.clear_sky import Days  # noqa: PLC0415 - pvlib takes a second to import

    return Days(system.latitude, system.longitude, local, days)


def _clear_sky_rows(system_id: str, days: Days, plane: Plane) -> Iterator[dict[str, Any]]:
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
