"""`meta.revisions`: what successive answers to one question changed, when and by how much."""

from __future__ import annotations

from dataclasses import asdict, fields

import pyarrow as pa

from aps_pipeline.ledger import Ledger, Revision
from aps_pipeline.tables import Column
from aps_pipeline.warehouse.described import Connection, Described, create, describe

_INSTANT = pa.timestamp("us", "UTC")
_ENERGY = "the first column in kWh of the table, of a meter what was produced"

_REVISIONS = (
    Column("table_name", pa.string(), "Table of core that the answer feeds"),
    Column("system_id", pa.string(), "System that was asked about"),
    Column("device_id", pa.string(), "ECU, inverter or meter; empty for the system itself"),
    Column("period", pa.string(), "Local day, month or year that was asked for; empty for all time"),
    Column("call_id", pa.int64(), "The call with the newer answer: meta.calls"),
    Column("previous_call_id", pa.int64(), "The good call of the same question before it: meta.calls"),
    Column("revised_utc", _INSTANT, "When the newer call was sent"),
    Column("previous_utc", _INSTANT, "When the previous one was sent"),
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


def add_revisions(connection: Connection, ledger: Ledger) -> Described:
    """`meta.revisions`: the comparisons that found a difference; after `meta.calls`. Raises LedgerError."""
    comment = (
        "What a newer answer to the same question changed in the rows of a table, as far as answers have been"
        " compared. One row per answer that differs from the one before it, and table."
    )
    described = describe("meta", "revisions", comment, _REVISIONS, ("call_id", "table_name"))
    create(connection, described, _REVISIONS)
    kept = {field.name for field in fields(Revision)}
    schema = pa.schema([column.field for column in _REVISIONS if column.name in kept])
    rows = [asdict(each) for each in ledger.revisions() if each.is_difference]
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
