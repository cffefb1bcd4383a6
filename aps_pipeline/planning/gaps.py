"""Which of the gaps in a history a number of calls can close, in a few ranged runs."""

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


class Worth(StrEnum):
    """Why a gap comes when it does."""

    BUILD = "the answers are held, the files are not"
    COARSE = "coarse before fine"
    MEMORY = "how far back the server remembers"
    EXPIRING = "what the server forgets next"
    NEWEST = "newest first"


@dataclass(frozen=True, slots=True)
class Gap:
    """A partition of tables that share their calls, and what a run over it would ask of each account.

    `reason` is None where nothing of it is worth a call now, though a run over it would make some.
    """

    tables: tuple[Table, ...]
    period: Period
    costs: Mapping[str, int]
    reason: Worth | None = None

    @property
    def calls(self) -> int:
        """What it costs all accounts together."""
        return sum(self.costs.values())

    def without(self, exhausted: Collection[str]) -> Gap:
        """What is left of it while some accounts cannot ask at all; not worth a run if nothing is."""
        costs = {name: calls for name, calls in self.costs.items() if name not in exhausted}
        if len(costs) == len(self.costs):
            return self
        return replace(self, costs=costs) if costs else replace(self, reason=None)


@dataclass(frozen=True, slots=True)
class Stretch:
    """One ranged run over partitions of one length, and the calls that it makes.

    `is_part` says that its one partition needs more calls than that, and is to be continued.
    """

    tables: tuple[Table, ...]
    first: Period
    last: Period
    calls: int
    reason: Worth
    is_part: bool = False


def affordable(gaps: Sequence[Gap], purse: Mapping[str, int], most: int = MOST_RUNS) -> list[Stretch]:
    """The first of the gaps, in the order given, that a purse can close, in at most `most` ranged runs.

    `purse` are the calls that each account can spare. A run asks whatever is open in its range, so no range
    holds a gap that was not taken: together they cost at most what is there. Of a first gap that costs more,
    as much as there is.
    """
    taken = list(_within(gaps, purse))
    if not taken:
        return [part for gap in gaps if gap.reason and (part := _part(gap, purse)).calls][:1]
    chosen = {id(gap) for gap in taken}
    others: dict[str, list[Period]] = {}
    for gap in gaps:
        if id(gap) not in chosen:
            _set_aside(others, gap)
    found: list[Stretch] = []
    for gap in taken:
        for position, stretch in enumerate(found):
            if (longer := _joined(stretch, gap, others)) is not None:
                found[position] = longer
                break
        else:
            if len(found) < most:
                assert gap.reason is not None  # noqa: S101 - only such are taken
                found.append(Stretch(gap.tables, gap.period, gap.period, gap.calls, gap.reason))
            else:
                _set_aside(others, gap)
    return found


def _within(gaps: Sequence[Gap], purse: Mapping[str, int]) -> Iterator[Gap]:
    left = dict(purse)
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


def _part(gap: Gap, purse: Mapping[str, int]) -> Stretch:
    assert gap.reason is not None  # noqa: S101 - only such are taken
    calls = sum(min(calls, purse.get(name, 0)) for name, calls in gap.costs.items())
    return Stretch(gap.tables, gap.period, gap.period, calls, gap.reason, is_part=True)


def _set_aside(others: dict[str, list[Period]], gap: Gap) -> None:
    for table in gap.tables if gap.calls else ():
        insort(others.setdefault(table.name, []), gap.period)


def _joined(stretch: Stretch, gap: Gap, others: dict[str, list[Period]]) -> Stretch | None:
    """The stretch with that gap in it; None if it would then ask of others too, or is far away."""
    if stretch.first.grain is not gap.period.grain:
        return None
    tables = tuple(dict.fromkeys((*stretch.tables, *gap.tables)))
    first, last = min(stretch.first, gap.period), max(stretch.last, gap.period)
    far = _passed_over(stretch.last, gap.period) + _passed_over(gap.period, stretch.first)
    if far > _BRIDGED or any(_holds(others.get(table.name, []), first, last) for table in tables):
        return None
    reason = gap.reason if gap.reason and stretch.reason is Worth.MEMORY else stretch.reason
    calls = stretch.calls + gap.calls
    return replace(stretch, tables=tables, first=first, last=last, calls=calls, reason=reason)


def _passed_over(before: Period, after: Period) -> int:
    """About how many periods lie between two of one grain; 0 if the second does not come after the first."""
    return max(0, (after.first - before.last).days - 1) // len(before)


def _holds(periods: Sequence[Period], first: Period, last: Period) -> bool:
    """Whether one of those periods, which are in order, lies in a range."""
    position = bisect_left(periods, first)
    return position < len(periods) and periods[position] <= last
