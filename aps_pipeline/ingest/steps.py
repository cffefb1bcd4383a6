"""The steps of a run: its phases, a long one of days cut into spans, so that little is planned at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.run import Run
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import Kind, calls_for_one, grain_of, periods_of, phases
from aps_pipeline.tables import Table

_MOST_REQUESTS = 40_000
"""Requests that are planned together: each takes about a kilobyte until it has its answer."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """Tables of one phase, and the days between which their periods begin."""

    tables: list[Table]
    first: date = date.min
    last: date = date.max

    def holds(self, period: Period) -> bool:
        """Whether a period belongs to it."""
        return self.first <= period.first <= self.last


def count_partitions(run: Run, step: Step) -> int:
    """How many of the wanted partitions a step looks at."""
    first = run.wanted.first
    return sum(
        step.holds(period) and period.last >= first
        for table in step.tables
        for period in run.periods_of(table)
    )


def periods_before(run: Run, fleet: Fleet, step: Step) -> Iterator[tuple[Table, Period]]:
    """The wanted partitions of a step in which no system was there: they need no plan."""
    first, last = run.wanted.first, run.wanted.last
    earliest = fleet.first_day(run.wanted.system_ids)
    for table in step.tables:
        for period in periods_of(table, first, min(earliest, last)):
            if period.last < earliest and step.holds(period):
                yield table, period


def steps_of(run: Run, fleet: Fleet, forgotten: Callable[[list[Table]], Collection[Kind]]) -> list[Step]:
    """The steps in the order in which they are worth most: coarse before fine, then as `by_worth` has it.

    `forgotten` tells of which kinds the server is known to forget; it is asked of a phase that is cut.
    """
    return [step for tables in phases(run.wanted.facts) for step in _cut(run, fleet, tables, forgotten)]


def _cut(
    run: Run, fleet: Fleet, tables: list[Table], forgotten: Callable[[list[Table]], Collection[Kind]]
) -> Iterator[Step]:
    systems = [fleet.systems[sid] for sid in run.wanted.system_ids if sid in fleet.systems]
    a_day = sum(calls_for_one(table, systems) for table in tables)
    oldest = max(run.wanted.first, fleet.first_day(run.wanted.system_ids))
    if (
        grain_of(tables[0]) is not Grain.DAY
        or a_day * ((run.wanted.last - oldest).days + 1) <= _MOST_REQUESTS
    ):
        yield Step(tables)
        return
    kinds = forgotten(tables)
    fading = [table for table in tables if table.source.kind in kinds]
    lasting = [table for table in tables if table.source.kind not in kinds]
    spans = list(_spans(oldest, run.newest, max(1, _MOST_REQUESTS // a_day)))
    yield Step(tables, run.newest)
    if fading:
        yield from (Step(fading, *span) for span in reversed(spans))
    if lasting:
        yield from (Step(lasting, *span) for span in spans)


def _spans(oldest: date, newest: date, days: int) -> Iterator[tuple[date, date]]:
    """The days before the newest, so many at once, newest first; the last span has no beginning."""
    last = newest - _DAY
    while last - timedelta(days=days) > oldest:
        yield last - timedelta(days=days - 1), last
        last -= timedelta(days=days)
    yield date.min, last
