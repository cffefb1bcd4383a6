"""Schema `meta`: when each local day begins and ends, in the zones of the fleet.

The instants are computed here, by `periods`, and SQL joins them: DuckDB carries time zone rules of its own,
which differ from those of the rows in a few zones.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pyarrow as pa

from aps_pipeline.periods import FIRST_DAY, UnknownZoneError, day_bounds_utc, zone
from aps_pipeline.tables import TABLES, Column
from aps_pipeline.warehouse.described import Connection, Described, create, describe, fill

UNKNOWN_ZONE = "UTC"
"""The calendar of a system whose zone nobody knows."""

_INSTANT = pa.timestamp("us", "UTC")
_COLUMNS = (
    Column("timezone", pa.string(), "IANA zone of core.systems, or UTC, which stands in for an unknown one"),
    Column("date", pa.date32(), "Local day in that zone"),
    Column("start_utc", _INSTANT, "Midnight that begins it"),
    Column("end_utc", _INSTANT, "Midnight that ends it: 23 to 25 hours later nearly always"),
)


def add_zone_days(connection: Connection) -> Described:
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
