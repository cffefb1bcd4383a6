"""Build partitions again whose files, or whose answers, are damaged. Makes no call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

from aps_pipeline.ingest.answer_rows import context_of_call
from aps_pipeline.ingest.build import NOTHING_BUILT, BuildResult, PartitionBuilder
from aps_pipeline.ingest.ecu_equivalence import with_equivalence
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.results import BodyLostError, body_of
from aps_pipeline.lake import FileFault, Lake
from aps_pipeline.ledger import CallState, Ledger, Refusal
from aps_pipeline.parse import RefusedError, parse_rows
from aps_pipeline.periods import Period
from aps_pipeline.planning import Answers, System, is_inventory, kinds_of
from aps_pipeline.tables import FETCHED, Table, get_table

_logger = logging.getLogger(__name__)


def repair_files(ledger: Ledger, lake: Lake, revision_window: timedelta, faults: Iterable[FileFault]) -> int:
    """Set damaged files aside and build their partitions again; return how many files there were.

    Says in the log what became of each. Raises LedgerError, StorageError.
    """
    found = list(faults)
    if not found:
        return 0
    builder, fleet = PartitionBuilder(ledger, lake, revision_window), _fleet(ledger, revision_window)
    for fault in found:
        aside = lake.set_aside(fault)
        built = _build(builder, fleet, fault)
        if built.failures:
            came = f"its partition lacks rows, for {built.failures[0].message}"
        elif built.rows is None:
            came = "no kept answer makes such a partition"
        else:
            came = "its partition was written again from the ledger"
        _logger.warning("%s was damaged (%s) and lies in %s now: %s", fault.path, fault.reason, aside, came)
    return len(found)


def partitions_to_build(
    ledger: Ledger, lake: Lake, revision_window: timedelta
) -> Iterator[tuple[Table, Period]]:
    """List the partitions of facts whose file is missing or not made from the newest answers.

    Left out are tables without any file: one answer may feed tables that nobody has asked for.
    """
    builder, fleet = PartitionBuilder(ledger, lake, revision_window), _fleet(ledger, revision_window)
    for table in FETCHED:
        if is_inventory(table) or not lake.files(table):
            continue
        kinds = kinds_of(table, fleet.systems.values())
        answers = Answers.from_entries({kind: ledger.entries(*kind) for kind in kinds})
        for key in sorted(answers.by_kind[table.source.kind]):
            period = Period.parse(table.partition_grain, key)
            if builder.find_current(table, period, fleet, answers) is None:
                yield table, period


def _fleet(ledger: Ledger, revision_window: timedelta) -> KnownFleet:
    return with_equivalence(KnownFleet.load(ledger), ledger, revision_window, ledger.now())


def _build(builder: PartitionBuilder, fleet: KnownFleet, fault: FileFault) -> BuildResult:
    if fault.values is None:
        return NOTHING_BUILT
    table, values = fault.table, fault.values
    if table.side_of:  # written along with another
        table, values = get_table(values[0]), values[1:]
    if is_inventory(table):
        return builder.build_inventory(table, fleet, force=True)
    period = Period.parse(table.partition_grain, values[0] if values else "")
    return builder.build(table, period, fleet, force=True)


def reread_refused(builder: PartitionBuilder, tables: Iterable[Table], fleet: KnownFleet) -> int:
    """Read refused bodies again where the reader is another than refused them; return how many are good.

    Inventory answers that could not be read are marked, so that they are asked again.
    """
    for call_id in fleet.lost:
        builder.lost_answers.mark(call_id)
    kinds = {table.source.kind for table in tables}
    taken, still = 0, dict[str, list[int]]()
    for each in builder.ledger.list_refusals():
        system = fleet.systems.get(each.request.system_id)
        if system is None or each.request.kind not in kinds:
            continue
        reader = builder.readers.of_kind(each.request.kind)
        if reader == each.reader:
            continue
        try:
            _take(builder, each, system)
            taken += 1
        except BodyLostError:
            continue
        except RefusedError:
            still.setdefault(reader, []).append(each.call_id)
    for reader, call_ids in still.items():
        builder.ledger.keep_refusals(call_ids, reader)
    return taken


def _take(builder: PartitionBuilder, refusal: Refusal, system: System) -> None:
    """Let a refused body count if every reader takes it now. Raises RefusedError."""
    body = body_of(builder.ledger.read_bodies([refusal.call_id]), refusal.call_id)
    asked = context_of_call(
        refusal.request, system, refusal.call_id, refusal.sent_utc, builder.revision_window
    )
    for table in FETCHED:
        if table.source.kind == refusal.request.kind:
            parse_rows(table, body, asked)
    builder.ledger.set_state(refusal.call_id, CallState.ANSWERED)
