"""How periods can stand, spans of them that stand the same, and those that are known from before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from aps_pipeline.periods import Period
from aps_pipeline.tables import Table


class State(StrEnum):
    """How a period of a table stands."""

    PRESENT = "present"
    """Every answer is there and was given after the period's end."""
    PARTIAL = "partial"
    """Some answers are there; others are missing, or were given while the period was running."""
    NO_DATA = "no data"
    """The API said so (1001)."""
    BEYOND = "beyond retention"
    """The API gave no data of days so old, asked twice."""
    REFUSED = "refused"
    """An answer came that cannot be right."""
    FAILED = "failed"
    """A call was made and brought nothing to read."""
    NOT_ASKED = "not asked"
    """The period is over, and nobody has asked."""
    NOT_DUE = "not yet due"
    """The period is not over."""
    NOT_APPLICABLE = "not applicable"
    """There was nothing to measure: no such device, or a day without production."""


class Standing(NamedTuple):
    """How a period stands.

    `parts` requests belong to it; `with_data` and `no_data` of them are answered. `is_final` says whether all
    answers came after the revision days (None: no answer, or a lifetime, which never ends).
    """

    state: State
    parts: int = 0
    with_data: int = 0
    no_data: int = 0
    is_final: bool | None = None


@dataclass(frozen=True, slots=True)
class CoverageSpan:
    """Periods of a table of a system, one after the other from `first` to `last`, that stand the same.

    `call_ids` prove it: one call for each period, or one for all of them; empty where no call does.
    """

    system_id: str
    table: Table
    first: Period
    last: Period
    standing: Standing
    call_ids: tuple[int, ...] = ()

    @property
    def state(self) -> State:
        """The state of each of its periods."""
        return self.standing.state

    def __len__(self) -> int:
        """Count its periods."""
        return self.last.ordinal - self.first.ordinal + 1


def merge_states(states: Iterable[State]) -> State | None:
    """Merge the states of several periods into one: what needs attention wins; None for no period."""
    found = set(states)
    telling = found - {State.NOT_APPLICABLE, State.NOT_DUE}
    for state in (State.REFUSED, State.FAILED):
        if state in telling:
            return state
    if not telling:
        return next((s for s in (State.NOT_DUE, State.NOT_APPLICABLE) if s in found), None)
    if len(telling) == 1:
        return telling.pop()
    if telling == {State.PRESENT, State.NO_DATA}:
        return State.PRESENT
    return State.BEYOND if telling == {State.NO_DATA, State.BEYOND} else State.PARTIAL


def cut_spans(spans: Sequence[CoverageSpan], end: int) -> list[CoverageSpan]:
    """Cut the spans of a table off before the period of that ordinal, as they would have been made."""
    kept = [span for span in spans if span.first.ordinal < end]
    if kept and kept[-1].last.ordinal >= end:
        span = kept.pop()
        calls = span.call_ids[: end - span.first.ordinal]
        calls = calls[:1] if len(set(calls)) == 1 else calls
        kept.append(replace(span, last=Period.of_ordinal(span.first.grain, end - 1), call_ids=calls))
    return kept


@dataclass(slots=True)
class KnownCoverage:
    """What was computed before, what it rests on, and which calls were made or have changed since.

    `conditions` are by system. `touched` gives the first period of those calls by system, endpoint and level.
    `spans` gives those of some systems: of each table the last, those from the first touched period on, and
    the one before. Of what is computed only what takes their place is given.
    """

    spans: Callable[[Collection[str]], Iterable[CoverageSpan]] = lambda _: ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    touched: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    new_conditions: dict[str, str] = field(default_factory=dict)
    """What the spans rest on that were computed now, for the next time."""
    computed_whole: set[str] = field(default_factory=set)
    """The systems whose spans are all given anew."""
    exchanged_calls: dict[int, int] = field(default_factory=dict)
    """Calls that prove that there was no device, each with a newer one that says the same."""
