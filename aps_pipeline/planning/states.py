"""How a period of a table stands, and how several stand together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Covered:
    """One period of a table of a system.

    `parts` questions belong to it; `with_data` and `no_data` of them are answered. `call_id` is the call that
    proves the state (0: none), `is_final` whether all came after the revision days (None: no answer, or
    a lifetime, which never ends).
    """

    system_id: str
    table: Table
    period: Period
    state: State
    parts: int = 0
    with_data: int = 0
    no_data: int = 0
    is_final: bool | None = None
    call_id: int = 0


def merged(states: Iterable[State]) -> State | None:
    """One state for several periods: what needs attention first; None for none."""
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
