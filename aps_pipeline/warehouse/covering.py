"""`meta.coverage` and `meta.claims`: how every period stands, and what planning concludes from answers."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from aps_pipeline.planning import Claim, ClaimKind, Covered, State
from aps_pipeline.tables import Column
from aps_pipeline.tables.columns import INSTANT
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
        "Whether every answer came after the revision days; null without an answer and for a lifetime",
        nullable=True,
    ),
    Column("call_id", pa.int64(), "The call that proves the state; null where none was made", nullable=True),
)


_CLAIMS = (
    Column("kind", pa.string(), ", ".join(ClaimKind)),
    Column("system_id", pa.string(), "System that it speaks of"),
    Column("endpoint", pa.string(), "What is not asked because of it"),
    Column("level", pa.string(), "Level of the endpoint; empty for all"),
    Column("device_id", pa.string(), "ECU, inverter or meter; empty for all"),
    Column("last_date", pa.date32(), "Last local day that it speaks of; null for all", nullable=True),
    Column(
        "call_ids", pa.string(), "Calls that it rests on: call_id of meta.calls, with commas between them"
    ),
    Column(
        "proven_utc", INSTANT, "When the newest of them was made; null where none proves it", nullable=True
    ),
    Column("expires_utc", INSTANT, "When it is asked again"),
    Column("statement", pa.string(), "What it says"),
)


def add_claims(connection: Connection, claims: Sequence[Claim]) -> Described:
    """Make the table of what is concluded, as of the newest call."""
    comment = (
        "What is concluded from answers, so that some requests are not made: the calls that show it, and when"
        " it expires. An answer that contradicts it ends it, and `--again` overrules it."
        " One row per conclusion."
    )
    keys = ("kind", "system_id", "endpoint", "level", "device_id", "statement")
    described = describe("meta", "claims", comment, _CLAIMS, keys)
    create(connection, described, _CLAIMS)
    rows = [
        {
            "kind": claim.kind.value,
            "system_id": claim.system_id,
            "endpoint": claim.endpoint,
            "level": claim.level,
            "device_id": claim.device_id,
            "last_date": claim.last_day,
            "call_ids": ", ".join(map(str, claim.call_ids)),
            "proven_utc": claim.proven_utc,
            "expires_utc": claim.expires_utc,
            "statement": claim.text,
        }
        for claim in claims
    ]
    fill(connection, described, pa.Table.from_pylist(rows, pa.schema([column.field for column in _CLAIMS])))
    return described


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
