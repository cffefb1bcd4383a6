"""Write files so that a reader sees the old one or the new one, never half: write beside, sync, rename."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

STALE_SECONDS = 3600.0
"""What a killed process left is removed after this time; until then its owner may still write it."""


def sync(path: Path) -> None:
    """Bring a file, or the entries of a directory, to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def name_beside(path: Path) -> Path:
    """Make a name in the directory of `path` that nobody else uses; `remove_leftovers` knows it."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


@contextlib.contextmanager
def replace_file(path: Path, *, time_ns: int | None = None, beside: Path | None = None) -> Iterator[Path]:
    """Yield where to write; left without an error, it is synced and renamed to `path`. Raises OSError.

    `time_ns` (since 1970) becomes the time of the file's last change. `beside` is the name to write under, on
    the same file system; its owner removes what a kill leaves there.
    """
    is_new = not path.parent.is_dir()
    temporary = beside or name_beside(path)
    temporary.parent.mkdir(parents=True, exist_ok=True)
    if beside is None:
        remove_leftovers(path)
    else:
        beside.unlink(missing_ok=True)
    try:
        yield temporary
        if time_ns is not None:
            os.utime(temporary, ns=(time_ns, time_ns))
        sync(temporary)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)
        sync(path.parent)
        if is_new:
            sync(path.parent.parent)
    finally:
        # DuckDB puts a write-ahead log and a spill directory beside the file that it writes.
        with os.scandir(temporary.parent) as entries:
            leftovers = [Path(entry.path) for entry in entries if entry.name.startswith(temporary.name)]
        for leftover in leftovers:
            _remove(leftover)


def remove_leftovers(path: Path) -> None:
    """Remove what killed writers left beside `path` more than an hour ago."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp*"):
        with contextlib.suppress(FileNotFoundError):  # another process cleans as well
            # The time of the last change to the inode: a reader's link to an old file is young.
            if leftover.lstat().st_ctime < time.time() - STALE_SECONDS:
                _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
