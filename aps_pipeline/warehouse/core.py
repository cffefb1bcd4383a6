"""Schema `core`: every declared table, copied from the lake or a view over it."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pyarrow as pa

from aps_pipeline.lake import Lake, StorageError
from aps_pipeline.tables import Table
from aps_pipeline.warehouse.described import Connection, Described, create, describe, fill
from aps_pipeline.warehouse.errors import WarehouseError
from aps_pipeline.warehouse.views import add_view, folder_for_view

_ATTEMPTS = 3


def add_core_table(connection: Connection, table: Table, lake: Lake) -> Described:
    """Copy one table or make its view.

    Raises StorageError, and WarehouseError where the files break the declaration.
    """
    described = replace(
        describe("core", table.name, table.summary, table.columns, table.keys),
        notes=table.notes,
        caveats=table.caveats,
    )
    if (folder := folder_for_view(table, lake)) is not None:
        described = replace(described, kind="VIEW")
        add_view(connection, table, described, folder)
        return described
    create(connection, described, table.columns)
    try:
        fill(connection, described, _rows(table, lake))
    except duckdb.IntegrityError as error:
        reason = str(error).splitlines()[0]
        raise WarehouseError(
            f"{lake.url}: the files of {table.name} break its declaration: {reason}"
        ) from error
    return described


def _rows(table: Table, lake: Lake) -> pa.Table:
    """All rows; read anew when a partition goes away between the listing and the reading."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return lake.read(table)
        except StorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
    return lake.read(table)
