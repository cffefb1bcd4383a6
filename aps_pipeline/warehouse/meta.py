"""Schema `meta`: the calls behind the data, what they named anew, the build, and a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pyarrow as pa

from aps_pipeline.ledger import Ledger, NewsKind
from aps_pipeline.tables import Column
from aps_pipeline.warehouse.described import Connection, Described, create, describe, fill
from aps_pipeline.warehouse.inputs import package_version

_INSTANT = pa.timestamp("us", "UTC")

_CALLS = (
    Column("call_id", pa.int64(), "Number of the call; the last column of every fact table refers to it"),
    Column("account", pa.string(), "App Id whose quota paid for it"),
    Column("quota_month", pa.string(), "Quota month that it counts in, such as 2026-11"),
    Column("endpoint", pa.string(), "What was asked"),
    Column("level", pa.string(), "hourly, daily, monthly, yearly, energy …; empty for details"),
    Column("system_id", pa.string(), "System that was asked about"),
    Column("device_id", pa.string(), "ECU, inverter or meter; empty for the system itself"),
    Column("period", pa.string(), "Local day, month or year that was asked for; empty for all time"),
    Column(
        "state",
        pa.string(),
        "answered, no_data (code 1001), refused (body not as promised), failed, denied, lost (its process "
        "died), damaged (answered, but the kept body is gone or garbled), unsent (not counted) or in_flight",
    ),
    Column("sent_utc", _INSTANT, "When it was sent"),
    Column("finished_utc", _INSTANT, "When its outcome was known", nullable=True),
    Column("http_status", pa.int32(), "HTTP status; the API gives 200 for its own errors too", nullable=True),
    Column(
        "code", pa.int32(), "Code of the answer: 0 good, 1001 no data, others manual Annex 1", nullable=True
    ),
    Column("error", pa.string(), "What went wrong; empty if nothing did"),
    Column("body_bytes", pa.int32(), "Length of the kept body", "B", True),
)

_BUILD = (
    Column("package_version", pa.string(), "Version of aps_pipeline that built this file"),
    Column("newest_call_id", pa.int64(), "Newest call in meta.calls", nullable=True),
    Column(
        "is_simulated",
        pa.bool_(),
        "Whether a simulator gave the answers; null before the first",
        nullable=True,
    ),
    Column("revision_days", pa.int32(), "Days after a period's end until its answer counts as final", "d"),
    Column(
        "views_folder",
        pa.string(),
        "Folder of the Parquet files that the views of core read; null where all was copied in",
        nullable=True,
    ),
    Column(
        "inputs",
        pa.string(),
        "Digest of the code, settings, calls and partitions that it was built from: while it stays the same "
        "and no partition is written, `aps` does not build anew",
    ),
)

_NEWS = (
    Column("kind", pa.string(), f"{' or '.join(kind.value for kind in NewsKind)}"),
    Column("subject", pa.string(), "Endpoint and level whose answer named it, or the system of an inverter"),
    Column("name", pa.string(), "The field, the value or the inverter"),
    Column("call_id", pa.int64(), "The first call that named it: meta.calls"),
)

_COLUMNS = (
    Column("schema_name", pa.string(), "core, mart or meta"),
    Column("table_name", pa.string(), "Table"),
    Column("position", pa.int32(), "Position of the column in the table, from 1"),
    Column("column_name", pa.string(), "Column"),
    Column("type", pa.string(), "DuckDB type"),
    Column("unit", pa.string(), "Unit; empty for what has none"),
    Column("nullable", pa.bool_(), "Whether the value may be absent"),
    Column("is_key", pa.bool_(), "Whether it is one of the columns that name a row"),
    Column("comment", pa.string(), "What it means"),
)


def add_calls(connection: Connection, ledger: Ledger) -> Described:
    """`meta.calls`: the ledger without bodies. Raises LedgerError."""
    comment = "Every call in the ledger, without its body. One row per call, sent or not."
    described = describe("meta", "calls", comment, _CALLS, ("call_id",))
    create(connection, described, _CALLS)
    schema = pa.schema([column.field for column in _CALLS])
    for portion in ledger.rows():
        fill(connection, described, pa.Table.from_pylist(list(portion), schema=schema))
    return described


def add_news(connection: Connection, ledger: Ledger) -> Described:
    """`meta.news`: what answers named and nobody here knew. Raises LedgerError."""
    comment = (
        "What answers named and no parser or inventory knew, kept in the bodies. One row per unknown name."
    )
    described = describe("meta", "news", comment, _NEWS, ("kind", "subject", "name"))
    create(connection, described, _NEWS)
    rows = [{**asdict(each), "kind": each.kind.value} for each in ledger.news()]
    fill(connection, described, pa.Table.from_pylist(rows, pa.schema([column.field for column in _NEWS])))
    return described


def add_build(
    connection: Connection, ledger: Ledger, revision_days: int, views_folder: str | None, inputs: str
) -> Described:
    """`meta.build`: what this file was made by and from; no clock, so that equal inputs give equal rows."""
    described = describe("meta", "build", "What this warehouse was built by and from. One row.", _BUILD, ())
    create(connection, described, _BUILD)
    connection.execute(
        "INSERT INTO meta.build SELECT ?, max(call_id), ?, ?, ?, ? FROM meta.calls",
        [package_version(), ledger.is_simulated(), revision_days, views_folder, inputs],
    )
    return described


def add_columns(connection: Connection, tables: Sequence[Described]) -> Described:
    """`meta.columns`: every column of `tables` and its own, with the type that the database gave it."""
    comment = "Dictionary of this warehouse. One row per column of core, mart and meta."
    keys = ("schema_name", "table_name", "position")
    described = describe("meta", "columns", comment, _COLUMNS, keys)
    create(connection, described, _COLUMNS)
    notes = [
        {
            "schema_name": table.schema,
            "table_name": table.name,
            "column_name": note.name,
            "unit": note.unit,
            "is_key": note.name in table.keys,
            "may_be_absent": note.nullable,
        }
        for table in (*tables, described)
        for note in table.columns
    ]
    connection.register("notes", pa.Table.from_pylist(notes))
    connection.execute(
        """
        INSERT INTO meta.columns
        SELECT
            schema_name, table_name, column_index, column_name, data_type, unit,
            is_nullable AND may_be_absent, is_key, comment
        FROM duckdb_columns() JOIN notes USING (schema_name, table_name, column_name)
        WHERE database_name = current_database()
        ORDER BY schema_name, table_name, column_index
        """
    )
    connection.unregister("notes")
    return described
