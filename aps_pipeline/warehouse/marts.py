"""Schema `mart`: one .sql file an answer, its header checked against what the query gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from aps_pipeline.tables import CAVEATS, Caveat
from aps_pipeline.warehouse.described import (
    Connection,
    Described,
    Note,
    add_comments,
    identifier,
    identifiers,
)
from aps_pipeline.warehouse.errors import HeaderError
from aps_pipeline.warehouse.headers import SqlFile, packaged

_WORDS = {"grain", "key", "after", "note", "caveat", "columns"}
_ALL_BUT = re.compile(r"all of (\w+) but (\w+)")


@dataclass(frozen=True)
class Mart:
    """A mart as its file declares it; `after` names the marts that it reads."""

    table: Described
    after: tuple[str, ...]
    statement: str


def marts() -> list[Mart]:
    """The marts of this package in an order in which they can be built. Raises HeaderError."""
    files = {file.name: file for file in packaged("sql")}
    return in_order([mart_of(file, files) for file in files.values()])


def mart_of(file: SqlFile, others: Mapping[str, SqlFile] | None = None) -> Mart:
    """A mart from its file; `others`, by file name, may describe columns that it takes over.

    Raises HeaderError.
    """
    name = file.name.removesuffix(".sql")
    own = _columns(file)
    columns = (*own, *_taken_over(file, others or {}))
    known = {f"mart.{name}", *_WORDS, *(f"column {column.name}" for column in own)}
    if unknown := [entry.word for entry in file.header if entry.word not in known]:
        raise HeaderError(f"{file.name}: unknown header line '{unknown[0]}: …'")
    grain = file.one("grain")
    comment = f"{file.one(f'mart.{name}')}. {grain[:1].upper()}{grain[1:]}."
    keys = tuple(file.one("key").split(", "))
    if missing := set(keys) - {column.name for column in columns}:
        raise HeaderError(f"{file.name}: key {sorted(missing)[0]} is not a column")
    after = tuple(mart for text in file.texts("after") for mart in text.split(", "))
    notes = tuple(file.texts("note"))
    table = Described("mart", name, comment, columns, keys, notes=notes, caveats=_caveats(file))
    return Mart(table, after, file.statement)


def _columns(file: SqlFile) -> tuple[Note, ...]:
    return tuple(
        Note(entry.word.removeprefix("column "), entry.text, entry.unit)
        for entry in file.header
        if entry.word.startswith("column ")
    )


def _taken_over(file: SqlFile, others: Mapping[str, SqlFile]) -> Iterator[Note]:
    """The columns that stand in another mart, as `columns: all of NAME but COLUMN` has it."""
    for text in file.texts("columns"):
        found = _ALL_BUT.fullmatch(text)
        if found is None or f"{found[1]}.sql" not in others:
            raise HeaderError(f"{file.name}: columns are 'all of MART but COLUMN', not {text!r}")
        yield from (note for note in _columns(others[f"{found[1]}.sql"]) if note.name != found[2])


def _caveats(file: SqlFile) -> tuple[Caveat, ...]:
    codes = [code for text in file.texts("caveat") for code in text.split(", ")]
    if unknown := [code for code in codes if code not in CAVEATS]:
        raise HeaderError(f"{file.name}: no caveat {unknown[0]!r} in tables/caveats.py")
    return tuple(CAVEATS[code] for code in codes)


def in_order(found: list[Mart]) -> list[Mart]:
    """Marts sorted so that each follows those it reads. Raises HeaderError."""
    by_name = {mart.table.name: mart for mart in found}
    try:
        order = list(
            TopologicalSorter({name: by_name[name].after for name in sorted(by_name)}).static_order()
        )
        return [by_name[name] for name in order]
    except CycleError as error:
        raise HeaderError(f"marts that wait for each other: {', '.join(error.args[1])}") from error
    except KeyError as error:
        raise HeaderError(f"a mart comes after {error}, which does not exist") from error


def add_mart(connection: Connection, mart: Mart) -> Described:
    """Build one mart as a table sorted by its key, with comments.

    Raises HeaderError unless the header names every column that the query gives, once and in order.
    """
    table = mart.table
    rows = f"SELECT * FROM ({mart.statement}) ORDER BY {identifiers(table.keys)}"  # noqa: S608 - our files
    connection.execute(f"CREATE TABLE {table.sql_name} AS {rows}")
    given = [row[0] for row in connection.execute(f"DESCRIBE {table.sql_name}").fetchall()]
    named = [column.name for column in table.columns]
    if given != named:
        raise HeaderError(f"{table.name}.sql gives the columns {given}, but its header names {named}")
    for key in table.keys:
        connection.execute(f"ALTER TABLE {table.sql_name} ALTER {identifier(key)} SET NOT NULL")
    add_comments(connection, table)
    return table
