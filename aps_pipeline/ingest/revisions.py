"""Comparing each answer with the one before it: what changed, and what was given once and is missing now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta

import pyarrow as pa

from aps_pipeline.ingest.comparing import all_numbers, compare
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.kept_bodies import body_of
from aps_pipeline.ingest.partitions import asked_of
from aps_pipeline.ledger import GoodCall, Ledger, Revision, Succession
from aps_pipeline.parse import Asked, RefusedError, opened, rows_of
from aps_pipeline.planning import is_inventory
from aps_pipeline.question import Question
from aps_pipeline.tables import FETCHED, Table, empty, table_named

COMPARED = tuple(table for table in FETCHED if not is_inventory(table) and not table.is_snapshot)
"""Inventory and summaries are made from all their answers: none displaces another."""

_PORTION = 50
"""Comparisons whose bodies are in memory together."""

Rows = Mapping[str, pa.Table]
"""The rows of one answer by the name of their table."""


def compare_revisions(ledger: Ledger, fleet: Fleet, revision: timedelta) -> int:
    """Compare every answer not compared yet with the one before it; return how many were compared.

    Left for another time is an answer that no longer parses, or of a system that nobody knows. Makes no
    call. Raises LedgerError.
    """
    sources = {table.source.kind for table in COMPARED}
    waiting = [each for each in ledger.uncompared(sources) if each.question.system_id in fleet.systems]
    comparer, count = _Comparer(ledger, fleet, revision), 0
    for start in range(0, len(waiting), _PORTION):
        compared = list(comparer.compared(waiting[start : start + _PORTION]))
        ledger.keep_revisions(each for revisions in compared for each in revisions)
        count += len(compared)
    return count


@dataclass(frozen=True, slots=True)
class _Told:
    """The rows of an answer, and beside them every number that it or an earlier one gave."""

    call_id: int
    rows: Rows
    known: Rows


class _Comparer:
    """Goes through successive answers, question by question."""

    def __init__(self, ledger: Ledger, fleet: Fleet, revision: timedelta) -> None:
        self._ledger, self._fleet, self._revision = ledger, fleet, revision
        self._told: _Told | None = None

    def compared(self, portion: Sequence[Succession]) -> Iterator[list[Revision]]:
        """The comparisons of each answer, one for every table that it feeds."""
        bodies = self._bodies([call for each in portion for call in (each.previous, each.call)])
        for each in portion:
            with suppress(RefusedError):
                if self._told is None or self._told.call_id != each.previous.call_id:
                    self._told = self._told_until(each, bodies)
                rows = self._rows(each.question, each.call, bodies)
                was_over = not self._asked(each.question, each.previous).is_open()
                revisions, self._told = _compared(each, self._told, rows, was_over=was_over)
                yield revisions

    def _told_until(self, each: Succession, bodies: Mapping[int, str]) -> _Told:
        """What was told up to the previous answer. Raises RefusedError where that does not parse."""
        rows = self._rows(each.question, each.previous, bodies)
        known = rows
        if each.looks_back:
            earlier = self._ledger.answers_before(each.previous.call_id)
            kept = self._bodies(earlier)
            for call in earlier:
                with suppress(RefusedError):
                    known = _joined(known, self._rows(each.question, call, kept))
        return _Told(each.previous.call_id, rows, known)

    def _rows(self, question: Question, call: GoodCall, bodies: Mapping[int, str]) -> Rows:
        asked = self._asked(question, call)
        if not call.has_data:
            return {table.name: empty(table) for table in _tables(question)}
        data = opened(body_of(bodies, call.call_id))
        return {table.name: rows_of(table, data, asked).rows for table in _tables(question)}

    def _asked(self, question: Question, call: GoodCall) -> Asked:
        system = self._fleet.systems[question.system_id]
        return asked_of(question, system, call.call_id, call.sent_utc, self._revision)

    def _bodies(self, calls: Sequence[GoodCall]) -> dict[int, str]:
        return self._ledger.bodies(call.call_id for call in calls if call.has_data)


def _compared(each: Succession, told: _Told, rows: Rows, *, was_over: bool) -> tuple[list[Revision], _Told]:
    """The comparisons of one answer, and what was told up to it."""
    found, known = [], {}
    for name, after in rows.items():
        table, before, held = table_named(name), told.rows[name], told.known[name]
        change = compare(table, before, after)
        missing = (change if held is before else compare(table, held, after)).numbers_gone
        known[name] = all_numbers(table, held, after) if missing else after
        found.append(
            Revision(
                **asdict(change),
                call_id=each.call.call_id,
                table_name=name,
                previous_call_id=each.previous.call_id,
                was_over=was_over,
                numbers_missing=missing,
            )
        )
    return found, _Told(each.call.call_id, rows, known)


def _joined(known: Rows, rows: Rows) -> Rows:
    return {name: all_numbers(table_named(name), known[name], rows[name]) for name in rows}


def _tables(question: Question) -> list[Table]:
    return [table for table in COMPARED if table.source.kind == question.kind]
