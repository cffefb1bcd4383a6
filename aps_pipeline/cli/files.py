"""Files that a command writes because it was told to: whole or not at all, and nothing is lost to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline.warehouse.replacing import replacing

_OWN = ("dagster", "lake", "ledger.sqlite", "warehouse.duckdb")
"""What an option must not name, below APS_DATA_DIR."""


class OutputError(OSError):
    """A file cannot be written; the message names it."""


def checked_output(path: Path, force: bool, data_dir: Path) -> Path:
    """Where to write, links followed; none of the pipeline's own files in `data_dir`.

    Raises NotConfiguredError for those, and for what is there already, but a file if `force`.
    """
    path = path.resolve()
    if any(path.is_relative_to(own) for own in (data_dir.resolve() / name for name in _OWN)):
        raise NotConfiguredError(f"{path} belongs to the pipeline itself: give another file")
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
