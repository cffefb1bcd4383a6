"""Schema `meta`: what the owner says of the sites. Empty tables where nothing is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from aps_pipeline.site import Site, Tariffs, placed_panels
from aps_pipeline.tables import Column
from aps_pipeline.warehouse.described import Connection, Described, create, describe, fill

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


def add_site(connection: Connection, site: Site) -> Iterator[Described]:
    """`meta.sites`, `meta.panels`, `meta.tariffs` and `meta.carbon`."""
    sites = [
        {"system_id": system_id, "name": each.name, "latitude_deg": each.latitude,
         "longitude_deg": each.longitude, "tilt_deg": each.tilt, "azimuth_deg": each.azimuth}
        for system_id, each in site.roof.systems.items()
    ]  # fmt: skip
    comment = "What the roof file says of each system. One row per system in it."
    yield add_rows(connection, "sites", comment, _SITES, ("system_id",), sites)
    panels = [asdict(panel) for panel in placed_panels(site.roof)]
    comment = "What the roof file says of each panel. One row per input of an inverter, old ones included."
    yield add_rows(connection, "panels", comment, _PANELS, ("system_id", "inverter_id", "channel"), panels)
    comment = "What the tariff file says. One row per system, or all others, and first day."
    yield add_rows(connection, "tariffs", comment, _TARIFFS, ("system_id", "since"), _prices(site.tariffs))
    factor, source = site.tariffs.co2_kg_per_kwh, site.tariffs.co2_source
    carbon = [{"co2_kg_per_kwh": factor, "source": source}] if factor is not None else []
    comment = "What the tariff file says of CO2. One row, or none."
    yield add_rows(connection, "carbon", comment, _CARBON, ("co2_kg_per_kwh",), carbon)


def _prices(tariffs: Tariffs) -> list[dict[str, Any]]:
    return [
        {"system_id": system_id, **each.model_dump(exclude={"systems"}), "currency": tariffs.currency}
        for each in tariffs.tariffs
        for system_id in each.systems or ("",)
    ]


def add_rows(
    connection: Connection,
    name: str,
    comment: str,
    columns: Sequence[Column],
    keys: Sequence[str],
    rows: list[dict[str, Any]],
) -> Described:
    """A table of `meta` with those rows."""
    described = describe("meta", name, comment, columns, keys)
    create(connection, described, columns)
    schema = pa.schema([column.field for column in columns])
    fill(connection, described, pa.Table.from_pylist(rows, schema=schema))
    return described
