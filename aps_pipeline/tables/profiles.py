"""Which tables are collected when nobody names them."""

from __future__ import annotations

from collections.abc import Iterable

from aps_pipeline.tables.energy import INVERTER_BATCH_ENERGY, METER_ENERGY, SYSTEM_ENERGY
from aps_pipeline.tables.inventory import INVENTORY
from aps_pipeline.tables.model import Table
from aps_pipeline.tables.telemetry import INVERTER_BATCH_POWER


def _of_levels(tables: Iterable[Table], *levels: str) -> tuple[Table, ...]:
    return tuple(table for table in tables if table.source.level in levels)


_METERED = (*SYSTEM_ENERGY, *METER_ENERGY)

LEAN = (*INVENTORY, *_of_levels(_METERED, "daily", "monthly", "yearly"), INVERTER_BATCH_ENERGY)
"""Energies by day and coarser, of the system, its meters and every panel."""

STANDARD = (*LEAN, *_of_levels(_METERED, "hourly"), INVERTER_BATCH_POWER)
"""Those, with the hours of system and meters and the power of every panel."""
