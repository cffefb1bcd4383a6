"""Marts: SQL files, each with a header that becomes the comments of its table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib import resources

from aps_pipeline.tables import CAVEATS
from aps_pipeline.warehouse.ddl import (
    Connection,
    Note,
    TableComment,
    add_comments,
    identifier,
    identifiers,
    literal,
)
from aps_pipeline.warehouse.errors import HeaderError

_ENTRY = re.compile(
    r"-- (?P<word>[a-z][a-z0-9_.]*(?: [a-z][a-z0-9_]*)?)(?: \[(?P<unit>[^\]]+)\])?: (?P<text>\S.*)"
)
_CONTINUED = re.compile(r"--   +(?P<text>\S.*)")


@dataclass(frozen=True)
class Entry:
    """One line of a header: `word [unit]: text`."""

    word: str
    text: str
    unit: str = ""


@dataclass(frozen=True)
class SqlFile:
    """A .sql file in parts: its name, its header in order, and its one statement."""

    name: str
    header: tuple[Entry, ...]
    statement: str

    def texts(self, word: str) -> list[str]:
        """List the texts of all entries of a word."""
        return [entry.text for entry in self.header if entry.word == word]

    def text(self, word: str) -> str:
        """Find the text of the only entry of a word. Raises HeaderError."""
        found = self.texts(word)
        if len(found) != 1:
            raise HeaderError(f"{self.name}: {len(found)} lines '{word}: …' in the header instead of one")
        return found[0]


def read_sql(name: str, text: str) -> SqlFile:
    """Split a .sql file into header and statement. Raises HeaderError."""
    entries: list[Entry] = []
    lines = text.splitlines()
    length = next((n for n, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for line in lines[:length]:
        if found := _ENTRY.fullmatch(line):
            entries.append(Entry(found["word"], found["text"], found["unit"] or ""))
        elif entries and (more := _CONTINUED.fullmatch(line)):
            last = entries.pop()
            entries.append(Entry(last.word, f"{last.text} {more['text']}", last.unit))
        else:
            raise HeaderError(f"{name}: not a header line: {line}")
    statement = "\n".join(lines[length:]).strip()
    if not statement or statement.endswith(";"):
        raise HeaderError(f"{name}: one query without a semicolon at its end is wanted after the header")
    return SqlFile(name, tuple(entries), statement)


def list_sql_files(folder: str) -> list[SqlFile]:
    """Read every .sql file of a folder of this package, by name. Raises HeaderError."""
    files = resources.files("aps_pipeline.warehouse").joinpath(folder).iterdir()
    texts = {file.name: file.read_text("utf-8") for file in files if file.name.endswith(".sql")}
    return [read_sql(name, texts[name]) for name in sorted(texts)]


_WORDS = {"grain", "key", "kind", "by_month", "after", "note", "caveat", "columns"}
_TABLE = re.compile(r"\b(?:core|mart|meta|internal)\.[a-z]\w*", re.ASCII)
_COMMENT = re.compile(r"--.*")
_ALL_BUT = re.compile(r"all of (\w+) but (\w+)")


@dataclass(frozen=True)
class Mart:
    """A mart as its file declares it; `after` names the marts that it reads.

    `by_month` names the tables, if any, whose rows of a month alone make those of the same month here.
    """

    table: TableComment
    after: tuple[str, ...]
    statement: str
    by_month: frozenset[str] = frozenset()

    @cached_property
    def reads(self) -> frozenset[str]:
        """The tables that the query reads, as `schema.name`."""
        return frozenset(_TABLE.findall(_COMMENT.sub("", self.statement)))


def marts() -> list[Mart]:
    """List the marts of this package in an order in which they can be built. Raises HeaderError."""
    files = {file.name: file for file in list_sql_files("sql")}
    return sort_marts([mart_of(file, files) for file in files.values()])


def mart_of(file: SqlFile, others: Mapping[str, SqlFile] | None = None) -> Mart:
    """Build a mart from its file; `others`, by file name, may describe columns that it takes over.

    Raises HeaderError.
    """
    name = file.name.removesuffix(".sql")
    own = _columns(file)
    columns = (*own, *_inherit_columns(file, others or {}))
    kind = file.text("kind") if file.texts("kind") else "table"
    if kind not in ("table", "view", "internal"):
        raise HeaderError(f"{file.name}: a mart is a table, or says 'kind: view' or 'kind: internal'")
    schema = "internal" if kind == "internal" else "mart"
    known = {f"{schema}.{name}", *_WORDS, *(f"column {column.name}" for column in own)}
    if unknown := [entry.word for entry in file.header if entry.word not in known]:
        raise HeaderError(f"{file.name}: unknown header line '{unknown[0]}: …'")
    grain = file.text("grain")
    comment = f"{file.text(f'{schema}.{name}')}. {grain[:1].upper()}{grain[1:]}."
    keys = tuple(file.text("key").split(", "))
    if kind != "internal" and (missing := set(keys) - {column.name for column in columns}):
        raise HeaderError(f"{file.name}: key {sorted(missing)[0]} is not a column")
    after, by_month = (
        tuple(each for text in file.texts(word) for each in text.split(", "))
        for word in ("after", "by_month")
    )
    notes = tuple(file.texts("note"))
    codes = [code for text in file.texts("caveat") for code in text.split(", ")]
    if unknown := [code for code in codes if code not in CAVEATS]:
        raise HeaderError(f"{file.name}: no caveat {unknown[0]!r} in tables/caveats.py")
    caveats = tuple(CAVEATS[code] for code in codes)
    table = TableComment(schema, name, comment, columns, keys, notes=notes, caveats=caveats)
    if kind == "view":
        columns = tuple(replace(column, nullable=column.name not in keys) for column in columns)
        table = replace(table, kind="VIEW", columns=columns, unordered=file.statement)
    return Mart(table, after, file.statement, frozenset(by_month))


def _columns(file: SqlFile) -> tuple[Note, ...]:
    return tuple(
        Note(entry.word.removeprefix("column "), entry.text, entry.unit)
        for entry in file.header
        if entry.word.startswith("column ")
    )


def _inherit_columns(file: SqlFile, others: Mapping[str, SqlFile]) -> Iterator[Note]:
    """Find the columns that another mart describes, as `columns: all of NAME but COLUMN` asks."""
    for text in file.texts("columns"):
        found = _ALL_BUT.fullmatch(text)
        if found is None or f"{found[1]}.sql" not in others:
            raise HeaderError(f"{file.name}: columns are 'all of MART but COLUMN', not {text!r}")
        yield from (note for note in _columns(others[f"{found[1]}.sql"]) if note.name != found[2])


def sort_marts(found: list[Mart]) -> list[Mart]:
    """Sort marts so that each follows those it reads. Raises HeaderError."""
    by_name = {mart.table.name: mart for mart in found}
    try:
        sorter = TopologicalSorter({name: by_name[name].after for name in sorted(by_name)})
        return [by_name[name] for name in sorter.static_order()]
    except CycleError as error:
        raise HeaderError(f"marts that wait for each other: {', '.join(error.args[1])}") from error
    except KeyError as error:
        raise HeaderError(f"a mart comes after {error}, which does not exist") from error


def replace_months(connection: Connection, mart: Mart, months: Sequence[date]) -> None:
    """Make the rows of some months anew in a mart that is made by month."""
    name, columns = mart.table.sql_name, list_columns(connection, mart.table.sql_name)
    of_mart = _condition(columns, months)
    statement = _COMMENT.sub("", mart.statement)
    for source in mart.by_month:
        if not source.startswith(("core.", "mart.")):  # those are small, or read by key
            continue
        of_source = _condition(list_columns(connection, source), months)
        if "calendar_month" in columns:
            of_source = of_mart.replace("calendar_month", "month(date)")
        if "span" in columns:
            of_source += " OR (system_id, date) IN (SELECT (system_id, date) FROM internal.newest_days)"
        statement = re.sub(rf"\b{re.escape(source)}\b", f"(FROM {source} WHERE {of_source})", statement)
    connection.execute(f"DELETE FROM {name} WHERE {of_mart}")  # noqa: S608 - our names and dates
    rows = f"SELECT * FROM ({statement}) WHERE {of_mart}"  # noqa: S608
    connection.execute(f"INSERT INTO {name} {rows} ORDER BY {identifiers(mart.table.keys)}")


def list_columns(connection: Connection, name: str) -> list[str]:
    """List the columns of a table, given as `schema.name`."""
    return [row[0] for row in connection.execute(f"DESCRIBE {name}").fetchall()]


def _condition(columns: Sequence[str], months: Sequence[date]) -> str:
    """Build the condition for rows of those months, by the column that tells them.

    A calendar month stands for that of every year; of spans the newest may always have changed.
    """
    if "calendar_month" in columns:
        return f"calendar_month IN ({', '.join(str(month.month) for month in months)})"
    if "span" in columns:
        return f"span IN ('newest', {', '.join(literal(f'{month:%Y-%m}') for month in months)})"
    column = next(each for each in ("date", "month", "first_date") if each in columns)
    return " OR ".join(f"{column} BETWEEN DATE '{month}' AND last_day(DATE '{month}')" for month in months)


def add_mart(connection: Connection, mart: Mart) -> TableComment:
    """Build one mart as a table or view sorted by its key, with comments.

    Raises HeaderError unless the header names every column that the query gives, once and in order.
    """
    table = mart.table
    rows = f"SELECT * FROM ({mart.statement}) ORDER BY {identifiers(table.keys)}"  # noqa: S608 - our files
    connection.execute(f"CREATE {table.kind} {table.sql_name} AS {rows}")
    columns = list_columns(connection, table.sql_name)
    names = [column.name for column in table.columns]
    if table.schema != "internal" and columns != names:
        raise HeaderError(f"{table.name}.sql gives the columns {columns}, but its header names {names}")
    for key in table.keys if table.kind == "TABLE" else ():
        connection.execute(f"ALTER TABLE {table.sql_name} ALTER {identifier(key)} SET NOT NULL")
    add_comments(connection, table)
    return table
