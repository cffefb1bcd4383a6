"""Files that a command writes because it was told to: whole or not at all, and nothing is lost to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline.warehouse.replacing import replacing


class OutputError(OSError):
    """A file cannot be written; the message names it."""


def checked_output(path: Path, force: bool) -> Path:
    """Where to write, links followed. Raises NotConfiguredError for what is there, but a file if `force`."""
    path = path.resolve()
    if path.exists() and not (force and path.is_file()):
        hint = "--force replaces it" if path.is_file() else "it is not a file"
        raise NotConfiguredError(f"{path} exists: {hint}")
    return path


def write_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make the file beside `path`, then rename it in. Raises OutputError."""
    try:
        with replacing(path) as temporary:
            write(temporary)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
