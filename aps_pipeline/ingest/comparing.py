"""What differs between two answers in the rows of one table. Pure."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.ledger import Change
from aps_pipeline.tables import Table

_BEFORE, _AFTER = " before", " after"
_IS_THERE = "is there"
_DECIMALS = 6
"""The API prints no more; sums of doubles would show more."""


def compare(table: Table, before: pa.Table, after: pa.Table) -> Change:
    """The differences between two sets of rows of `table`, by its keys and measures.

    Columns that are neither, such as call_id and is_final, are not looked at.
    """
    rows = _side_by_side(table, before, after)
    is_old, is_new = (pc.is_valid(rows[_IS_THERE + side]) for side in (_BEFORE, _AFTER))
    changed = gone = 0
    for column in table.measures:
        old, new = rows[column.name + _BEFORE], rows[column.name + _AFTER]
        changed += _count(pc.fill_null(pc.not_equal(old, new), False))
        gone += _count(pc.and_not(pc.is_valid(old), pc.is_valid(new)))
    return Change(
        rows_before=before.num_rows,
        rows_after=after.num_rows,
        rows_new=_count(pc.and_not(is_new, is_old)),
        rows_gone=_count(pc.and_not(is_old, is_new)),
        numbers_before=_numbers(table, before),
        numbers_after=_numbers(table, after),
        numbers_changed=changed,
        numbers_gone=gone,
        energy_before_kwh=_energy(table, before),
        energy_after_kwh=_energy(table, after),
    )


def all_numbers(table: Table, one: pa.Table, other: pa.Table) -> pa.Table:
    """Keys and measures of `table` that hold a number wherever one of two sets of rows does."""
    rows = _side_by_side(table, one, other)
    columns = {key: rows[key] for key in table.keys}
    for column in table.measures:
        columns[column.name] = pc.coalesce(rows[column.name + _BEFORE], rows[column.name + _AFTER])
    return pa.table(columns)


def _side_by_side(table: Table, before: pa.Table, after: pa.Table) -> pa.Table:
    """One row per key of either side, with the measures of both; null on the side that lacks the key."""
    left, right = _marked(table, before), _marked(table, after)
    return left.join(right, [*table.keys], None, "full outer", left_suffix=_BEFORE, right_suffix=_AFTER)


def _marked(table: Table, rows: pa.Table) -> pa.Table:
    names = [*table.keys, *(column.name for column in table.measures)]
    return rows.select(names).append_column(_IS_THERE, pa.repeat(pa.scalar(True), rows.num_rows))


def _numbers(table: Table, rows: pa.Table) -> int:
    return sum(rows.num_rows - rows[column.name].null_count for column in table.measures)


def _energy(table: Table, rows: pa.Table) -> float | None:
    """The sum of the first measure in kWh, which of several flows is what was produced."""
    name = next((column.name for column in table.measures if column.unit == "kWh"), None)
    total = pc.sum(rows[name]).as_py() if name else None
    return None if total is None else round(total, _DECIMALS)


def _count(flags: pa.ChunkedArray) -> int:
    return pc.sum(flags).as_py() or 0
