"""Bring a copy of the old warehouse up to date: what changed in the lake, and what depends on it.

The result has the rows that a build from nothing would have. Where that is in doubt it is not believed:
`CannotUpdateError`, and the caller builds from nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date

import pyarrow as pa

from aps_pipeline.lake import Lake
from aps_pipeline.periods import days_between
from aps_pipeline.tables import TABLES, Table
from aps_pipeline.warehouse.ddl import (
    SQL_TYPES,
    Connection,
    TableComment,
    add_core_table,
    count,
    describe_core_table,
    drop,
    fill_core_table,
    identifier,
    identifiers,
    literal,
)
from aps_pipeline.warehouse.marts import Mart, add_mart, list_columns, replace_months
from aps_pipeline.warehouse.sources import CannotUpdateError, Marks, Values, find_marks, find_terms

Months = frozenset[date]
"""Local months, by their first days."""

Changes = Mapping[str, Months | None]
"""The tables that changed, as `schema.name`, each with the months of its changed rows; None for any row."""

_LARGEST_SHARE = 0.5
"""Where more of the partitions changed than this, a build from nothing costs less."""


def check_old_file(connection: Connection, terms: str) -> None:
    """Raise CannotUpdateError unless the old file was made under these terms and is not mostly holes."""
    if find_terms(connection) != terms:
        raise CannotUpdateError("code, settings, files of the owner or the place of the lake have changed")
    query = (
        "SELECT used_blocks, free_blocks FROM pragma_database_size() WHERE database_name = current_database()"
    )
    used, free = connection.execute(query).fetchall()[0]
    if free > used:
        raise CannotUpdateError("more than half of it is unused")


def update_core(
    connection: Connection, lake: Lake, marks: Mapping[str, Marks]
) -> tuple[list[TableComment], dict[str, Months | None]]:
    """Load the partitions whose files have changed; return all tables, and what changed.

    Raises CannotUpdateError, StorageError, WarehouseError.
    """
    old = find_marks(connection)
    stale = {
        name: [
            values for values in {**old[name], **marks[name]} if not _is_same(values, old[name], marks[name])
        ]
        for name in TABLES
    }
    loaded = [name for name, table in TABLES.items() if not table.is_five_minute]
    if sum(len(stale[name]) for name in loaded) > _LARGEST_SHARE * sum(len(marks[name]) for name in loaded):
        raise CannotUpdateError("most of the lake has changed")
    tables: list[TableComment] = []
    changed: dict[str, Months | None] = {}
    for name, table in TABLES.items():
        tables.append(describe_core_table(table, lake))
        if not stale[name]:
            continue
        changed[f"core.{name}"] = (
            list_months(values[-1] for values in stale[name]) if table.folder_columns else None
        )
        if table.is_five_minute:  # with its first file a table becomes a view, with its last it ceases to be
            drop(connection, "core", name)
            add_core_table(connection, table, lake)
        else:
            _reload(connection, table, stale[name], marks[name], lake)
    return tables, changed


def _is_same(values: Values, old: Marks, new: Marks) -> bool:
    return old.get(values) == new.get(values) != ""


def _reload(connection: Connection, table: Table, stale: Sequence[Values], marks: Marks, lake: Lake) -> None:
    """Put the rows that the lake has now into the place of those of some partitions."""
    condition = ""
    if table.folder_columns:
        pairs = [_key_column(table, folder) for folder in table.folder_columns]
        columns = ", ".join(column for column, _ in pairs)
        row = f"({', '.join(form for _, form in pairs)})"
        keys = ", ".join(row.format(*map(literal, values)) for values in stale)
        condition = f" WHERE ({columns}) IN ({keys})"
    connection.execute(f"DELETE FROM core.{identifier(table.name)}{condition}")  # noqa: S608 - our names, quoted
    found = [lake.read_partition(table, values) for values in stale if values in marks]
    rows = [each for each in found if each is not None]
    if len(rows) != len(found):
        raise CannotUpdateError(f"a partition of {table.name} cannot be read")
    fill_core_table(
        connection,
        describe_core_table(table, lake),
        pa.concat_tables([table.schema.empty_table(), *rows]),
        lake,
    )


def _key_column(table: Table, folder: str) -> tuple[str, str]:
    """Build what gives the value of a folder in a row, and the form of a text to compare it with."""
    if folder in table.schema.names:
        return identifier(folder), f"{{}}::{SQL_TYPES[table.schema.field(folder).type]}"
    pattern, column = {"month": ("%Y-%m", "date"), "year": ("%Y", "month")}[folder]
    return f"strftime({identifier(column)}, '{pattern}')", "{}"


def list_months(periods: Iterable[str]) -> Months:
    """List the months of days, months and years, by their keys; what is no key has none."""
    found: set[date] = set()
    for key in set(periods):
        with suppress(ValueError):
            numbers = range(1, 13) if len(key) == len("2024") else (int(key[5:7]),)
            found |= {date(int(key[:4]), number, 1) for number in numbers}
    return frozenset(found)


def update_marts(connection: Connection, marts: Sequence[Mart], changed: Changes) -> list[TableComment]:
    """Build the marts again that read a changed table, or a mart that does; by month where that is enough."""
    dirty = dict(changed)
    feeding = frozenset[str]().union(*(mart.reads for mart in marts if mart.by_month))
    for mart in marts:
        name, causes = f"{mart.table.schema}.{mart.table.name}", mart.reads & dirty.keys()
        if not causes:
            continue
        months = _unite(dirty[cause] for cause in causes) if causes <= mart.by_month else None
        if months is not None:
            if months:
                replace_months(connection, mart, sorted(months))
        elif mart.table.kind == "TABLE":
            months = _add_again(connection, mart, is_compared=name in feeding)
        if months != frozenset():
            dirty[name] = months
    return [mart.table for mart in marts if mart.table.schema == "mart"]


def _unite(changes: Iterable[Months | None]) -> Months | None:
    found = list(changes)
    return None if None in found else frozenset[date]().union(*(each for each in found if each))


def _add_again(connection: Connection, mart: Mart, *, is_compared: bool) -> Months | None:
    """Build a mart whole in the place of the old one; return the months of what is different, if compared."""
    if is_compared:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE before AS FROM {mart.table.sql_name}")
    drop(connection, mart.table.schema, mart.table.name)
    add_mart(connection, mart)
    return _compare(connection, mart) if is_compared else None


def _compare(connection: Connection, mart: Mart) -> Months | None:
    """List the months of the rows that are in one of `before` and the mart only.

    Where rows are spans, a day counts that is within one of two and not within the other.
    """
    name, keys = mart.table.sql_name, identifiers(mart.table.keys)
    rows = f"((FROM before EXCEPT ALL FROM {name}) UNION ALL (FROM {name} EXCEPT ALL FROM before))"
    columns = list_columns(connection, name)
    if "date" in columns:
        found = connection.execute(f"SELECT DISTINCT date::VARCHAR FROM {rows}").fetchall()  # noqa: S608
        return list_months(day for (day,) in found)
    if "first_date" not in columns:
        return None if count(connection, f"FROM {rows}") else frozenset()
    found = connection.execute(
        "SELECT min(first_date), max(first_date), min(last_date), max(last_date), count(first_date)"  # noqa: S608
        f" FROM {rows} GROUP BY {keys}"
    ).fetchall()
    if any(number != 2 for *_, number in found):
        return None
    ranges = [span for a, b, c, d, _ in found for span in ((a, b), (c, d)) if span[0] != span[1]]
    return list_months(day.isoformat() for first, last in ranges for day in days_between(first, last))
