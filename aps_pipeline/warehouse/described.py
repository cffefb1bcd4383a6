"""Tables with their meaning: every table is made and commented in one step.

Names reach SQL only through `identifier` and texts only through `literal`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb
import pyarrow as pa

from aps_pipeline.tables import Caveat, Column

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
}


@dataclass(frozen=True)
class Note:
    """What a column means, its unit, and whether it may be absent as far as the database does not know."""

    name: str
    meaning: str
    unit: str = ""
    nullable: bool = True

    @property
    def comment(self) -> str:
        """Meaning and unit in one line."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


@dataclass(frozen=True)
class Described:
    """A table or view of the warehouse: its meaning, its columns in order, the columns that name a row."""

    schema: str
    name: str
    comment: str
    columns: tuple[Note, ...]
    keys: tuple[str, ...]
    kind: Literal["TABLE", "VIEW"] = "TABLE"
    notes: tuple[str, ...] = ()
    caveats: tuple[Caveat, ...] = ()

    @property
    def text(self) -> str:
        """What the database shows as its comment: its meaning, what is particular to it, its caveats."""
        return " ".join((self.comment, *self.notes, *(caveat.comment for caveat in self.caveats)))

    @property
    def sql_name(self) -> str:
        """Schema and name, quoted."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"


def identifier(name: str) -> str:
    """A name of ours, quoted for SQL. Raises ValueError for anything that is not a plain lower-case name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name: {name[:60]!r}")
    return f'"{name}"'


def identifiers(names: Sequence[str]) -> str:
    """Names of ours as a list for SQL."""
    return ", ".join(identifier(name) for name in names)


def literal(text: str) -> str:
    """A text as an SQL string; COMMENT and ATTACH take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def describe(
    schema: str, name: str, comment: str, columns: Sequence[Column], keys: Sequence[str]
) -> Described:
    """The description of a table from declared columns."""
    notes = tuple(Note(column.name, column.meaning, column.unit, column.nullable) for column in columns)
    return Described(schema, name, comment, notes, tuple(keys))


def create(connection: Connection, table: Described, columns: Sequence[Column]) -> None:
    """Make an empty table of the declared types, with its comments."""
    parts = [
        f"{identifier(column.name)} {SQL_TYPES[column.type]}{'' if column.nullable else ' NOT NULL'}"
        for column in columns
    ]
    connection.execute(f"CREATE TABLE {table.sql_name} ({', '.join(parts)})")
    add_comments(connection, table)


def add_comments(connection: Connection, table: Described) -> None:
    """Write the comments of a table or view and of its columns."""
    connection.execute(f"COMMENT ON {table.kind} {table.sql_name} IS {literal(table.text)}")
    for note in table.columns:
        column = f"{table.sql_name}.{identifier(note.name)}"
        connection.execute(f"COMMENT ON COLUMN {column} IS {literal(note.comment)}")


def count(connection: Connection, query: str) -> int:
    """The number of rows that a query of ours gives."""
    found = connection.execute(f"SELECT count(*) FROM ({query})").fetchall()  # noqa: S608 - our queries
    return int(found[0][0])


def fill(connection: Connection, table: Described, rows: pa.Table) -> None:
    """Append rows in the order of the key, matched by column name."""
    names = identifiers([note.name for note in table.columns])
    connection.register("incoming", rows)
    connection.execute(
        f"INSERT INTO {table.sql_name} ({names}) SELECT {names} FROM incoming"  # noqa: S608 - our names
        f" ORDER BY {identifiers(table.keys)}"
    )
    connection.unregister("incoming")
