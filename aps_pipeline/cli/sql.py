"""`aps sql`: ask the warehouse, as a table, as JSON, or as CSV that a spreadsheet takes as data."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from aps_pipeline import warehouse
from aps_pipeline.cli.console import cell, new_grid, show
from aps_pipeline.cli.export import check_output, write_file
from aps_pipeline.cli.options import Format
from aps_pipeline.config import load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline.wording import count_of

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_ROWS = 10_000


def csv_lines(rows: pa.Table) -> Iterator[str]:
    """Write the names of the columns, then each row, without line ends."""
    yield ",".join(map(csv_cell, rows.column_names))
    for batch in rows.to_batches(max_chunksize=_ROWS):
        columns = [[csv_cell(value) for value in column.to_pylist()] for column in batch.columns]
        yield from map(",".join, zip(*columns, strict=True))


def csv_cell(value: object) -> str:
    """Write one value. Null is empty, numbers are bare, instants ISO 8601 with offset, texts in quotes."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case str():
            return quote_cell(value)
        case list() | dict():
            return quote_cell(json.dumps(value, default=str))
    return quote_cell(str(value))


def quote_cell(text: str) -> str:
    """Quote a text, with an apostrophe before what a spreadsheet would take for a formula."""
    harmless = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + harmless.replace('"', '""') + '"'


def select_format(as_json: bool, format_: Format | None) -> Format:
    """Combine `--json` and `--format`. Raises NotConfiguredError where they disagree."""
    if as_json and format_ not in (None, Format.JSON):
        raise NotConfiguredError(f"--json and --format {format_} contradict each other: give one of them")
    return Format.JSON if as_json else format_ or Format.TABLE


def sql(query: str, as_json: bool, format_: Format | None, output: Path | None, force: bool) -> int:
    """Query the warehouse.

    Raises QueryError, WarehouseError, NotConfiguredError, and OutputError where the file cannot be written.
    """
    kind = select_format(as_json, format_)
    if kind is Format.PARQUET and output is None:
        raise NotConfiguredError("--format parquet needs --output FILE")
    settings = load_settings()
    path = check_output(output, force, settings.data_dir) if output else None
    found = warehouse.query(settings.warehouse_path, query)
    if path is None:
        _write_text(sys.stdout, found, kind)
        return Exit.COMPLETE
    write_file(path, lambda temporary: _write(temporary, found, kind))
    print(f"{count_of(found.num_rows, 'row')} written to {path}", file=sys.stderr)
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
            grid = new_grid("", *found.column_names)
            for row in found.to_pylist():
                grid.add_row(*map(cell, row.values()))
            show(grid, file)
