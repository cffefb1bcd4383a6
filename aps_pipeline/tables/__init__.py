"""What each table means: one declaration feeds Parquet, Dagster, DuckDB comments and the dictionary.

`TABLES` holds all of them by name, in the order in which people should meet them. Storage is not decided
here (`lake`), nor how a body becomes rows (`parse`).
"""

from __future__ import annotations

from aps_pipeline.tables.energy import INVERTER_BATCH_ENERGY, REJECTED_ITEMS
from aps_pipeline.tables.inventory import INVENTORY
from aps_pipeline.tables.levels import SYSTEM_ENERGY
from aps_pipeline.tables.model import Column, Source, Table, empty, from_columns, type_names

TABLES: dict[str, Table] = {
    table.name: table for table in (*INVENTORY, *SYSTEM_ENERGY, INVERTER_BATCH_ENERGY, REJECTED_ITEMS)
}

FETCHED = tuple(table for table in TABLES.values() if not table.side_of)
"""Tables that somebody can ask for; the others are written along."""


class UnknownTableError(ValueError):
    """A table name that no declaration has."""


def table_named(name: str) -> Table:
    """The declaration of that name. Raises UnknownTableError, which lists the names there are."""
    try:
        return TABLES[name]
    except KeyError:
        raise UnknownTableError(f"no table {name[:60]!r}; there are: {', '.join(TABLES)}") from None


__all__ = [
    "FETCHED",
    "REJECTED_ITEMS",
    "TABLES",
    "Column",
    "Source",
    "Table",
    "UnknownTableError",
    "empty",
    "from_columns",
    "table_named",
    "type_names",
]
