"""`meta.coverage`, `meta.claims` and `meta.zone_days`: the state of every period, why, and local days.

Coverage is kept as spans. Its periods are a view, so that what nobody collects costs a row, not one a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

import pyarrow as pa

from aps_pipeline.periods import FIRST_DAY, UnknownZoneError, day_bounds_utc, zone
from aps_pipeline.planning import Claim, ClaimKind, CoverageSpan, State
from aps_pipeline.tables import TABLES, Column
from aps_pipeline.tables.columns import INSTANT
from aps_pipeline.warehouse.ddl import (
    Connection,
    TableComment,
    add_comments,
    add_table,
    create,
    describe,
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


def add_coverage(connection: Connection, spans: Iterable[CoverageSpan]) -> list[TableComment]:
    """Add `meta.coverage_spans`, how periods stand as of the newest call, and its view `meta.coverage`."""
    comment = (
        "How the periods of every fact table stand, from the registration of a system to its local day at"
        " the newest call. One row per stretch of periods of a system and table that stand the same."
    )
    table = describe("meta", "coverage_spans", comment, _SPANS, ("system_id", "table_name", "first_period"))
    create(connection, table, _SPANS)
    for portion in _portions(spans):
        fill(connection, table, _rows_of_spans(portion))
    comment = (
        "How every period of every fact table stands, from the registration of a system to its local day at "
        "the newest call: meta.coverage_spans by period. One row per system, table and period."
    )
    keys = ("system_id", "table_name", "period")
    view = replace(describe("meta", "coverage", comment, _COVERAGE, keys), kind="VIEW")
    connection.execute(f"CREATE VIEW {view.sql_name} AS {_PERIODS}")
    add_comments(connection, view)
    return [table, view]


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
    columns = {
        "system_id": [each.system_id for each in spans],
        "table_name": [each.table.name for each in spans],
        "first_period": [each.first.key for each in spans],
        "last_period": [each.last.key for each in spans],
        "first_date": [each.first.first if each.first.key else None for each in spans],
        "last_date": [each.last.last if each.last.key else None for each in spans],
        "periods": [len(each) for each in spans],
        **{column.name: [getattr(each.standing, column.name) for each in spans] for column in _STANDING},
        "call_ids": [each.call_ids for each in spans],
    }
    return pa.table(columns, schema=pa.schema([column.field for column in _SPANS]))


_UNKNOWN_ZONE = "UTC"
"""The calendar of a system whose zone nobody knows."""

_ZONE_DAYS = (
    Column("timezone", pa.string(), "IANA zone of core.systems, or UTC, which stands in for an unknown one"),
    Column("date", pa.date32(), "Local day in that zone"),
    Column("start_utc", INSTANT, "Midnight that begins it"),
    Column("end_utc", INSTANT, "Midnight that ends it: 23 to 25 hours later nearly always"),
)


ZONE_DAYS = describe(
    "meta",
    "zone_days",
    "When local days begin and end. One row per time zone of the fleet and day of the years held.",
    _ZONE_DAYS,
    ("timezone", "date"),
)


def add_zone_days(connection: Connection) -> TableComment:
    """Add `meta.zone_days`: each day of the years that have rows or calls. After core and `meta.calls`."""
    table = ZONE_DAYS
    create(connection, table, _ZONE_DAYS)
    if (years := _find_years(connection)) is not None:
        schema = pa.schema([column.field for column in _ZONE_DAYS])
        for name, local in _known_zones(connection).items():
            bounds = day_bounds_utc(date(years[0], 1, 1), date(years[1], 12, 31), local)
            days, starts, ends = map(list, zip(*bounds, strict=True))
            fill(connection, table, pa.table([[name] * len(days), days, starts, ends], schema=schema))
    return table


def has_current_zone_days(connection: Connection) -> bool:
    """Tell whether `meta.zone_days` has the zones and years that it would get if it were made now."""
    query = "SELECT timezone, year(min(date)), year(max(date)) FROM meta.zone_days GROUP BY ALL ORDER BY ALL"
    years = _find_years(connection)
    wanted = [(name, *years) for name in _known_zones(connection)] if years is not None else []
    return connection.execute(query).fetchall() == wanted


def _known_zones(connection: Connection) -> dict[str, ZoneInfo]:
    """List the zones of the fleet that exist, and UTC for the systems of all others."""
    zones = {_UNKNOWN_ZONE: zone(_UNKNOWN_ZONE)}
    query = "SELECT DISTINCT timezone FROM core.systems WHERE timezone <> ''"
    for (name,) in connection.execute(query).fetchall():
        with suppress(UnknownZoneError):
            zones[name] = zone(name)
    return dict(sorted(zones.items()))


def _find_years(connection: Connection) -> tuple[int, int] | None:
    """Find the first and the last year of any call and of any row by day or month; None without one."""
    spans = [
        f'SELECT year(min("{column}")) AS first, year(max("{column}")) AS last FROM core."{table.name}"'  # noqa: S608
        for table in TABLES.values()
        for column in ("date", "month")
        if column in table.schema.names and not table.is_five_minute  # calls are behind those
    ]
    spans.append(
        "SELECT min(year), max(year) FROM (SELECT try_cast(period[:4] AS INTEGER) AS year FROM meta.calls)"
    )
    spans.append("SELECT year(min(sent_utc)), year(max(sent_utc)) FROM meta.calls")  # for summaries
    years = connection.execute(
        f"SELECT min(first), max(last) FROM ({' UNION ALL '.join(spans)})"  # noqa: S608 - our own names
    ).fetchall()[0]
    if years[0] is None:
        return None
    first, last = (min(max(year, FIRST_DAY.year), date.max.year - 1) for year in years)
    return first, last
