"""Rows to store."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from aps_pipeline.periods import hour_bounds_utc, zone
from aps_pipeline.tables import REJECTED_ITEMS, Table, from_columns, get_table

HOURS, DAYS, MONTHS, YEARS, SYSTEMS = (
    get_table(name)
    for name in (
        "system_hourly_energy",
        "system_daily_energy",
        "system_monthly_energy",
        "system_yearly_energy",
        "systems",
    )
)


def hours(day: date = date(2024, 3, 5), systems: str = "AB", scale: float = 1.0) -> pa.Table:
    """The hours of a day of some systems, not in the order of a file."""
    rows = []
    for system in reversed(systems):
        for hour in reversed(range(24)):
            start, end = hour_bounds_utc(day, hour, zone("Europe/Paris"))
            energy = None if hour == 3 else round(hour * scale / 7, 6)
            rows.append((system, day, hour, start, end, energy, 7))
    return table_of(HOURS, rows)


def days(first: date = date(2024, 3, 5)) -> pa.Table:
    return table_of(DAYS, [("A", first, 1.5, True, 7), ("A", date(2024, 3, 6), None, False, 7)])


def rejected(day: date = date(2024, 3, 5), source: str = "inverter_batch_energy") -> pa.Table:
    return table_of(REJECTED_ITEMS, [(source, "A", "E", day, 0, "x", "why", 7)])


def table_of(table: Table, rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return from_columns(table, dict(zip(table.schema.names, map(list, columns), strict=True)))
