"""Rows of answers whose kept body can no longer be read: they stay in their partition as they were."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.results import BodyLostError, Failure
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import BodyFault, Ledger
from aps_pipeline.periods import Period
from aps_pipeline.planning import Answers, kinds_of
from aps_pipeline.request import Request
from aps_pipeline.tables import Table


class LostAnswers:
    """Answers that were held once, whose bodies cannot be read any more and that nothing has replaced."""

    def __init__(self, ledger: Ledger, lake: Lake) -> None:
        self._ledger, self._lake = ledger, lake
        self._is_clear = False

    def mark(self, call_id: int) -> None:
        """Let an answer whose body is gone or garbled count no longer."""
        self._is_clear = False
        self._ledger.mark_damaged(call_id, "is gone or garbled")

    def _faults(self) -> list[BodyFault]:
        """All of them; where there were none, only `mark` can bring one."""
        if self._is_clear:
            return []
        found = self._ledger.list_damaged()
        self._is_clear = not found
        return found

    def failures(
        self, table: Table, period: Period, fleet: KnownFleet, answers: Answers
    ) -> tuple[Failure, ...]:
        """Why a partition lacks rows: lost answers, and those of systems that are no longer known."""
        kinds = kinds_of(table, fleet.systems.values())
        lost = [
            _failure(fault)
            for fault in self._faults()
            if fault.request.kind in kinds and fault.request.period == period
        ]
        entries = answers.by_kind.get(table.source.kind, {}).get(period.key, {})
        for (system_id, device_id), each in sorted(entries.items()):
            if each.good and system_id not in fleet.systems:
                request = Request(*table.source.kind, system_id, device_id, period)
                why = f"system {system_id} is not known, for no kept answer with its details can be read"
                lost.append(Failure(request, FailureKind.REFUSED, why))
        return tuple(lost)

    def inventory_failures(self, endpoints: Collection[str]) -> tuple[Failure, ...]:
        """Why an inventory table may lack something."""
        return tuple(_failure(f) for f in self._faults() if f.request.endpoint in endpoints)

    def periods(self, kinds: Iterable[tuple[str, str]]) -> set[str]:
        """List the keys of the periods that have lost an answer."""
        chosen = set(kinds)
        return {f.request.period.key for f in self._faults() if f.request.kind in chosen}

    def with_kept_rows(
        self, table: Table, values: tuple[str, ...], fleet: KnownFleet, rows: pa.Table
    ) -> pa.Table:
        """Add to the rows those of the file in place that only a lost answer could give again."""
        kept = self._lake.read_partition(table, values)
        if kept is None:
            return rows
        calls = pa.array([fault.call_id for fault in self._faults()], kept.schema.field("call_id").type)
        is_lost = pc.is_in(kept["call_id"], calls)
        if "system_id" in kept.schema.names:
            known = pa.array(list(fleet.systems), pa.string())
            is_lost = pc.or_(is_lost, pc.invert(pc.is_in(kept["system_id"], known)))
        kept = kept.filter(is_lost).join(rows.select(table.keys), list(table.keys), join_type="left anti")
        return pa.concat_tables([rows, kept.select(rows.schema.names).cast(rows.schema)])


def _failure(fault: BodyFault) -> Failure:
    return Failure(fault.request, FailureKind.REFUSED, str(BodyLostError(fault.call_id)))
