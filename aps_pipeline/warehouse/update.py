"""Bring a copy of the old warehouse up to date: what changed in the lake, and what depends on it.

The result has the rows that a build from nothing would have. Where that is in doubt it is not believed:
`CannotUpdateError`, and the caller builds from nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa

from aps_pipeline.lake import Lake
from aps_pipeline.tables import TABLES, Table
from aps_pipeline.warehouse.ddl import (
    SQL_TYPES,
    Connection,
    TableComment,
    add_core_table,
    describe_core_table,
    drop,
    fill_core_table,
    identifier,
    literal,
)
from aps_pipeline.warehouse.marts import Mart, add_mart, replace_days
from aps_pipeline.warehouse.sources import CannotUpdateError, Marks, Values, find_marks, find_terms

Changes = Mapping[str, frozenset[date] | None]
"""The tables that changed, as `schema.name`, each with the days of its changed rows; None for any row."""

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
) -> tuple[list[TableComment], dict[str, frozenset[date] | None]]:
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
    changed: dict[str, frozenset[date] | None] = {}
    for name, table in TABLES.items():
        tables.append(describe_core_table(table, lake))
        if not stale[name]:
            continue
        is_by_day = table.folder_columns == ("date",)
        days = frozenset(date.fromisoformat(day) for (day,) in stale[name]) if is_by_day else None
        changed[f"core.{name}"] = days
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


def update_marts(connection: Connection, marts: Sequence[Mart], changed: Changes) -> list[TableComment]:
    """Build the marts again that read a changed table, or a mart that does; by day where that is enough."""
    dirty = dict(changed)
    for mart in marts:
        name, causes = f"mart.{mart.table.name}", mart.reads & dirty.keys()
        if mart.table.kind == "VIEW":
            dirty |= {name: None} if causes else {}
        elif causes == {mart.by_day} and (days := dirty[mart.by_day]) is not None:
            replace_days(connection, mart, sorted(days))
            dirty[name] = days
        elif causes:
            drop(connection, "mart", mart.table.name)
            add_mart(connection, mart)
            dirty[name] = None
    return [mart.table for mart in marts]
