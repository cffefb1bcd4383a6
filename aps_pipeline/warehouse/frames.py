"""The warehouse for notebooks: results as pandas DataFrames."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from aps_pipeline.warehouse.reading import ask, open_warehouse

if TYPE_CHECKING:
    import pandas as pd


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
        frame: pd.DataFrame = ask(self._connection, self.path, sql, lambda found: found.df())
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
