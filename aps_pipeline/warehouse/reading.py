"""Opening the warehouse to read, and only to read: no SQL can change it or open another file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from aps_pipeline.warehouse.building import CLOSED
from aps_pipeline.warehouse.described import Connection, literal
from aps_pipeline.warehouse.errors import NoWarehouseError, QueryError, WarehouseError
from aps_pipeline.warehouse.replacing import beside

_READING = (
    "USE warehouse",
    "SET TimeZone = 'UTC'",
    "SET enable_external_access = false",
    "SET lock_configuration = true",  # last: from here on nobody can undo the others
)


def open_warehouse(path: Path) -> Connection:
    """A read-only connection in UTC to the warehouse as it is now; a later build does not disturb it.

    Its SQL can write nothing and open no file, whatever it says. Close it when done.
    Raises NoWarehouseError, WarehouseError.
    """
    with contextlib.ExitStack() as on_failure:
        connection = duckdb.connect(config={**CLOSED, "temp_directory": ""})
        on_failure.callback(connection.close)
        try:
            with _private_name(Path(path)) as name:
                connection.execute(f"ATTACH {literal(str(name))} AS warehouse (READ_ONLY)")
            for setting in _READING:
                connection.execute(setting)
        except FileNotFoundError as error:
            raise NoWarehouseError(f"there is no {path} yet: run `aps backfill` first") from error
        except (OSError, duckdb.Error) as error:
            raise WarehouseError(f"cannot open {path}: {_one_line(error)}") from error
        on_failure.pop_all()
    return connection


@contextlib.contextmanager
def _private_name(path: Path) -> Iterator[Path]:
    """A second name of the file, gone once it is open.

    DuckDB lets COPY write to the path of an attached file even with external access off. So the name that
    it knows is one that no longer leads to the file. Whoever may not make a link may not write here either.
    """
    path = path.resolve(strict=True)
    name = beside(path)
    try:
        name.hardlink_to(path)
    except OSError:
        yield path
        return
    try:
        yield name
    finally:
        name.unlink(missing_ok=True)


def query(path: Path, sql: str) -> pa.Table:
    """The result of one query, with instants in UTC.

    Raises QueryError with DuckDB's message in one line, NoWarehouseError, WarehouseError.
    """
    with contextlib.closing(open_warehouse(path)) as connection:
        try:
            return connection.sql(_one_query(connection, sql)).to_arrow_table()
        except duckdb.IOException as error:
            raise WarehouseError(f"cannot read {path}: {_one_line(error)}") from error
        except duckdb.Error as error:
            raise QueryError(_one_line(error)) from error


def _one_query(connection: Connection, sql: str) -> str:
    statements = connection.extract_statements(sql)
    if not statements:
        raise QueryError("there is no query")
    if len(statements) != 1:
        raise QueryError(f"one query at a time, not {len(statements)}")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("the warehouse is only read: SELECT, FROM, WITH, DESCRIBE, SHOW or SUMMARIZE")
    return str(statements[0].query)


def _one_line(error: Exception) -> str:
    """DuckDB's message without the drawing of the statement."""
    message = str(error).split("\n\nLINE ")[0]
    return " ".join(message.split())
