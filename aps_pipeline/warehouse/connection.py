"""Open the warehouse to read, and only to read: no SQL can change it or open a file of others.

DuckDB opens a Parquet file twice, for its footer and for its rows. A file renamed in between gives an error,
or the rows of one file cut as another's; so a result is read again until no partition changed meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import duckdb
import pyarrow as pa

from aps_pipeline.atomic import name_beside
from aps_pipeline.warehouse.ddl import Connection, escape_pattern, literal, view_folders
from aps_pipeline.warehouse.errors import NoWarehouseError, QueryError, WarehouseError, one_line

if TYPE_CHECKING:
    import pandas as pd


Result = TypeVar("Result")

_ATTEMPTS = 5


def read_stable(folders: Sequence[str], work: Callable[[], Result]) -> Result:
    """What `work` gives while no partition below `folders` is replaced; else it is done again.

    Raises what `work` raises, and WarehouseError when the partitions do not rest.
    """
    for _ in range(_ATTEMPTS):
        before = _partitions(folders)
        try:
            result = work()
        except duckdb.Error:
            if _unchanged(before):
                raise
        else:
            if _unchanged(before):
                return result
    raise WarehouseError(f"partitions below {Path(folders[0]).parent} keep changing: try again in a moment")


def _partitions(folders: Sequence[str]) -> dict[str, int]:
    """The partition folders, and when an entry of each last changed; a rename into it is such a change."""
    found: dict[str, int] = {}
    for folder in folders:
        with (
            contextlib.suppress(OSError),
            os.scandir(folder) as entries,
        ):  # DuckDB will say what it cannot read
            found |= {entry.path: entry.stat().st_mtime_ns for entry in entries}
    return found


def _unchanged(before: dict[str, int]) -> bool:
    """Whether nothing of it has changed; partitions that have come since do no harm."""
    try:
        return all(os.stat(path).st_mtime_ns == changed for path, changed in before.items())  # noqa: PTH116
    except FileNotFoundError:
        return False


CONNECTION_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    # DuckDB 2.0 refuses a sum of integers below a filter and an ORDER BY, which it packs too tightly.
    "disabled_optimizers": "compressed_materialization",
}
"""Settings of every connection: nothing is downloaded, no Python variable is read as a table, sums hold."""

_LOCKDOWN = (
    "SET enable_external_access = false",
    "SET lock_configuration = true",  # last: from here on nobody can undo the others
)


def begin_session(connection: Connection) -> None:
    """What every connection begins with: UTC, our macros, and no progress bar amid the results."""
    connection.execute("SET TimeZone = 'UTC'")
    add_macros(connection)
    # In a notebook without ipywidgets the bar is off, and DuckDB refuses to touch it.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() != (False,):
        connection.execute("SET enable_progress_bar = false")


def open_warehouse(path: Path) -> Connection:
    """A read-only connection in UTC to the warehouse as it is now; a later build does not disturb it.

    Its SQL cannot change it, and opens no file but those of the views. DuckDB has no way to open these
    folders to reading alone, so SQL from elsewhere goes through `query`. Close the connection when done.
    Raises NoWarehouseError, WarehouseError.
    """
    with contextlib.ExitStack() as on_failure:
        connection = duckdb.connect(config={**CONNECTION_SETTINGS, "temp_directory": ""})
        on_failure.callback(connection.close)
        try:
            with _private_name(Path(path)) as name:
                connection.execute(f"ATTACH {literal(str(name))} AS warehouse (READ_ONLY)")
            connection.execute("USE warehouse")
            connection.execute(f"SET allowed_directories = {_folder_list(view_folders(connection))}")
            begin_session(connection)
            for setting in _LOCKDOWN:
                connection.execute(setting)
        except FileNotFoundError as error:
            raise NoWarehouseError(f"there is no {path} yet: run `aps backfill` first") from error
        except (OSError, duckdb.Error) as error:
            raise WarehouseError(f"cannot open {path}: {one_line(error)}") from error
        on_failure.pop_all()
    return connection


def _folder_list(folders: list[str]) -> str:
    """Folders as an SQL list, each by its name and by the pattern with which its view lists it."""
    names = dict.fromkeys(name for folder in folders for name in (f"{folder}/", f"{escape_pattern(folder)}/"))
    return f"[{', '.join(map(literal, names))}]"


@contextlib.contextmanager
def _private_name(path: Path) -> Iterator[Path]:
    """A second name of the file, gone once it is open.

    DuckDB lets COPY write to the path of an attached file even with external access off. So the name that
    it knows is one that no longer leads to the file. Whoever may not make a link may not write here either.
    """
    path = path.resolve(strict=True)
    name = name_beside(path)
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
def as_warehouse_error() -> Iterator[None]:
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
        return run_query(connection, path, sql, lambda found: found.to_arrow_table())


def run_query(
    connection: Connection, path: Path, sql: str, convert: Callable[[duckdb.DuckDBPyRelation], Result]
) -> Result:
    """What `taken` makes of the result of one query on the opened warehouse of `path`.

    Raises QueryError with DuckDB's message in one line, WarehouseError.
    """
    try:
        statement = _one_query(connection, sql)
        return read_stable(view_folders(connection), lambda: convert(connection.sql(statement)))
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


class Warehouse:
    """The warehouse as it was when this was opened, to read only; a context manager that closes it."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises NoWarehouseError, WarehouseError."""
        self.path = path
        self._connection = open_warehouse(path)

    def df(self, sql: str) -> pd.DataFrame:
        """The result of one query. Days and instants (in UTC) are datetimes, null is NaN, NaT or None.

        Raises QueryError with DuckDB's message in one line, WarehouseError.
        """
        frame: pd.DataFrame = run_query(self._connection, self.path, sql, lambda found: found.df())
        return frame

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


ENOUGH_FIGURES = 6
"""That so many different figures end in 0 by chance is one in a million: there is no such decimal then."""

ENOUGH_FOR_FEWER = 24
"""Figures of fewer than 2 decimals have not been met, so that takes more of them."""

_MOST = 6
_MACROS = (
    "decimals_of(kwh) AS CASE "
    + " ".join(f"WHEN abs(round(kwh, {n}) - kwh) < 1e-9 THEN {n}" for n in range(_MOST))
    + f" WHEN kwh IS NOT NULL THEN {_MOST} END",
    # Few figures may end in 0 by chance: they may only show more decimals than usual, not fewer.
    "decimals_of_series(seen, figures, usual) AS"
    f" CASE WHEN figures >= {ENOUGH_FOR_FEWER} THEN seen"
    f" WHEN figures >= {ENOUGH_FIGURES} THEN greatest(seen, least(2, usual))"
    " ELSE greatest(seen, usual) END::INTEGER",
    "half_unit(decimals) AS 0.5::DOUBLE / pow(10, decimals)",
)


def add_macros(connection: Connection) -> None:
    """Make the macros known to a session; the file of the warehouse does not hold them."""
    for macro in _MACROS:
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")
