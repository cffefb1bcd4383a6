"""`aps sql`: what the warehouse answers, to read or to take along."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from aps_pipeline import warehouse
from aps_pipeline.cli.csv_cells import csv_lines
from aps_pipeline.cli.exits import Exit
from aps_pipeline.cli.files import checked_output, write_file
from aps_pipeline.cli.grids import cell, grid_of, show
from aps_pipeline.config import load_settings
from aps_pipeline.ingest import NotConfiguredError


class Format(StrEnum):
    """How a result is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def chosen_format(as_json: bool, format_: Format | None) -> Format:
    """What `--json` and `--format` come to. Raises NotConfiguredError where they disagree."""
    if as_json and format_ not in (None, Format.JSON):
        raise NotConfiguredError(f"--json and --format {format_} contradict each other: give one of them")
    return Format.JSON if as_json else format_ or Format.TABLE


def sql(query: str, as_json: bool, format_: Format | None, output: Path | None, force: bool) -> int:
    """A query on the warehouse.

    Raises QueryError, WarehouseError, NotConfiguredError, and OutputError where the file cannot be written.
    """
    kind = chosen_format(as_json, format_)
    if kind is Format.PARQUET and output is None:
        raise NotConfiguredError("--format parquet needs --output FILE")
    settings = load_settings()
    path = checked_output(output, force, settings.data_dir) if output else None
    found = warehouse.query(settings.warehouse_path, query)
    if path is None:
        _write_text(sys.stdout, found, kind)
        return Exit.COMPLETE
    write_file(path, lambda temporary: _write(temporary, found, kind))
    print(f"{found.num_rows:,} rows written to {path}", file=sys.stderr)
    return Exit.COMPLETE


def _write(path: Path, found: pa.Table, kind: Format) -> None:
    if kind is Format.PARQUET:
        pq.write_table(found, path, compression="zstd")
        return
    with path.open("x", encoding="utf-8", newline="") as file:
        _write_text(file, found, kind)


def _write_text(file: TextIO, found: pa.Table, kind: Format) -> None:
    match kind:
        case Format.CSV:
            file.writelines(f"{line}\n" for line in csv_lines(found))
        case Format.JSON:
            file.write(f"{json.dumps(found.to_pylist(), default=str)}\n")
        case _:
            grid = grid_of("", *found.column_names)
            for row in found.to_pylist():
                grid.add_row(*map(cell, row.values()))
            show(grid, file)
