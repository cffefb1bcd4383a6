"""`meta.zone_days`: when the local days of every zone of the fleet begin and end."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from zoneinfo import ZoneInfo

import pyarrow as pa

from aps_pipeline.periods import FIRST_DAY, UnknownZoneError, day_bounds_utc, zone
from aps_pipeline.tables import TABLES, Column
from aps_pipeline.tables.columns import INSTANT
from aps_pipeline.warehouse.ddl import Connection, TableComment, create, describe, fill

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
