"""The 5-minute tables: views over the Parquet files of the lake, too many rows to copy at every build.

A view holds the absolute path, so any DuckDB reads it; partitions added after the build are seen at once.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from aps_pipeline.lake import Lake
from aps_pipeline.tables import Table
from aps_pipeline.warehouse.described import (
    SQL_TYPES,
    Connection,
    Described,
    add_comments,
    identifier,
    literal,
)

_ANY_DAY = "????-??-??"


def folder_for_view(table: Table, lake: Lake) -> str | None:
    """The folder that a view can read the table from; None where its rows have to be copied in.

    That is an object store, for which DuckDB would need an extension, a path that its patterns cannot name,
    a parent folder like `date=x`, which it would take for a column, and a table without a file so far.
    """
    is_local = "://" not in lake.url or lake.url.startswith("file://")
    if not table.is_five_minute or not is_local or not lake.files(table):
        return None
    folder = str(PurePosixPath(lake.path(table, (_ANY_DAY,))).parents[1])
    return None if set(folder) & set("=\\") else folder


def add_view(connection: Connection, table: Table, described: Described, folder: str) -> None:
    """Make the view of a table with its comments; columns, order and types are the declared ones."""
    columns = ", ".join(
        f"{identifier(column.name)}::{SQL_TYPES[column.type]} AS {identifier(column.name)}"
        for column in table.columns
    )
    files = literal(f"{escaped(folder)}/date={_ANY_DAY}/part-0.parquet")
    connection.execute(
        f"CREATE VIEW {described.sql_name} AS SELECT {columns}"  # noqa: S608 - our names, a quoted path
        f" FROM read_parquet({files}, hive_partitioning = true, hive_types = {{'date': DATE}})"
    )
    add_comments(connection, described)


def escaped(folder: str) -> str:
    """A folder as a pattern that only it fits."""
    return re.sub(r"[*?\[]", r"[\g<0>]", folder)


def view_folders(connection: Connection) -> list[str]:
    """The folders that the views of a warehouse read."""
    views = connection.execute(
        "SELECT view_name FROM duckdb_views()"
        " WHERE schema_name = 'core' AND database_name = current_database() ORDER BY view_name"
    ).fetchall()
    if not views:
        return []
    (parent,) = connection.execute("SELECT views_folder FROM meta.build").fetchall()[0]
    return [str(Path(parent, name)) for (name,) in views]
