"""What each table means: one declaration feeds Parquet, Dagster, DuckDB comments and the dictionary.

`TABLES` holds all of them by name, in the order in which people should meet them. Storage is not decided
here (`lake`), nor how a body becomes rows (`parse`).
"""

from __future__ import annotations

from difflib import get_close_matches

from aps_pipeline.errors import PipelineError
from aps_pipeline.tables.caveats import CAVEATS, Caveat
from aps_pipeline.tables.energy import (
    ECU_ENERGY,
    INVERTER_BATCH_ENERGY,
    INVERTER_ENERGY,
    METER_ENERGY,
    REJECTED_ITEMS,
    SYSTEM_ENERGY,
)
from aps_pipeline.tables.inventory import INVENTORY
from aps_pipeline.tables.model import TYPE_NAMES, Column, Source, Table, empty, from_columns
from aps_pipeline.tables.profiles import LEAN, STANDARD
from aps_pipeline.tables.summaries import SUMMARIES
from aps_pipeline.tables.telemetry import TELEMETRY

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        *INVENTORY,
        *SUMMARIES,
        *SYSTEM_ENERGY,
        *ECU_ENERGY,
        *INVERTER_ENERGY,
        INVERTER_BATCH_ENERGY,
        *METER_ENERGY,
        *TELEMETRY,
        REJECTED_ITEMS,
    )
}

FETCHED = tuple(table for table in TABLES.values() if not table.side_of)
"""Tables that somebody can ask for; the others are written along."""

PROFILES = {
    name: tuple(table for table in FETCHED if table in tables)
    for name, tables in {"lean": LEAN, "standard": STANDARD, "full": FETCHED}.items()
}
"""Which tables are collected where none are named."""


class UnknownTableError(PipelineError, ValueError):
    """A table name that no declaration has."""


def get_table(name: str) -> Table:
    """Get the declaration of that name. Raises UnknownTableError, which names those that are spelt alike."""
    try:
        return TABLES[name]
    except KeyError:
        alike = get_close_matches(name[:60], TABLES)
        hint = f": did you mean {' or '.join(alike)}?" if alike else "; `aps tables` lists them"
        raise UnknownTableError(f"no table {name[:60]!r}{hint}") from None


__all__ = [
    "CAVEATS",
    "FETCHED",
    "PROFILES",
    "REJECTED_ITEMS",
    "TABLES",
    "TYPE_NAMES",
    "Caveat",
    "Column",
    "Source",
    "Table",
    "UnknownTableError",
    "empty",
    "from_columns",
    "get_table",
]
