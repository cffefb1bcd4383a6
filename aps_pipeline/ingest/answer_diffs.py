"""Compare each answer with the one before it, row by row: what changed, and what is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.ingest.answer_rows import context_of_call
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.results import body_of
from aps_pipeline.ledger import AnswerDiff, AnswerPair, GoodCall, Ledger, RowDiff
from aps_pipeline.parse import ParseContext, RefusedError, open_body, parse_data
from aps_pipeline.planning import is_inventory
from aps_pipeline.request import Request
from aps_pipeline.tables import FETCHED, Table, empty, get_table

_BEFORE, _AFTER = " before", " after"
_IS_THERE = "is there"
_DECIMALS = 6
"""The API prints no more; sums of doubles would show more."""


def compare(table: Table, before: pa.Table, after: pa.Table) -> RowDiff:
    """Compare two sets of rows of `table` by its keys and measures.

    Columns that are neither, such as call_id and is_final, are not looked at.
    """
    rows = _side_by_side(table, before, after)
    is_old, is_new = (pc.is_valid(rows[_IS_THERE + side]) for side in (_BEFORE, _AFTER))
    changed = gone = 0
    for column in table.measures:
        old, new = rows[column.name + _BEFORE], rows[column.name + _AFTER]
        changed += _count(pc.fill_null(pc.not_equal(old, new), False))
        gone += _count(pc.and_not(pc.is_valid(old), pc.is_valid(new)))
    return RowDiff(
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
    left, right = _with_side_marks(table, before), _with_side_marks(table, after)
    return left.join(right, [*table.keys], None, "full outer", left_suffix=_BEFORE, right_suffix=_AFTER)


def _with_side_marks(table: Table, rows: pa.Table) -> pa.Table:
    names = [*table.keys, *(column.name for column in table.measures)]
    return rows.select(names).append_column(_IS_THERE, pa.repeat(pa.scalar(True), rows.num_rows))


def _numbers(table: Table, rows: pa.Table) -> int:
    return sum(rows.num_rows - rows[column.name].null_count for column in table.measures)


def _energy(table: Table, rows: pa.Table) -> float | None:
    """Sum the first measure in kWh; of several flows that is what was produced."""
    name = next((column.name for column in table.measures if column.unit == "kWh"), None)
    total = pc.sum(rows[name]).as_py() if name else None
    return None if total is None else round(total, _DECIMALS)


def _count(flags: pa.ChunkedArray) -> int:
    return pc.sum(flags).as_py() or 0


COMPARED = tuple(table for table in FETCHED if not is_inventory(table) and not table.is_snapshot)
"""Inventory and summaries are made from all their answers: none displaces another."""

_PORTION = 50
"""Comparisons whose bodies are in memory together."""

Rows = Mapping[str, pa.Table]
"""The rows of one answer by the name of their table."""


def refresh_diffs(ledger: Ledger, fleet: KnownFleet, revision_window: timedelta) -> int:
    """Compare every answer not compared yet with the one before it; return how many were compared.

    Left for another time is an answer that no longer parses, or of a system that nobody knows. Makes no
    call. Raises LedgerError.
    """
    sources = {table.source.kind for table in COMPARED}
    waiting = [each for each in ledger.list_uncompared(sources) if each.request.system_id in fleet.systems]
    comparer, count = _Comparer(ledger, fleet, revision_window), 0
    for start in range(0, len(waiting), _PORTION):
        compared = list(comparer.compare_portion(waiting[start : start + _PORTION]))
        ledger.keep_diffs(each for revisions in compared for each in revisions)
        count += len(compared)
    return count


@dataclass(frozen=True, slots=True)
class _History:
    """The rows of an answer, and beside them every number that it or an earlier one gave."""

    call_id: int
    rows: Rows
    known: Rows


class _Comparer:
    """Goes through successive answers, request by request."""

    def __init__(self, ledger: Ledger, fleet: KnownFleet, revision_window: timedelta) -> None:
        self._ledger, self._fleet, self._revision_window = ledger, fleet, revision_window
        self._history: _History | None = None

    def compare_portion(self, portion: Sequence[AnswerPair]) -> Iterator[list[AnswerDiff]]:
        """Compare each answer, once for every table that it feeds."""
        bodies = self._bodies([call for each in portion for call in (each.previous, each.call)])
        for each in portion:
            with suppress(RefusedError):
                if self._history is None or self._history.call_id != each.previous.call_id:
                    self._history = self._history_until(each, bodies)
                rows = self._rows(each.request, each.call, bodies)
                was_over = not self._context_of(each.request, each.previous).is_open()
                revisions, self._history = _compare_answer(each, self._history, rows, was_over=was_over)
                yield revisions

    def _history_until(self, each: AnswerPair, bodies: Mapping[int, str]) -> _History:
        """Read what was told up to the previous answer. Raises RefusedError where that does not parse."""
        rows = self._rows(each.request, each.previous, bodies)
        known = rows
        if each.looks_back:
            earlier = self._ledger.list_answers_before(each.previous.call_id)
            kept = self._bodies(earlier)
            for call in earlier:
                with suppress(RefusedError):
                    known = _merge_rows(known, self._rows(each.request, call, kept))
        return _History(each.previous.call_id, rows, known)

    def _rows(self, request: Request, call: GoodCall, bodies: Mapping[int, str]) -> Rows:
        asked = self._context_of(request, call)
        if not call.has_data:
            return {table.name: empty(table) for table in _tables(request)}
        data = open_body(body_of(bodies, call.call_id))
        return {table.name: parse_data(table, data, asked).rows for table in _tables(request)}

    def _context_of(self, request: Request, call: GoodCall) -> ParseContext:
        system = self._fleet.systems[request.system_id]
        return context_of_call(request, system, call.call_id, call.sent_utc, self._revision_window)

    def _bodies(self, calls: Sequence[GoodCall]) -> dict[int, str]:
        return self._ledger.read_bodies(call.call_id for call in calls if call.has_data)


def _compare_answer(
    each: AnswerPair, told: _History, rows: Rows, *, was_over: bool
) -> tuple[list[AnswerDiff], _History]:
    """Compare one answer, and return with that what was told up to it."""
    found, known = [], {}
    for name, after in rows.items():
        table, before, held = get_table(name), told.rows[name], told.known[name]
        change = compare(table, before, after)
        missing = (change if held is before else compare(table, held, after)).numbers_gone
        known[name] = all_numbers(table, held, after) if missing else after
        found.append(
            AnswerDiff(
                **asdict(change),
                call_id=each.call.call_id,
                table_name=name,
                previous_call_id=each.previous.call_id,
                was_over=was_over,
                numbers_missing=missing,
            )
        )
    return found, _History(each.call.call_id, rows, known)


def _merge_rows(known: Rows, rows: Rows) -> Rows:
    return {name: all_numbers(get_table(name), known[name], rows[name]) for name in rows}


def _tables(request: Request) -> list[Table]:
    return [table for table in COMPARED if table.source.kind == request.kind]
