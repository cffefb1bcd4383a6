"""`meta.coverage` and `meta.claims`: the state of every period, and why.

Coverage is kept as spans. Its periods are a view, so that what nobody collects costs a row, not one a day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import groupby
from operator import attrgetter

import pyarrow as pa

from aps_pipeline.periods import Period
from aps_pipeline.planning import Claim, ClaimKind, CoverageSpan, KnownCoverage, Standing, State
from aps_pipeline.tables import TABLES, Column
from aps_pipeline.tables.columns import INSTANT
from aps_pipeline.warehouse.ddl import (
    Connection,
    TableComment,
    add_comments,
    add_table,
    create,
    describe,
    drop,
    fill,
)

_STANDING = (
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
)

_COVERAGE = (
    Column("system_id", pa.string(), "System"),
    Column("table_name", pa.string(), "Table of core"),
    Column("period", pa.string(), "Partition: a local day, month or year; empty for a table without"),
    Column("first_date", pa.date32(), "First local day of the period; null for a lifetime", nullable=True),
    *_STANDING,
    Column("call_id", pa.int64(), "The call that proves the state; null where none was made", nullable=True),
)

_SPANS = (
    Column("system_id", pa.string(), "System"),
    Column("table_name", pa.string(), "Table of core"),
    Column("first_period", pa.string(), "First partition of the span; empty for a table without"),
    Column("last_period", pa.string(), "Last partition of the span"),
    Column("first_date", pa.date32(), "First local day of the span; null for a lifetime", nullable=True),
    Column("last_date", pa.date32(), "Last local day of its last period; null for a lifetime", nullable=True),
    Column("periods", pa.int32(), "How many periods it has"),
    *_STANDING,
    Column(
        "call_ids",
        pa.list_(pa.int64()),
        "Calls that prove the state: one for each period in order, or one for all; empty where none was made",
    ),
)

_PERIODS = """
    SELECT
        system_id,
        table_name,
        left(coalesce(day, DATE '2000-01-01')::VARCHAR, length(first_period)) AS period,
        day AS first_date,
        state,
        parts,
        with_data,
        no_data,
        is_final,
        call_ids[least(number + 1, len(call_ids))] AS call_id
    FROM (
        SELECT
            *,
            CASE length(first_period)
                WHEN 10 THEN first_date + number
                WHEN 7 THEN (first_date + to_months(number))::DATE
                WHEN 4 THEN (first_date + to_years(number))::DATE
            END AS day
        FROM (SELECT *, unnest(range(periods))::INTEGER AS number FROM meta.coverage_spans)
    )
"""

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


def add_claims(connection: Connection, claims: Sequence[Claim]) -> TableComment:
    """Add `meta.claims`: what is concluded from answers, as of the newest call."""
    comment = (
        "What is concluded from answers, so that some requests are not made: the calls that show it, and when"
        " it expires. An answer that contradicts it ends it, and `--again` overrules it."
        " One row per conclusion."
    )
    keys = ("kind", "system_id", "endpoint", "level", "device_id", "statement")
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
    return add_table(connection, "claims", comment, _CLAIMS, keys, rows)


_PORTION = 10_000
"""Spans in memory together."""


_CONDITIONS = (
    Column("system_id", pa.string(), "System"),
    Column("conditions", pa.string(), "What its coverage rests on beside its calls"),
)


_TAILS = """
    WITH horizons AS (
        SELECT system_id, 10 AS length, min(left(period || '-01', 10)) AS horizon
        FROM changed_calls
        WHERE length(period) IN (7, 10)
        GROUP BY system_id
        UNION ALL
        SELECT system_id, length(period), min(period)
        FROM changed_calls
        WHERE length(period) IN (4, 7)
        GROUP BY ALL
    ),
    spans AS (
        SELECT *, lead(last_period) OVER of_table AS next_period
        FROM meta.coverage_spans
        WINDOW of_table AS (PARTITION BY system_id, table_name ORDER BY first_period)
    )
    SELECT spans.*
    FROM spans
    LEFT JOIN horizons ON horizons.system_id = spans.system_id AND length = length(first_period)
    WHERE next_period IS NULL OR next_period >= horizon
"""
"""Spans that may change: of each table the last, those from the first changed call on, and the one before."""


def read_known_coverage(connection: Connection) -> KnownCoverage:
    """Read what the old file knows of coverage; the calls that have changed must be known."""
    connection.execute(f"CREATE TEMP TABLE tails AS {_TAILS}")
    touched = connection.execute(
        "SELECT system_id, endpoint, level, min(period) FROM changed_calls GROUP BY ALL"
    ).fetchall()
    return KnownCoverage(
        partial(_read_tails, connection),
        dict(connection.execute("FROM internal.coverage_conditions").fetchall()),
        {(system_id, endpoint, level): period for system_id, endpoint, level, period in touched},
    )


_parse_period = lru_cache(maxsize=10_000)(Period.parse)


def _read_tails(connection: Connection, system_ids: Collection[str]) -> Iterator[CoverageSpan]:
    names = ", ".join(column.name for column in _STANDING)
    rows = connection.execute(
        f"SELECT system_id, table_name, first_period, last_period, call_ids, {names} FROM tails"  # noqa: S608
        " WHERE system_id IN (SELECT unnest(?::VARCHAR[])) ORDER BY system_id, table_name, first_period",
        [list(system_ids)],
    ).fetchall()
    for system_id, table_name, first, last, call_ids, state, *numbers in rows:
        table = TABLES[table_name]
        since, until = (_parse_period(table.partition_grain, key) for key in (first, last))
        standing = Standing(State(state), *numbers)
        yield CoverageSpan(system_id, table, since, until, standing, tuple(call_ids))


_SPANS_TABLE = describe(
    "meta",
    "coverage_spans",
    "How the periods of every fact table stand, from the registration of a system to its local day at the"
    " newest call. One row per stretch of periods of a system and table that stand the same.",
    _SPANS,
    ("system_id", "table_name", "first_period"),
)


def add_coverage(
    connection: Connection,
    coverage: Callable[[KnownCoverage], Iterable[CoverageSpan]],
    known: KnownCoverage,
) -> list[TableComment]:
    """Add `meta.coverage_spans`, how periods stand as of the newest call, and its view `meta.coverage`."""
    table = _SPANS_TABLE
    if not known.conditions:
        drop(connection, "meta", table.name)
        create(connection, table, _SPANS)
    connection.execute("CREATE TEMP TABLE new_spans AS FROM meta.coverage_spans LIMIT 0")
    staged = replace(table, schema="temp", name="new_spans")
    for portion in _portions(coverage(known)):
        fill(connection, staged, _rows_of_spans(portion))
    connection.execute(
        "DELETE FROM meta.coverage_spans WHERE system_id NOT IN (SELECT unnest(?::VARCHAR[]))",
        [[name for name in known.new_conditions if name not in known.computed_whole]],
    )
    connection.execute(
        "DELETE FROM meta.coverage_spans AS old"
        " USING (SELECT system_id, table_name, min(first_period) AS first FROM new_spans GROUP BY ALL) AS new"
        " WHERE old.system_id = new.system_id AND old.table_name = new.table_name AND first_period >= first"
    )
    connection.execute("INSERT INTO meta.coverage_spans FROM new_spans")
    connection.execute("DROP TABLE new_spans")
    _exchange_calls(connection, known.exchanged_calls)
    drop(connection, "internal", "coverage_conditions")
    rows = [{"system_id": name, "conditions": each} for name, each in known.new_conditions.items()]
    comment = "For the program only: under which conditions coverage holds. One row per system."
    add_table(
        connection, "coverage_conditions", comment, _CONDITIONS, ("system_id",), rows, schema="internal"
    )
    comment = (
        "How every period of every fact table stands, from the registration of a system to its local day at "
        "the newest call: meta.coverage_spans by period. One row per system, table and period."
    )
    keys = ("system_id", "table_name", "period")
    view = replace(describe("meta", "coverage", comment, _COVERAGE, keys), kind="VIEW")
    connection.execute(f"CREATE VIEW {view.sql_name} AS {_PERIODS}")
    add_comments(connection, view)
    return [table, view]


def _exchange_calls(connection: Connection, calls: Mapping[int, int]) -> None:
    """Name the newest answers that name devices where the ones before them prove that there was none."""
    if calls:
        connection.execute(
            "UPDATE meta.coverage_spans"
            " SET call_ids = list_transform(call_ids, lambda each: coalesce(calls.newer[each], each))"
            " FROM (SELECT map(?::BIGINT[], ?::BIGINT[]) AS newer) AS calls"
            " WHERE state = ? AND list_has_any(call_ids, ?::BIGINT[])",
            [list(calls), list(calls.values()), State.NOT_APPLICABLE.value, list(calls)],
        )


def _portions(spans: Iterable[CoverageSpan]) -> Iterator[list[CoverageSpan]]:
    """Cut spans into portions of whole systems, which come by id: so the table is sorted by its key."""
    portion: list[CoverageSpan] = []
    for _, of_system in groupby(spans, key=attrgetter("system_id")):
        portion += of_system
        if len(portion) >= _PORTION:
            yield portion
            portion = []
    yield portion


def _rows_of_spans(spans: Sequence[CoverageSpan]) -> pa.Table:
    keys = {period: period.key for each in spans for period in (each.first, each.last)}
    columns = {
        "system_id": [each.system_id for each in spans],
        "table_name": [each.table.name for each in spans],
        "first_period": [keys[each.first] for each in spans],
        "last_period": [keys[each.last] for each in spans],
        "first_date": [each.first.first if keys[each.first] else None for each in spans],
        "last_date": [each.last.last if keys[each.last] else None for each in spans],
        "periods": [len(each) for each in spans],
        **dict(zip(Standing._fields, zip(*(each.standing for each in spans), strict=True), strict=False)),
        "call_ids": [each.call_ids for each in spans],
    }
    schema = pa.schema([column.field for column in _SPANS])
    return pa.table(columns, schema=schema) if spans else schema.empty_table()
