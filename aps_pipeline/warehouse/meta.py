"""Schema `meta`: calls, columns, schema drift, revisions, and the build itself.

The ledger declares the columns that it holds, with their meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pyarrow as pa

from aps_pipeline.ledger import CALL_COLUMNS, DIFF_COLUMNS, DRIFT_COLUMNS, Ledger
from aps_pipeline.tables import Column
from aps_pipeline.tables.columns import INSTANT
from aps_pipeline.warehouse.ddl import Connection, TableComment, count, create, describe, fill
from aps_pipeline.warehouse.inputs import package_version

_CALL = {column.name: column for column in CALL_COLUMNS}
_DIFF = {column.name: column for column in DIFF_COLUMNS}

_REVISIONS = (
    _DIFF["table_name"],
    *(_CALL[name] for name in ("system_id", "device_id", "period")),
    _DIFF["call_id"],
    _DIFF["previous_call_id"],
    Column("revised_utc", INSTANT, "When the newer call was sent"),
    Column("previous_utc", INSTANT, "When the previous one was sent"),
    *(column for column in DIFF_COLUMNS if column.name not in ("call_id", "table_name", "previous_call_id")),
    Column("change_kwh", pa.float64(), "After less before; null where one of them is", "kWh", True),
    Column(
        "is_shown",
        pa.bool_(),
        "Whether core shows what the newer answer gave: it has data, and no later answer with data differs",
    ),
)


def add_revisions(connection: Connection, ledger: Ledger) -> TableComment:
    """Add `meta.revisions`: the answers that differ; comes after `meta.calls`. Raises LedgerError."""
    comment = (
        "What a newer answer to the same question changed in the rows of a table, as far as answers have been"
        " compared. One row per answer that differs from the one before it, and table."
    )
    described = describe("meta", "revisions", comment, _REVISIONS, ("call_id", "table_name"))
    create(connection, described, _REVISIONS)
    schema = pa.schema([column.field for column in DIFF_COLUMNS])
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


CALLS = describe(
    "meta",
    "calls",
    "Every call in the ledger, without its body. One row per call, sent or not.",
    CALL_COLUMNS,
    ("call_id",),
)


def add_calls(connection: Connection, ledger: Ledger) -> TableComment:
    """Add `meta.calls`: the ledger without bodies. Raises LedgerError."""
    create(connection, CALLS, CALL_COLUMNS)
    _fill_calls(connection, ledger)
    return CALLS


def _fill_calls(connection: Connection, ledger: Ledger, after: int = 0, also: Sequence[int] = ()) -> None:
    schema = pa.schema([column.field for column in CALL_COLUMNS])
    for portion in ledger.iter_calls(after, also):
        fill(connection, CALLS, pa.Table.from_pylist(list(portion), schema=schema))


_MANY = 1000
"""Where more of the older calls have changed, all are read again."""


def update_calls(connection: Connection, ledger: Ledger) -> bool:
    """Read the calls that are new or have changed, and keep what they asked in the table `changed_calls`.

    Returns whether there were any. Raises LedgerError.
    """
    newest = connection.execute("SELECT coalesce(max(call_id), 0) FROM meta.calls").fetchall()[0][0]
    changed = _find_changed(connection, ledger, newest)
    connection.execute("CREATE TEMP TABLE changed AS SELECT unnest(?::BIGINT[]) AS call_id", [changed])
    if len(changed) > _MANY:
        connection.execute("INSERT INTO changed SELECT call_id FROM meta.calls")
        newest, changed = 0, []
    asked = "SELECT system_id, endpoint, level, period FROM meta.calls WHERE call_id IN (FROM changed)"
    connection.execute(f"CREATE TEMP TABLE changed_calls AS {asked}")
    connection.execute("DELETE FROM meta.calls WHERE call_id IN (FROM changed)")
    _fill_calls(connection, ledger, newest, changed)
    connection.execute(f"INSERT INTO changed_calls {asked} OR call_id > ?", [newest])
    return count(connection, "FROM changed_calls") > 0


def _find_changed(connection: Connection, ledger: Ledger, newest: int) -> list[int]:
    """List the calls up to `newest` whose state is not as it was; nothing of a call changes without it.

    Nearly all are answered and stay so. No call is ever removed: where the others are told and the number of
    these is right, they are the same.
    """
    held = dict(
        connection.execute("SELECT call_id, state FROM meta.calls WHERE state <> 'answered'").fetchall()
    )
    answered, others = ledger.list_unanswered(newest)
    if answered + len(others) == count(connection, "FROM meta.calls"):
        return [call for call in held.keys() | others.keys() if held.get(call) != others.get(call)]
    states = dict(connection.execute("SELECT call_id, state FROM meta.calls").fetchall())
    found = {call: state for call, state in ledger.list_call_states() if call <= newest}
    return [call for call in states.keys() | found.keys() if states.get(call) != found.get(call)]


def add_news(connection: Connection, ledger: Ledger) -> TableComment:
    """Add `meta.news`: what answers named and nobody here knew. Raises LedgerError."""
    comment = (
        "What answers named and no parser or inventory knew, kept in the bodies. One row per unknown name."
    )
    described = describe("meta", "news", comment, DRIFT_COLUMNS, ("kind", "subject", "name"))
    create(connection, described, DRIFT_COLUMNS)
    rows = [{**asdict(each), "kind": each.kind.value} for each in ledger.list_drift_events()]
    fill(
        connection,
        described,
        pa.Table.from_pylist(rows, pa.schema([column.field for column in DRIFT_COLUMNS])),
    )
    return described


def add_build(
    connection: Connection, ledger: Ledger, revision_days: int, views_folder: str | None, inputs: str
) -> TableComment:
    """Add `meta.build`: what this file was made from; no clock, so that equal inputs give equal rows."""
    described = describe("meta", "build", "What this warehouse was built by and from. One row.", _BUILD, ())
    create(connection, described, _BUILD)
    connection.execute(
        "INSERT INTO meta.build SELECT ?, max(call_id), ?, ?, ?, ? FROM meta.calls",
        [package_version(), ledger.is_simulated(), revision_days, views_folder, inputs],
    )
    return described


def add_columns(connection: Connection, tables: Sequence[TableComment]) -> TableComment:
    """Add `meta.columns`: every column of `tables` and its own, with the type that the database gave it."""
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
