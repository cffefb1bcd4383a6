"""Results as CSV that a spreadsheet takes as data: no cell is a formula, null and empty text differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_ROWS = 10_000


def csv_lines(rows: pa.Table) -> Iterator[str]:
    """The names of the columns, then each row, without line ends."""
    yield ",".join(map(csv_cell, rows.column_names))
    for batch in rows.to_batches(max_chunksize=_ROWS):
        columns = [[csv_cell(value) for value in column.to_pylist()] for column in batch.columns]
        yield from map(",".join, zip(*columns, strict=True))


def csv_cell(value: object) -> str:
    """One value. Null is empty, numbers are bare, instants ISO 8601 with offset, all texts in quotes."""
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
            return quoted(value)
        case list() | dict():
            return quoted(json.dumps(value, default=str))
    return quoted(str(value))


def quoted(text: str) -> str:
    """A text in quotes, with an apostrophe before what a spreadsheet would take for a formula."""
    harmless = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + harmless.replace('"', '""') + '"'
