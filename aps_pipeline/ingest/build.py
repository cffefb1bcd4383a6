"""Build partitions: an idempotent function of the good answers, written only when they have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

import pyarrow as pa

from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest.answer_rows import ParsedAnswers, context_of_call
from aps_pipeline.ingest.code_digest import Readers
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.inventory_tables import inventory_calls, inventory_endpoints, inventory_rows
from aps_pipeline.ingest.lost_answers import LostAnswers
from aps_pipeline.ingest.results import BodyLostError, Failure, PartitionResult, body_of
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import CallState, Ledger
from aps_pipeline.parse import ParseContext, Parsed, RefusedError, parse_rows
from aps_pipeline.periods import Period
from aps_pipeline.planning import Answers, RequestPart, kinds_of, requests_with_entry
from aps_pipeline.tables import REJECTED_ITEMS, Table, empty


@dataclass(frozen=True, slots=True)
class BuildResult:
    """A partition as it now lies in the lake; `rows` is None if there is no good answer to build from.

    `items` counts what was judged one by one when it was written; 0 where it lay there already.
    """

    rows: int | None
    no_data: int = 0
    rejected: int = 0
    items: int = 0
    failures: tuple[Failure, ...] = ()

    def add_to(self, result: PartitionResult) -> PartitionResult:
        """Add what was built to what came of the calls."""
        return replace(
            result,
            rows=self.rows,
            no_data=self.no_data,
            rejected=self.rejected,
            items=self.items,
            failures=(*result.failures, *self.failures),
        )


NOTHING_BUILT = BuildResult(None)


@dataclass(frozen=True, slots=True)
class Good:
    """A good answer that a partition is made from; one of 'no data' gives no rows.

    `device_id` is whose rows it gives: where a system answers for its only ECU, it was not asked about that.
    """

    part: RequestPart
    device_id: str
    call_id: int
    sent_utc: datetime
    has_data: bool


@dataclass(frozen=True)
class PartitionBuilder:
    """Builds partitions from the ledger into the lake. Makes no call."""

    ledger: Ledger
    lake: Lake
    revision_window: timedelta
    readers: Readers = field(default_factory=Readers, compare=False)
    parsed: ParsedAnswers = field(default_factory=ParsedAnswers, compare=False)

    @cached_property
    def lost_answers(self) -> LostAnswers:
        """What is missing because a kept body is gone or garbled."""
        return LostAnswers(self.ledger, self.lake)

    def build(self, table: Table, period: Period, fleet: KnownFleet, *, force: bool = False) -> BuildResult:
        """Bring one partition up to date with the ledger.

        Answers that cannot be read are marked and reported as failures; the others make the partition, and
        rows whose answer is lost are taken over from the file in place.
        Raises StorageError, LedgerError, InvalidRowsError.
        """
        refused: tuple[Failure, ...] = ()
        while True:
            answers = self._answers(table, period, fleet)
            good = self._good(table, period, fleet, answers)
            if not force and (built := self.find_current(table, period, fleet, answers)):
                return _with_failures(built, refused)
            parsed, failures = self._parse_answers(table, good)
            refused += failures
            if failures:
                continue  # they are marked by now, so older answers may serve in their place
            built = self._write(table, period, fleet, answers, good, parsed)
            if self._answers(table, period, fleet) == answers:
                return _with_failures(built, refused)
            # Another process has brought newer answers meanwhile.

    def _answers(self, table: Table, period: Period, fleet: KnownFleet) -> Answers:
        span = (period.key, period.key)
        kinds = kinds_of(table, fleet.systems.values())
        return Answers.from_entries({kind: self.ledger.entries(*kind, span) for kind in kinds})

    def find_current(
        self, table: Table, period: Period, fleet: KnownFleet, answers: Answers
    ) -> BuildResult | None:
        """Find the partition in the lake, if it was written from these very answers or from none."""
        good = self._good(table, period, fleet, answers)
        failures = self.lost_answers.failures(table, period, fleet, answers)
        if not good:
            return replace(NOTHING_BUILT, failures=failures)
        found = self.lake.origin(table, _values(table, period))
        if found is None or found.inputs != self._inputs(table, good):
            return None
        side = _side(table, period)
        rejected = self.lake.origin(REJECTED_ITEMS, side) if table.name in REJECTED_ITEMS.side_of else None
        return BuildResult(
            found.rows, _count_no_data(good), rejected.rows if rejected else 0, failures=failures
        )

    def _write(
        self,
        table: Table,
        period: Period,
        fleet: KnownFleet,
        answers: Answers,
        good: Sequence[Good],
        parsed: Sequence[Parsed],
    ) -> BuildResult:
        failures = self.lost_answers.failures(table, period, fleet, answers)
        if not good:
            return replace(NOTHING_BUILT, failures=failures)
        inputs, values = self._inputs(table, good), _values(table, period)
        rejected = pa.concat_tables([empty(REJECTED_ITEMS), *(each.rejected for each in parsed)])
        # First, for once the partition itself is there nobody looks for what belongs beside it.
        self._write_rejected_items(table, period, rejected, inputs)
        rows = pa.concat_tables([empty(table), *(each.rows for each in parsed)])
        if failures:
            rows = self.lost_answers.with_kept_rows(table, values, fleet, rows)
        count = self.lake.write(table, values, rows, inputs)
        items = sum(each.items for each in parsed)
        return BuildResult(count, _count_no_data(good), rejected.num_rows, items, failures)

    def _good(self, table: Table, period: Period, fleet: KnownFleet, answers: Answers) -> list[Good]:
        """List the answers of a partition, of any system: the newest, or all of a snapshot."""
        if table.is_snapshot:
            return [
                Good(
                    RequestPart(request, system),
                    request.device_id,
                    call_id,
                    sent_utc,
                    state is CallState.ANSWERED,
                )
                for call_id, request, state, sent_utc in self.ledger.list_good_calls(table.source.endpoint)
                if (system := fleet.systems.get(request.system_id)) is not None
            ]
        return [
            Good(
                RequestPart(request, system),
                device_id,
                entry.good,
                entry.good_utc,
                entry.answered is not None,
            )
            for system, device_id, request, entry in requests_with_entry(
                table, period, fleet.systems, answers
            )
            if entry.good is not None and entry.good_utc is not None
        ]

    def _inputs(self, table: Table, good: Sequence[Good]) -> str:
        """Digest everything that decides the bytes of the file."""
        lines = [self.readers.of_table(table), str(self.revision_window)]
        lines += [f"{g.call_id} {g.part.system.zone.key} {g.part.system.create_date}" for g in good]
        return _digest(*lines)

    def _parse_answers(self, table: Table, good: Sequence[Good]) -> tuple[list[Parsed], tuple[Failure, ...]]:
        answered = [(each, self._context_of(each)) for each in good if each.has_data]
        fresh = {each.call_id: self.parsed.take(table, context) for each, context in answered}
        bodies = self.ledger.read_bodies(call_id for call_id, rows in fresh.items() if rows is None)
        parsed, failures = [], []
        for each, context in answered:
            try:
                parsed.append(
                    fresh[each.call_id] or parse_rows(table, body_of(bodies, each.call_id), context)
                )
            except BodyLostError as error:
                self.lost_answers.mark(each.call_id)
                failures.append(Failure(each.part.request, FailureKind.REFUSED, str(error)))
            except RefusedError as error:
                reader = self.readers.of_kind(each.part.request.kind)
                self.ledger.set_state(each.call_id, CallState.REFUSED, str(error), reader)
                failures.append(Failure(each.part.request, FailureKind.REFUSED, str(error)))
        return parsed, tuple(failures)

    def _context_of(self, good: Good) -> ParseContext:
        context = context_of_call(
            good.part.request, good.part.system, good.call_id, good.sent_utc, self.revision_window
        )
        return replace(context, device_id=good.device_id)

    def _write_rejected_items(self, table: Table, period: Period, rejected: pa.Table, inputs: str) -> None:
        side = _side(table, period)
        if rejected.num_rows:
            self.lake.write(REJECTED_ITEMS, side, rejected, inputs)
        elif table.name in REJECTED_ITEMS.side_of:
            self.lake.remove(REJECTED_ITEMS, side)

    def build_inventory(self, table: Table, fleet: KnownFleet, *, force: bool = False) -> BuildResult:
        """Bring an inventory table up to date with the ledger. Raises StorageError, InvalidRowsError."""
        inputs = _digest(self.readers.of_table(table), str(inventory_calls(table, fleet)))
        failures = self.lost_answers.inventory_failures(inventory_endpoints(table))
        if not force and (found := self.lake.origin(table, ())) and found.inputs == inputs:
            return BuildResult(found.rows, failures=failures)
        rows = inventory_rows(table, fleet)
        if failures:
            rows = self.lost_answers.with_kept_rows(table, (), fleet, rows)
        return BuildResult(self.lake.write(table, (), rows, inputs), failures=failures)


def _with_failures(built: BuildResult, refused: Iterable[Failure]) -> BuildResult:
    """Add failures, but a lost answer only once: one that was met just now is known as lost as well."""
    return replace(built, failures=tuple(dict.fromkeys((*refused, *built.failures))))


def _values(table: Table, period: Period) -> tuple[str, ...]:
    return (period.key,) if table.is_partitioned else ()


def _side(table: Table, period: Period) -> tuple[str, ...]:
    """Find where the rejected items of a partition lie: by day, so those of a month under its first."""
    return table.name, period.first.isoformat()


def _digest(*lines: str) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _count_no_data(good: Sequence[Good]) -> int:
    return sum(not each.has_data for each in good)
