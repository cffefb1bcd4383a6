"""What lies in a lake on a local disk, found by one look at each folder and file."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aps_pipeline.tables import TABLES

FILE = "part-0.parquet"
"""The one file of a partition."""

Values = tuple[str, ...]
"""The values of the folder columns of a partition."""

FileMark = tuple[int, int, int, int]
"""Inode, size and times (ns since 1970) of a file: what its replacement changes."""


@dataclass(slots=True)
class LakeState:
    """How many partitions there are, and when one was last written or removed (ns since 1970; 0: never)."""

    partitions: int = 0
    changed_ns: int = 0
    listed_ns: int = field(default=0, compare=False)
    """When the listing began."""
    files: dict[str, dict[Values, FileMark]] = field(default_factory=dict, compare=False)
    """The file of each partition, by table."""
    has_strange_files: bool = field(default=False, compare=False)
    """Whether something lies among them where no partition belongs."""


def list_lake(core: str) -> LakeState:
    """List the partitions of all tables below a folder. Raises OSError."""
    state = LakeState(listed_ns=time.time_ns())
    if os.path.isdir(core):  # noqa: PTH112
        state.changed_ns = os.stat(core).st_mtime_ns  # noqa: PTH116 - strings: half the time of this function
    for table in TABLES.values():
        found = state.files[table.name] = {}
        _list_folder(state, found, f"{core}/{table.name}", table.folder_columns, ())
        state.partitions += len(found)
        state.has_strange_files |= not all(map(table.is_partition, found))
    return state


def _list_folder(
    state: LakeState, found: dict[Values, FileMark], folder: str, columns: Sequence[str], values: Values
) -> None:
    """List the partitions below a folder, whose names give the columns that are left."""
    try:
        state.changed_ns = max(state.changed_ns, os.stat(folder).st_mtime_ns)  # noqa: PTH116
        if not columns:
            stat = os.stat(f"{folder}/{FILE}")  # noqa: PTH116
            state.changed_ns = max(state.changed_ns, stat.st_mtime_ns)
            found[values] = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
            return
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except (FileNotFoundError, NotADirectoryError):
        return
    prefix = f"{columns[0]}="
    for name in names:
        if name.startswith(prefix):
            value = name.removeprefix(prefix)
            _list_folder(state, found, f"{folder}/{name}", columns[1:], (*values, value))
        else:
            state.has_strange_files = True
