"""Schema `meta`: calls, columns, drift, revisions, and the build itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

import pyarrow as pa

from aps_pipeline.ledger import AnswerDiff, DriftKind, Ledger
from aps_pipeline.tables import Column
from aps_pipeline.tables.columns import INSTANT
from aps_pipeline.warehouse.ddl import Connection, TableComment, create, describe, fill
from aps_pipeline.warehouse.inputs import package_version

_ENERGY = "the first column in kWh of the table, of a meter what was produced"

_REVISIONS = (
    Column("table_name", pa.string(), "Table of core that the answer feeds"),
    Column("system_id", pa.string(), "System that was asked about"),
    Column("device_id", pa.string(), "ECU, inverter or meter; empty for the system itself"),
    Column("period", pa.string(), "Local day, month or year that was asked for; empty for all time"),
    Column("call_id", pa.int64(), "The call with the newer answer: meta.calls"),
    Column("previous_call_id", pa.int64(), "The good call of the same question before it: meta.calls"),
    Column("revised_utc", INSTANT, "When the newer call was sent"),
    Column("previous_utc", INSTANT, "When the previous one was sent"),
    Column(
        "was_over",
        pa.bool_(),
        "Whether the period was over when the previous call was sent: a real revision; otherwise the period "
        "was still growing, as all time always is",
    ),
    Column("rows_before", pa.int32(), "Rows of the previous answer; 0 for no data (1001)"),
    Column("rows_after", pa.int32(), "Rows of the newer answer; 0 for no data (1001)"),
    Column("rows_new", pa.int32(), "Rows of the newer answer whose key the previous one lacks"),
    Column("rows_gone", pa.int32(), "Rows of the previous answer whose key the newer one lacks"),
    Column("numbers_before", pa.int32(), "Measures of the previous answer that are not null"),
    Column("numbers_after", pa.int32(), "Measures of the newer answer that are not null"),
    Column("numbers_changed", pa.int32(), "Measures that both give, with another number"),
    Column("numbers_gone", pa.int32(), "Measures that only the previous answer gives, their row gone or not"),
    Column(
        "numbers_missing",
        pa.int32(),
        "Measures that any earlier answer to the question gave and the newer one lacks; 0 once all are back",
    ),
    Column("energy_before_kwh", pa.float64(), f"Sum of {_ENERGY}; null without a number", "kWh", True),
    Column("energy_after_kwh", pa.float64(), "The same sum of the newer answer", "kWh", True),
    Column("change_kwh", pa.float64(), "After less before; null where one of them is", "kWh", True),
    Column(
        "is_shown",
        pa.bool_(),
        "Whether core shows what the newer answer gave: it has data, and no later answer with data differs",
    ),
)


def add_revisions(connection: Connection, ledger: Ledger) -> TableComment:
    """`meta.revisions`: the comparisons that found a difference; after `meta.calls`. Raises LedgerError."""
    comment = (
        "What a newer answer to the same question changed in the rows of a table, as far as answers have been"
        " compared. One row per answer that differs from the one before it, and table."
    )
    described = describe("meta", "revisions", comment, _REVISIONS, ("call_id", "table_name"))
    create(connection, described, _REVISIONS)
    kept = {field.name for field in fields(AnswerDiff)}
    schema = pa.schema([column.field for column in _REVISIONS if column.name in kept])
    rows = [asdict(each) for each in ledger.list_diffs() if each.is_difference]
    connection.register("kept", pa.Table.from_pylist(rows, schema))
    connection.execute(
        """
        INSERT INTO meta.revisions BY NAME
        SELECT
            kept.*,
            calls.system_id,
            calls.device_id,
            calls.period,
            calls.sent_utc AS revised_utc,
            previous.sent_utc AS previous_utc,
            round(energy_after_kwh - energy_before_kwh, 6) AS change_kwh,
            coalesce(call_id = max(call_id) FILTER (calls.state = 'answered') OVER question, false)
                AS is_shown
        FROM kept
        JOIN meta.calls AS calls USING (call_id)
        JOIN meta.calls AS previous ON previous.call_id = kept.previous_call_id
        WINDOW question AS (PARTITION BY table_name, calls.system_id, calls.device_id, calls.period)
        ORDER BY call_id, table_name
        """
    )
    connection.unregister("kept")
    return described


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
    Column("sent_utc", INSTANT, "When it was sent"),
    Column("finished_utc", INSTANT, "When its outcome was known", nullable=True),
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
    Column("kind", pa.string(), f"{' or '.join(kind.value for kind in DriftKind)}"),
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


def add_calls(connection: Connection, ledger: Ledger) -> TableComment:
    """`meta.calls`: the ledger without bodies. Raises LedgerError."""
    comment = "Every call in the ledger, without its body. One row per call, sent or not."
    described = describe("meta", "calls", comment, _CALLS, ("call_id",))
    create(connection, described, _CALLS)
    schema = pa.schema([column.field for column in _CALLS])
    for portion in ledger.iter_calls():
        fill(connection, described, pa.Table.from_pylist(list(portion), schema=schema))
    return described


def add_news(connection: Connection, ledger: Ledger) -> TableComment:
    """`meta.news`: what answers named and nobody here knew. Raises LedgerError."""
    comment = (
        "What answers named and no parser or inventory knew, kept in the bodies. One row per unknown name."
    )
    described = describe("meta", "news", comment, _NEWS, ("kind", "subject", "name"))
    create(connection, described, _NEWS)
    rows = [{**asdict(each), "kind": each.kind.value} for each in ledger.list_drift_events()]
    fill(connection, described, pa.Table.from_pylist(rows, pa.schema([column.field for column in _NEWS])))
    return described


def add_build(
    connection: Connection, ledger: Ledger, revision_days: int, views_folder: str | None, inputs: str
) -> TableComment:
    """`meta.build`: what this file was made by and from; no clock, so that equal inputs give equal rows."""
    described = describe("meta", "build", "What this warehouse was built by and from. One row.", _BUILD, ())
    create(connection, described, _BUILD)
    connection.execute(
        "INSERT INTO meta.build SELECT ?, max(call_id), ?, ?, ?, ? FROM meta.calls",
        [package_version(), ledger.is_simulated(), revision_days, views_folder, inputs],
    )
    return described


def add_columns(connection: Connection, tables: Sequence[TableComment]) -> TableComment:
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
