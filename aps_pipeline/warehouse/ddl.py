"""Create tables and views of `core`, and comment them in the same step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import duckdb
import pyarrow as pa

from aps_pipeline.lake import Lake, StorageError
from aps_pipeline.tables import Caveat, Column, Table
from aps_pipeline.warehouse.errors import WarehouseError

Connection = duckdb.DuckDBPyConnection

_NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)

SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.date32(): "DATE",
    pa.timestamp("us", "UTC"): "TIMESTAMPTZ",
    pa.list_(pa.int64()): "BIGINT[]",
}


@dataclass(frozen=True)
class Note:
    """What a column means, its unit, and whether it may be absent; of tables the database knows better."""

    name: str
    meaning: str
    unit: str = ""
    nullable: bool = True

    @property
    def comment(self) -> str:
        """Meaning and unit in one line."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


@dataclass(frozen=True)
class TableComment:
    """A table or view of the warehouse: its meaning, its columns in order, the columns that name a row."""

    schema: str
    name: str
    comment: str
    columns: tuple[Note, ...]
    keys: tuple[str, ...]
    kind: Literal["TABLE", "VIEW"] = "TABLE"
    notes: tuple[str, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    unordered: str = ""
    """A query for the rows of a view that has an order, which would be sorted only to be counted."""

    @property
    def text(self) -> str:
        """What the database shows as its comment: its meaning, what is particular to it, its caveats."""
        return " ".join((self.comment, *self.notes, *(caveat.comment for caveat in self.caveats)))

    @property
    def sql_name(self) -> str:
        """Schema and name, quoted."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"


def identifier(name: str) -> str:
    """Quote a name of ours for SQL. Raises ValueError for anything that is not a plain lower-case name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name: {name[:60]!r}")
    return f'"{name}"'


def identifiers(names: Sequence[str]) -> str:
    """Quote names of ours and join them as an SQL list."""
    return ", ".join(identifier(name) for name in names)


def literal(text: str) -> str:
    """Quote a text as an SQL string; COMMENT and ATTACH take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def describe(
    schema: str, name: str, comment: str, columns: Sequence[Column], keys: Sequence[str]
) -> TableComment:
    """Describe a table by its declared columns."""
    notes = tuple(Note(column.name, column.meaning, column.unit, column.nullable) for column in columns)
    return TableComment(schema, name, comment, notes, tuple(keys))


def create(connection: Connection, table: TableComment, columns: Sequence[Column]) -> None:
    """Create an empty table of the declared types, with its comments."""
    definitions = ", ".join(
        f"{identifier(column.name)} {SQL_TYPES[column.type]}{'' if column.nullable else ' NOT NULL'}"
        for column in columns
    )
    connection.execute(f"CREATE TABLE {table.sql_name} ({definitions})")
    add_comments(connection, table)


def add_comments(connection: Connection, table: TableComment) -> None:
    """Write the comments of a table or view and of its columns."""
    connection.execute(f"COMMENT ON {table.kind} {table.sql_name} IS {literal(table.text)}")
    for note in table.columns:
        column = f"{table.sql_name}.{identifier(note.name)}"
        connection.execute(f"COMMENT ON COLUMN {column} IS {literal(note.comment)}")


def count(connection: Connection, query: str) -> int:
    """Count the rows that a query of ours gives."""
    (row,) = connection.execute(f"SELECT count(*) FROM ({query})").fetchall()  # noqa: S608 - our queries
    return int(row[0])


def fill(connection: Connection, table: TableComment, rows: pa.Table) -> None:
    """Append rows in the order of the key, matched by column name."""
    names = identifiers([note.name for note in table.columns])
    connection.register("incoming", rows)
    connection.execute(
        f"INSERT INTO {table.sql_name} ({names}) SELECT {names} FROM incoming"  # noqa: S608 - our names
        f" ORDER BY {identifiers(table.keys)}"
    )
    connection.unregister("incoming")


def add_table(
    connection: Connection,
    name: str,
    comment: str,
    columns: Sequence[Column],
    keys: Sequence[str],
    rows: pa.Table | Sequence[dict[str, Any]],
    *,
    schema: str = "meta",
) -> TableComment:
    """Add a table of `meta`, or of another schema, with its comments and rows."""
    table = describe(schema, name, comment, columns, keys)
    create(connection, table, columns)
    if not isinstance(rows, pa.Table):
        rows = pa.Table.from_pylist(rows, schema=pa.schema([column.field for column in columns]))
    fill(connection, table, rows)
    return table


_ATTEMPTS = 3


def add_core_table(connection: Connection, table: Table, lake: Lake) -> TableComment:
    """Copy one table of the lake or create its view.

    Raises StorageError, and WarehouseError where the files break the declaration.
    """
    target = describe_core_table(table, lake)
    if target.kind == "VIEW":
        return _add_view(connection, table, target, _view_folder(table, lake))
    create(connection, target, table.columns)
    fill_core_table(connection, target, _read_rows(table, lake), lake)
    return target


def describe_core_table(table: Table, lake: Lake) -> TableComment:
    """Describe what a table of the lake is in the warehouse: a table or a view."""
    described = describe("core", table.name, table.summary, table.columns, table.keys)
    kind: Literal["TABLE", "VIEW"] = "VIEW" if _is_view(table, lake) else "TABLE"
    return replace(described, kind=kind, notes=table.notes, caveats=table.caveats)


def fill_core_table(connection: Connection, table: TableComment, rows: pa.Table, lake: Lake) -> None:
    """Append rows of the lake. Raises WarehouseError where they break the declaration."""
    try:
        fill(connection, table, rows)
    except duckdb.IntegrityError as error:
        reason = str(error).splitlines()[0]
        raise WarehouseError(
            f"{lake.url}: the files of {table.name} break its declaration: {reason}"
        ) from error


def _read_rows(table: Table, lake: Lake) -> pa.Table:
    """Read all rows, and again when a partition goes away between the listing and the reading."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return lake.read(table)
        except StorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
    return lake.read(table)


_ANY_DAY = "????-??-??"


def _view_folder(table: Table, lake: Lake) -> str:
    return str(PurePosixPath(lake.path(table, (_ANY_DAY,))).parents[1])


def _is_view(table: Table, lake: Lake) -> bool:
    """Tell whether a view can read the table from its folder; otherwise its rows have to be copied in.

    They have to be where the lake is an object store, for which DuckDB would need an extension, where its
    patterns cannot name the path, where a parent folder is named like `date=x`, which it would take for a
    column, and where the table has no file yet.
    """
    is_local = "://" not in lake.url or lake.url.startswith("file://")
    if not table.is_five_minute or not is_local or set(_view_folder(table, lake)) & set("=\\"):
        return False
    return any(Path(_view_folder(table, lake)).glob("date=*/part-0.parquet"))


def _add_view(connection: Connection, table: Table, view: TableComment, folder: str) -> TableComment:
    """Create the view of a table with its comments; columns, order and types are the declared ones."""
    columns = ", ".join(
        f"{identifier(column.name)}::{SQL_TYPES[column.type]} AS {identifier(column.name)}"
        for column in table.columns
    )
    files = literal(f"{escape_pattern(folder)}/date={_ANY_DAY}/part-0.parquet")
    connection.execute(
        f"CREATE VIEW {view.sql_name} AS SELECT {columns}"  # noqa: S608 - our names, a quoted path
        f" FROM read_parquet({files}, hive_partitioning = true, hive_types = {{'date': DATE}})"
    )
    add_comments(connection, view)
    return view


def drop(connection: Connection, schema: str, name: str) -> None:
    """Drop the table or view of that name, if there is one."""
    query = "SELECT table_type FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
    for (kind,) in connection.execute(query, [schema, name]).fetchall():
        word = "VIEW" if kind == "VIEW" else "TABLE"
        connection.execute(f"DROP {word} {identifier(schema)}.{identifier(name)}")


def escape_pattern(folder: str) -> str:
    """Escape a folder for DuckDB, so that as a pattern it matches itself only."""
    return re.sub(r"[*?\[]", r"[\g<0>]", folder)


def view_folders(connection: Connection) -> list[str]:
    """List the folders that the views of a warehouse read."""
    views = connection.execute(
        "SELECT view_name FROM duckdb_views()"
        " WHERE schema_name = 'core' AND database_name = current_database() ORDER BY view_name"
    ).fetchall()
    if not views:
        return []
    (parent,) = connection.execute("SELECT views_folder FROM meta.build").fetchall()[0]
    return [str(Path(parent, name)) for (name,) in views]
