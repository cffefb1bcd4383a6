"""Building a file beside another and renaming it in: readers see the old one or the new one, never half."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from aps_pipeline.syncing import sync

_STALE_SECONDS = 3600.0


def beside(path: Path) -> Path:
    """A name in the directory of `path` that nobody else uses; `clean` knows it."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")


@contextlib.contextmanager
def replacing(path: Path, time_ns: int | None = None) -> Iterator[Path]:
    """Yield where to write; left without an error, it is synced and renamed to `path`. Raises OSError.

    If given, the file then bears `time_ns` (since 1970) as the time of its last change.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clean(path)
    temporary = beside(path)
    try:
        yield temporary
        if time_ns is not None:
            os.utime(temporary, ns=(time_ns, time_ns))
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    finally:
        for leftover in _of(temporary):
            _remove(leftover)


def clean(path: Path) -> None:
    """Remove what killed builders left beside `path` more than an hour ago."""
    for leftover in path.parent.glob(f".{path.name}.*.tmp*"):
        with contextlib.suppress(FileNotFoundError):  # another process cleans as well
            # The time of the last change to the inode: a reader's link to an old file is young.
            if leftover.lstat().st_ctime < time.time() - _STALE_SECONDS:
                _remove(leftover)


def _of(temporary: Path) -> list[Path]:
    """The file and what DuckDB puts beside it: write-ahead log and spill directory."""
    return list(temporary.parent.glob(f"{temporary.name}*"))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
