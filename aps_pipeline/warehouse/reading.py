"""Opening the warehouse to read, and only to read: no SQL can change it or open a file of others."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from aps_pipeline.warehouse.building import CLOSED, begin_session
from aps_pipeline.warehouse.described import Connection, literal
from aps_pipeline.warehouse.errors import NoWarehouseError, QueryError, WarehouseError, one_line
from aps_pipeline.warehouse.replacing import beside
from aps_pipeline.warehouse.steady import Result, steadily
from aps_pipeline.warehouse.views import escaped, view_folders

_CLOSING = (
    "SET enable_external_access = false",
    "SET lock_configuration = true",  # last: from here on nobody can undo the others
)


def open_warehouse(path: Path) -> Connection:
    """A read-only connection in UTC to the warehouse as it is now; a later build does not disturb it.

    Its SQL cannot change it, and opens no file but those of the views. DuckDB has no way to open these
    folders to reading alone, so SQL from elsewhere goes through `query`. Close the connection when done.
    Raises NoWarehouseError, WarehouseError.
    """
    with contextlib.ExitStack() as on_failure:
        connection = duckdb.connect(config={**CLOSED, "temp_directory": ""})
        on_failure.callback(connection.close)
        try:
            with _private_name(Path(path)) as name:
                connection.execute(f"ATTACH {literal(str(name))} AS warehouse (READ_ONLY)")
            connection.execute("USE warehouse")
            connection.execute(f"SET allowed_directories = {_allowed(view_folders(connection))}")
            begin_session(connection)
            for setting in _CLOSING:
                connection.execute(setting)
        except FileNotFoundError as error:
            raise NoWarehouseError(f"there is no {path} yet: run `aps backfill` first") from error
        except (OSError, duckdb.Error) as error:
            raise WarehouseError(f"cannot open {path}: {one_line(error)}") from error
        on_failure.pop_all()
    return connection


def _allowed(folders: list[str]) -> str:
    """Folders as an SQL list, each by its name and by the pattern with which its view lists it."""
    names = dict.fromkeys(name for folder in folders for name in (f"{folder}/", f"{escaped(folder)}/"))
    return f"[{', '.join(map(literal, names))}]"


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


@contextlib.contextmanager
def of_this_version() -> Iterator[None]:
    """Turn what our own queries meet in a warehouse of another version into WarehouseError."""
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise WarehouseError(
            f"another version built this warehouse, run `aps rebuild`: {one_line(error)}"
        ) from error
    except duckdb.IOException as error:
        raise WarehouseError(f"cannot read what the warehouse shows: {one_line(error)}") from error


def query(path: Path, sql: str) -> pa.Table:
    """The result of one query, with instants in UTC. It writes nothing, whatever it says.

    Raises QueryError with DuckDB's message in one line, NoWarehouseError, WarehouseError.
    """
    with contextlib.closing(open_warehouse(path)) as connection:
        return ask(connection, path, sql, lambda found: found.to_arrow_table())


def ask(
    connection: Connection, path: Path, sql: str, taken: Callable[[duckdb.DuckDBPyRelation], Result]
) -> Result:
    """What `taken` makes of the result of one query on the opened warehouse of `path`.

    Raises QueryError with DuckDB's message in one line, WarehouseError.
    """
    try:
        statement = _one_query(connection, sql)
        return steadily(view_folders(connection), lambda: taken(connection.sql(statement)))
    except duckdb.IOException as error:
        raise WarehouseError(f"cannot read {path}: {one_line(error)}") from error
    except duckdb.Error as error:
        raise QueryError(one_line(error)) from error


def _one_query(connection: Connection, sql: str) -> str:
    statements = connection.extract_statements(sql)
    if not statements:
        raise QueryError("there is no query")
    if len(statements) != 1:
        raise QueryError(f"one query at a time, not {len(statements)}")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("the warehouse is only read: SELECT, FROM, WITH, DESCRIBE, SHOW or SUMMARIZE")
    # Within another query DuckDB takes no WITH that changes or writes something.
    return f"FROM query({literal(statements[0].query)})"
