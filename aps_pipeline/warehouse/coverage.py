"""`meta.coverage`, `meta.claims` and the calendar of each zone: how every period stands, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import pyarrow as pa

from aps_pipeline.periods import FIRST_DAY, UnknownZoneError, day_bounds_utc, zone
from aps_pipeline.planning import Claim, ClaimKind, PeriodState, State
from aps_pipeline.tables import TABLES, Column
from aps_pipeline.tables.columns import INSTANT
from aps_pipeline.warehouse.ddl import Connection, TableComment, create, describe, fill

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


def add_claims(connection: Connection, claims: Sequence[Claim]) -> TableComment:
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


def add_coverage(connection: Connection, periods: Sequence[PeriodState]) -> TableComment:
    """Make the table, as of the newest call."""
    comment = (
        "How every period of every fact table stands, from the registration of a system to its local day at "
        "the newest call. One row per system, table and period."
    )
    described = describe("meta", "coverage", comment, COLUMNS, ("system_id", "table_name", "period"))
    create(connection, described, COLUMNS)
    fill(connection, described, _rows(periods))
    return described


def _rows(periods: Sequence[PeriodState]) -> pa.Table:
    columns = {
        "system_id": [each.system_id for each in periods],
        "table_name": [each.table.name for each in periods],
        "period": [each.period.key for each in periods],
        "first_date": [each.period.first if each.period.key else None for each in periods],
        "state": [each.state.value for each in periods],
        "parts": [each.parts for each in periods],
        "with_data": [each.with_data for each in periods],
        "no_data": [each.no_data for each in periods],
        "is_final": [each.is_final for each in periods],
        "call_id": [each.call_id or None for each in periods],
    }
    return pa.table(columns, schema=pa.schema([column.field for column in COLUMNS]))


UNKNOWN_ZONE = "UTC"
"""The calendar of a system whose zone nobody knows."""

_COLUMNS = (
    Column("timezone", pa.string(), "IANA zone of core.systems, or UTC, which stands in for an unknown one"),
    Column("date", pa.date32(), "Local day in that zone"),
    Column("start_utc", INSTANT, "Midnight that begins it"),
    Column("end_utc", INSTANT, "Midnight that ends it: 23 to 25 hours later nearly always"),
)


def add_zone_days(connection: Connection) -> TableComment:
    """`meta.zone_days`: every day of the years that rows or calls are about. Comes after core and calls."""
    comment = "When local days begin and end. One row per time zone of the fleet and day of the years held."
    described = describe("meta", "zone_days", comment, _COLUMNS, ("timezone", "date"))
    create(connection, described, _COLUMNS)
    if (years := _years(connection)) is not None:
        first, last = date(years[0], 1, 1), date(years[1], 12, 31)
        schema = pa.schema([column.field for column in _COLUMNS])
        for name in _zone_names(connection):
            fill(connection, described, pa.table(_days(name, first, last), schema))
    return described


def _days(name: str, first: date, last: date) -> dict[str, list[object]]:
    days, starts, ends = zip(*day_bounds_utc(first, last, zone(name)), strict=True)
    return {"timezone": [name] * len(days), "date": [*days], "start_utc": [*starts], "end_utc": [*ends]}


def _zone_names(connection: Connection) -> Iterable[str]:
    found = connection.execute("SELECT DISTINCT timezone FROM core.systems WHERE timezone <> ''").fetchall()
    return sorted({UNKNOWN_ZONE, *(name for (name,) in found if _is_known(name))})


def _is_known(name: str) -> bool:
    try:
        zone(name)
    except UnknownZoneError:
        return False
    return True


def _years(connection: Connection) -> tuple[int, int] | None:
    """The first and the last year of any row by day or month and of any call; None without one."""
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
    found = connection.execute(
        f"SELECT min(first), max(last) FROM ({' UNION ALL '.join(spans)})"  # noqa: S608 - our own names
    ).fetchone()
    if found is None or found[0] is None:
        return None
    first, last = (min(max(year, FIRST_DAY.year), date.max.year - 1) for year in found)
    return first, last
