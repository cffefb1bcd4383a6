"""The strict writer: rows that break a table's declaration never reach a file."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.tables import Table


class InvalidRowsError(ValueError):
    """Rows that break the declaration of their table: types, nulls, keys or the partition."""


def in_file_order(table: Table, values: tuple[str, ...], rows: pa.Table) -> pa.Table:
    """The rows of one partition as its file holds them: checked, sorted by key, folder columns dropped.

    Raises InvalidRowsError.
    """
    if not rows.schema.equals(table.schema):
        raise InvalidRowsError(f"{table.name}: columns {rows.schema.names} do not fit the declaration")
    for column in table.columns:
        if not column.nullable and rows.column(column.name).null_count:
            raise InvalidRowsError(f"{table.name}.{column.name} has absent values")
    if rows.num_rows != rows.select(list(table.keys)).group_by(list(table.keys)).aggregate([]).num_rows:
        raise InvalidRowsError(f"{table.name} has two rows of one key {table.keys}")
    for name, value in zip(table.folder_columns, values, strict=True):
        inside = _all_equal(rows, name, value) if name in table.schema.names else _all_in(rows, name, value)
        if not inside:
            raise InvalidRowsError(f"{table.name}: a row with another {name} than {value}")
    rows = rows.sort_by([(key, "ascending") for key in table.keys])
    return rows.select(table.file_schema.names).combine_chunks()


def _all_equal(rows: pa.Table, name: str, text: str) -> bool:
    value = pa.scalar(text).cast(rows.schema.field(name).type)
    return bool(pc.all(pc.equal(rows.column(name), value)).as_py() in (True, None))


def _all_in(rows: pa.Table, folder: str, text: str) -> bool:
    """Whether every row is of the month or year that stands in the folder name only."""
    days = rows.column({"month": "date", "year": "month"}[folder]).cast(pa.string())
    return bool(pc.all(pc.starts_with(days, text + "-")).as_py() in (True, None))
