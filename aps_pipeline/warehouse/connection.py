"""Open the warehouse to read, and only to read: no SQL can change it or open another file.

DuckDB opens a Parquet file twice, for its footer and for its rows. A file renamed in between gives an error,
or rows cut by the footer of another file. So a result is read again until no partition changed meanwhile.
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
    """Do `work` until no partition below `folders` is replaced meanwhile, and return its result.

    Raises what `work` raises, and WarehouseError where the partitions keep changing.
    """
    for _ in range(_ATTEMPTS):
        before = _partition_times(folders)
        try:
            result = work()
        except duckdb.Error:
            if _unchanged(before):
                raise
        else:
            if _unchanged(before):
                return result
    raise WarehouseError(f"partitions below {Path(folders[0]).parent} keep changing: try again in a moment")


def _partition_times(folders: Sequence[str]) -> dict[str, int]:
    """Read when an entry of each partition folder last changed; a rename into it is such a change."""
    found: dict[str, int] = {}
    for folder in folders:
        # DuckDB will say what it cannot read
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            found |= {entry.path: entry.stat().st_mtime_ns for entry in entries}
    return found


def _unchanged(before: dict[str, int]) -> bool:
    """Tell whether no partition has changed; new ones do no harm."""
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
"""Settings of every connection: no downloads, no Python variables read as tables, and sums that work."""

_LOCKDOWN = (
    "SET enable_external_access = false",
    "SET lock_configuration = true",  # last: from here on nobody can undo the others
)


def begin_session(connection: Connection) -> None:
    """Set up a connection: UTC, our macros, and no progress bar among the results."""
    connection.execute("SET TimeZone = 'UTC'")
    for macro in _MACROS:  # the file of the warehouse does not hold them
        connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")
    # In a notebook without ipywidgets the bar is off, and DuckDB refuses to touch it.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() != (False,):
        connection.execute("SET enable_progress_bar = false")


def open_warehouse(path: Path) -> Connection:
    """Open a read-only connection in UTC to the warehouse as it is now; a later build does not disturb it.

    SQL on it cannot change the warehouse and opens no files except those of the views. DuckDB cannot open
    their folders for reading alone, so SQL that is not ours goes through `query`. Close the connection when
    done. Raises NoWarehouseError, WarehouseError.
    """
    with contextlib.ExitStack() as on_failure:
        connection = duckdb.connect(config={**CONNECTION_SETTINGS, "temp_directory": ""})
        on_failure.callback(connection.close)
        try:
            with _private_name(Path(path)) as name:
                connection.execute(f"ATTACH {literal(str(name))} AS warehouse (READ_ONLY)")
            connection.execute("USE warehouse")
            # Each folder by its name, and by the pattern with which its view lists it.
            folders = view_folders(connection)
            names = dict.fromkeys(f"{name}/" for each in folders for name in (each, escape_pattern(each)))
            connection.execute(f"SET allowed_directories = [{', '.join(map(literal, names))}]")
            begin_session(connection)
            for setting in _LOCKDOWN:
                connection.execute(setting)
        except FileNotFoundError as error:
            raise NoWarehouseError(f"there is no {path} yet: run `aps backfill` first") from error
        except (OSError, duckdb.Error) as error:
            raise WarehouseError(f"cannot open {path}: {one_line(error)}") from error
        on_failure.pop_all()
    return connection


@contextlib.contextmanager
def _private_name(path: Path) -> Iterator[Path]:
    """Give the file a second name that is gone once the file is open.

    DuckDB lets COPY write to the path of an attached file even with external access off. So it gets a name
    that no longer leads to the file. A process that may not make a link may not write here either.
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
    """Turn the errors of our own queries on a warehouse of another version into WarehouseError."""
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise WarehouseError(
            f"another version built this warehouse, run `aps rebuild`: {one_line(error)}"
        ) from error
    except duckdb.IOException as error:
        raise WarehouseError(f"cannot read what the warehouse shows: {one_line(error)}") from error


def query(path: Path, sql: str) -> pa.Table:
    """Run one query and return its result, with instants in UTC. No query can write anything.

    Raises QueryError with DuckDB's message in one line, NoWarehouseError, WarehouseError.
    """
    with contextlib.closing(open_warehouse(path)) as connection:
        return run_query(connection, path, sql, lambda found: found.to_arrow_table())


def run_query(
    connection: Connection, path: Path, sql: str, convert: Callable[[duckdb.DuckDBPyRelation], Result]
) -> Result:
    """Run one query on the open warehouse of `path` and convert its result.

    Raises QueryError with DuckDB's message in one line, WarehouseError.
    """
    try:
        statement = _only_query(connection, sql)
        return read_stable(view_folders(connection), lambda: convert(connection.sql(statement)))
    except duckdb.IOException as error:
        raise WarehouseError(f"cannot read {path}: {one_line(error)}") from error
    except duckdb.Error as error:
        raise QueryError(one_line(error)) from error


def _only_query(connection: Connection, sql: str) -> str:
    """Check that the SQL is one query, and return it in a form that cannot write. Raises QueryError."""
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
    """A read-only view of the warehouse as it was when this was opened; a context manager that closes it."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises NoWarehouseError, WarehouseError."""
        self.path = path
        self._connection = open_warehouse(path)

    def df(self, sql: str) -> pd.DataFrame:
        """Return the result of one query. Days and instants (in UTC) are datetimes; null is NaN, NaT or None.

        Raises QueryError with DuckDB's message in one line, WarehouseError.
        """
        frame: pd.DataFrame = run_query(self._connection, self.path, sql, lambda found: found.df())
        return frame

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


ENOUGH_FIGURES = 6
"""Six different figures end in 0 by chance once in a million: then the meter gives no such decimal."""

ENOUGH_FOR_FEWER = 24
"""Figures of fewer than 2 decimals have never been seen, so it takes more of them to believe it."""

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
