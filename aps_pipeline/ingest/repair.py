"""Build partitions again whose files, or whose answers, are damaged. Makes no call."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

from aps_pipeline.ingest.build import NOTHING_BUILT, BuildResult, PartitionBuilder
from aps_pipeline.ingest.ecu_equivalence import with_equivalence
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.lake import FileFault, Lake
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Period
from aps_pipeline.planning import Answers, is_inventory, kinds_of
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
