"""Results that hold although partitions are replaced while they are read.

DuckDB opens a Parquet file twice, for its footer and for its rows. A file renamed in between gives an error,
or the rows of one file cut as another's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import duckdb

from aps_pipeline.warehouse.errors import WarehouseError

Result = TypeVar("Result")

_ATTEMPTS = 5


def steadily(folders: Sequence[str], work: Callable[[], Result]) -> Result:
    """What `work` gives while no partition below `folders` is replaced; else it is done again.

    Raises what `work` raises, and WarehouseError when the partitions do not rest.
    """
    for _ in range(_ATTEMPTS):
        before = _partitions(folders)
        try:
            result = work()
        except duckdb.Error:
            if _are(before):
                raise
        else:
            if _are(before):
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


def _are(before: dict[str, int]) -> bool:
    """Whether nothing of it has changed; partitions that have come since do no harm."""
    try:
        return all(os.stat(path).st_mtime_ns == changed for path, changed in before.items())  # noqa: PTH116
    except FileNotFoundError:
        return False
