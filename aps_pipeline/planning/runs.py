"""Which gaps in a history a number of calls can close, in a few ranged runs."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from aps_pipeline.periods import Period
from aps_pipeline.tables import Table

MOST_RUNS = 5
"""Runs that are worth their start on one day: a run costs seconds, whatever it asks."""

_BRIDGED = 100
"""Complete partitions that a run may pass over without a call to reach the next gap."""


class Priority(StrEnum):
    """Why a gap comes when it does."""

    BUILD = "the answers are held, the files are not"
    COARSE = "coarse before fine"
    MEMORY = "how far back the server remembers"
    EXPIRING = "what the server forgets next"
    NEWEST = "newest first"


@dataclass(frozen=True, slots=True)
class Gap:
    """A partition of tables that share their calls, and the calls that a run over it costs each account.

    `reason` is None where nothing in it is worth a call now, though a run over it would make some.
    """

    tables: tuple[Table, ...]
    period: Period
    costs: Mapping[str, int]
    reason: Priority | None = None

    @property
    def calls(self) -> int:
        """What it costs all accounts together."""
        return sum(self.costs.values())

    def without(self, exhausted: Collection[str]) -> Gap:
        """Leave out what accounts without calls would pay; without any other it is not worth a run."""
        costs = {name: calls for name, calls in self.costs.items() if name not in exhausted}
        if len(costs) == len(self.costs):
            return self
        return replace(self, costs=costs) if costs else replace(self, reason=None)


@dataclass(frozen=True, slots=True)
class BackfillRun:
    """One ranged run over partitions of one length, and the calls that it makes.

    `is_part` says that its one partition needs more calls than that, and is to be continued.
    """

    tables: tuple[Table, ...]
    first: Period
    last: Period
    calls: int
    reason: Priority
    is_part: bool = False


def select_runs(gaps: Sequence[Gap], budget: Mapping[str, int], most: int = MOST_RUNS) -> list[BackfillRun]:
    """Select the first gaps, in the order given, that a budget can close in at most `most` ranged runs.

    `budget` are the calls that each account can spare. A run makes every open call in its range, so no range
    holds a gap that was not taken: together the runs cost at most the budget. If the first gap costs more,
    one run takes as much of it as there is.
    """
    taken = list(_select_affordable(gaps, budget))
    if not taken:
        return _start_first(gaps, budget)
    chosen = {id(gap) for gap in taken}
    others: dict[str, list[Period]] = {}
    for gap in gaps:
        if id(gap) not in chosen:
            _put_back(others, gap)
    found: list[BackfillRun] = []
    for gap in taken:
        for position, run in enumerate(found):
            if (longer := _join(run, gap, others)) is not None:
                found[position] = longer
                break
        else:
            if len(found) < most:
                assert gap.reason is not None  # noqa: S101 - only such are taken
                found.append(BackfillRun(gap.tables, gap.period, gap.period, gap.calls, gap.reason))
            else:
                _put_back(others, gap)
    return found


def _select_affordable(gaps: Sequence[Gap], budget: Mapping[str, int]) -> Iterator[Gap]:
    left = dict(budget)
    for gap in gaps:
        if not gap.reason:
            continue
        short = [name for name, calls in gap.costs.items() if calls > left.get(name, 0)]
        if short:  # what is worth less does not take the calls that this one waits for
            left |= dict.fromkeys(short, 0)
            if not any(left.values()):
                return
            continue
        for name, calls in gap.costs.items():
            left[name] -= calls
        yield gap


def _start_first(gaps: Sequence[Gap], budget: Mapping[str, int]) -> list[BackfillRun]:
    """Begin the first gap that any calls are left for."""
    for gap in gaps:
        calls = sum(min(calls, budget.get(name, 0)) for name, calls in gap.costs.items())
        if gap.reason and calls:
            return [BackfillRun(gap.tables, gap.period, gap.period, calls, gap.reason, is_part=True)]
    return []


def _put_back(others: dict[str, list[Period]], gap: Gap) -> None:
    for table in gap.tables if gap.calls else ():
        insort(others.setdefault(table.name, []), gap.period)


def _join(run: BackfillRun, gap: Gap, others: dict[str, list[Period]]) -> BackfillRun | None:
    """Extend a run to a gap; None if it would then close others too, or the gap is far away."""
    if run.first.grain is not gap.period.grain:
        return None
    tables = tuple(dict.fromkeys((*run.tables, *gap.tables)))
    first, last = min(run.first, gap.period), max(run.last, gap.period)
    far = _periods_between(run.last, gap.period) + _periods_between(gap.period, run.first)
    if far > _BRIDGED:
        return None
    for table in tables:
        periods = others.get(table.name, [])
        position = bisect_left(periods, first)
        if position < len(periods) and periods[position] <= last:
            return None
    reason = gap.reason if gap.reason and run.reason is Priority.MEMORY else run.reason
    calls = run.calls + gap.calls
    return replace(run, tables=tables, first=first, last=last, calls=calls, reason=reason)


def _periods_between(before: Period, after: Period) -> int:
    """Estimate how many periods lie between two of one grain; 0 if the second is not after the first."""
    return max(0, (after.first - before.last).days - 1) // len(before)
