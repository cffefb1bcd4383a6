"""`meta.coverage`: how every period of every table stands, as planning sees it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from aps_pipeline.planning import Covered, State
from aps_pipeline.tables import Column
from aps_pipeline.warehouse.described import Connection, Described, create, describe, fill

COLUMNS = (
    Column("system_id", pa.string(), "System"),
    Column("table_name", pa.string(), "Table of core"),
    Column("period", pa.string(), "Partition: a local day, month or year; empty for a table without"),
    Column("first_date", pa.date32(), "First local day of the period; null for a lifetime", nullable=True),
    Column("state", pa.string(), ", ".join(State)),
    Column("parts", pa.int32(), "Questions that the period consists of: one a device"),
    Column("with_data", pa.int32(), "Those that were answered with data"),
    Column("no_data", pa.int32(), 'Those whose newest answer is "no data" (1001)'),
    Column(
        "is_final",
        pa.bool_(),
        "Whether no answer can change any more; null without an answer and for a lifetime",
        nullable=True,
    ),
    Column("call_id", pa.int64(), "The call that proves the state; null where none was made", nullable=True),
)


def add_coverage(connection: Connection, covered: Sequence[Covered]) -> Described:
    """Make the table, as of the newest call."""
    comment = (
        "How every period of every fact table stands, from the registration of a system to its local day at "
        "the newest call. One row per system, table and period."
    )
    described = describe("meta", "coverage", comment, COLUMNS, ("system_id", "table_name", "period"))
    create(connection, described, COLUMNS)
    fill(connection, described, _rows(covered))
    return described


def _rows(covered: Sequence[Covered]) -> pa.Table:
    columns = {
        "system_id": [each.system_id for each in covered],
        "table_name": [each.table.name for each in covered],
        "period": [each.period.key for each in covered],
        "first_date": [each.period.first if each.period.key else None for each in covered],
        "state": [each.state.value for each in covered],
        "parts": [each.parts for each in covered],
        "with_data": [each.with_data for each in covered],
        "no_data": [each.no_data for each in covered],
        "is_final": [each.is_final for each in covered],
        "call_id": [each.call_id or None for each in covered],
    }
    return pa.table(columns, schema=pa.schema([column.field for column in COLUMNS]))
