"""Write every partition again from the ledger, without a call: in this process, or in several.

A partition has one builder, so processes share no file. Tables follow one another, because an answer that the
builder of one table finds unreadable counts for no other table any more.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import get_context, parent_process
from threading import Thread, current_thread, main_thread
from typing import Self

from aps_pipeline.errors import Exit, PipelineError
from aps_pipeline.ingest.build import PartitionBuilder
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.results import PartitionResult
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Period
from aps_pipeline.planning import System, kinds_of
from aps_pipeline.tables import Table, get_table

_FEWEST = 30
"""Partitions of a table that are worth the start of other processes."""

_TOGETHER = 4
"""Partitions that a process takes at once."""


class ProcessLostError(PipelineError):
    """A process that built partitions was ended from outside."""

    exit_code = Exit.INCOMPLETE


class TableRebuilder:
    """Rebuilds fact tables from the ledger, in up to `processes` processes; use as a context manager."""

    def __init__(self, builder: PartitionBuilder, fleet: KnownFleet, processes: int) -> None:
        self._builder, self._fleet, self._processes = builder, fleet, processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:  # what a process is writing, it finishes
            self._pool.shutdown(wait=True, cancel_futures=True)

    def results(self, table: Table) -> Iterator[PartitionResult]:
        """Write every partition of a table that the ledger has answers for; yield them in order.

        Raises StorageError, LedgerError, InvalidRowsError, ProcessLostError.
        """
        builder = replace(
            self._builder
        )  # which looks for lost answers anew: another process may have met some
        kinds = kinds_of(table, self._fleet.systems.values())
        answered = [
            key for kind in kinds for (_, _, key), each in builder.ledger.entries(*kind).items() if each.good
        ]
        found = sorted((Counter(answered) | Counter(builder.lost_answers.periods(kinds))).items())
        if self._pool is None and self._processes > 1 and len(found) >= _FEWEST:
            self._pool = self._open_pool()
        if self._pool is None or len(found) == 1:
            for key, asked in found:
                yield _rebuild(builder, table, key, asked, self._fleet)
            return
        tasks = ((table.name, *each) for each in found)
        try:
            with _interrupts_held_back():
                results = self._pool.map(_rebuild_in_process, tasks, chunksize=_TOGETHER)
            yield from results
        except BrokenProcessPool:
            reason = "a process that built partitions was ended from outside: run the same command again"
            raise ProcessLostError(reason) from None

    def _open_pool(self) -> ProcessPoolExecutor:
        of = self._builder
        source = _Source(of.ledger.url, of.lake.url, of.revision_window, self._fleet.systems)
        # Forked from a server that has imported all this once, and that has no thread and no connection.
        context = get_context("forkserver")
        context.set_forkserver_preload([__name__, "pandas"])  # which PyArrow looks for at its first list
        return ProcessPoolExecutor(self._processes, context, _start, (source,))


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Start processes as a whole: one that an interrupt cut off from this one would never be told to end.

    Python's handlers run in this thread, whichever thread was hit, so they wait. Processes inherit the
    mask, so the Ctrl-C of a terminal and the stop of a service reach this process only, which ends them.
    """
    if current_thread() is not main_thread():  # where no handler runs
        yield
        return
    numbers, held = (signal.SIGINT, signal.SIGTERM), list[int]()
    handlers = [(number, signal.signal(number, lambda each, _: held.append(each))) for number in numbers]
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers:
            signal.signal(number, handler)
        for each in held[:1]:
            signal.raise_signal(each)


def _rebuild(
    builder: PartitionBuilder, table: Table, key: str, asked: int, fleet: KnownFleet
) -> PartitionResult:
    period = Period.parse(table.partition_grain, key)
    built = builder.build(table, period, fleet, force=True)
    return built.add_to(PartitionResult(table, period, None, asked=asked))


@dataclass(frozen=True)
class _Source:
    """What another process needs to build partitions. It goes through a pipe, for addresses hold secrets."""

    ledger_url: str
    lake_url: str
    revision_window: timedelta
    systems: dict[str, System]


class _Process:
    """A process that builds partitions, with its own connection to the ledger."""

    def __init__(self, source: _Source) -> None:
        self._fleet = KnownFleet(source.systems, {})
        self._table: Table | None = None
        ledger, lake = Ledger(source.ledger_url), Lake(source.lake_url)
        self._builder = PartitionBuilder(ledger, lake, source.revision_window)

    def rebuild(self, table: Table, key: str, asked: int) -> PartitionResult:
        """Write one partition."""
        if table is not self._table:
            self._table, self._builder = table, replace(self._builder)  # as above
        return _rebuild(self._builder, table, key, asked, self._fleet)


_this: _Process


def _start(source: _Source) -> None:
    """Prepare a process, which ends when the one that started it has ended."""
    global _this  # noqa: PLW0603 - what an executor starts has no other place
    Thread(target=_end_with_parent, daemon=True).start()
    _this = _Process(source)


def _end_with_parent() -> None:
    if (parent := parent_process()) is not None:
        parent.join()
    os._exit(Exit.INCOMPLETE)


def _rebuild_in_process(task: tuple[str, str, int]) -> PartitionResult:
    name, key, asked = task
    return _this.rebuild(get_table(name), key, asked)
