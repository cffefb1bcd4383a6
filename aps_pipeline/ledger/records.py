"""What the ledger keeps of a call, and what it says about a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aps_pipeline.request import Request


class CallState(StrEnum):
    """How a call stands. Good answers are ANSWERED and NO_DATA; the others leave the request open."""

    IN_FLIGHT = "in_flight"
    """Reserved and perhaps sent; nothing is known yet."""
    ANSWERED = "answered"
    """Code 0, and the parser took the body."""
    NO_DATA = "no_data"
    """Code 1001: there is none, which is an answer."""
    REFUSED = "refused"
    """Code 0, but the body is not what the manual promises; kept to be read again."""
    FAILED = "failed"
    """Transport trouble or a passing server fault."""
    DENIED = "denied"
    """Account, permission, parameter or quota: asking again does not help."""
    LOST = "lost"
    """Its process died; the server may have counted it."""
    DAMAGED = "damaged"
    """Was answered, but the kept body is gone or garbled, so it has to be asked again."""
    UNSENT = "unsent"
    """No connection was made, so nothing was counted."""


SUCCESSFUL = (CallState.ANSWERED, CallState.NO_DATA)
UNSUCCESSFUL = (CallState.REFUSED, CallState.FAILED, CallState.DENIED)
"""An outcome is known, and it is not good."""
WITHOUT_BODY = (CallState.FAILED, CallState.DENIED, CallState.LOST, CallState.DAMAGED)
"""A call was made, and there is nothing to read."""

QUOTA_CODE = 2005
"""What the API answers when the quota is used up: it says nothing of the request."""


class DriftKind(StrEnum):
    """What an answer may name that nobody here knows."""

    FIELD = "unknown field"
    """A field or a value that no parser reads; the subject is endpoint and level."""
    INVERTER = "unknown inverter"
    """An inverter that the inventory did not name; the subject is its system."""
    REPEATED = "named twice"
    """A device that one answer names more than once; the subject is the endpoint and the system."""


@dataclass(frozen=True, slots=True)
class DriftEvent:
    """Something unknown that an answer named, with the first call that did."""

    kind: DriftKind
    subject: str
    name: str
    call_id: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that brought no good answer: its request in parts, what came, and when it was sent."""

    endpoint: str
    level: str
    system_id: str
    device_id: str
    period: str
    code: int | None
    sent_utc: datetime
    state: CallState
    http_status: int | None
    call_id: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class ReservedCall:
    """A call whose row is written and that may be sent now; `sent_utc` is what the row says."""

    call_id: int
    sent_utc: datetime


@dataclass(frozen=True, slots=True)
class CallEnd:
    """The end of a call: state, HTTP status, API code, redacted error text, body as text if one came.

    `server_utc` is the server's time where ours is known to be wrong.
    """

    state: CallState
    http_status: int | None = None
    code: int | None = None
    error: str = ""
    body: str | None = None
    simulated: bool = False
    server_utc: datetime | None = None


@dataclass(frozen=True, slots=True)
class GoodCall:
    """A good call: when it was sent, and whether it gave data or said that there is none."""

    call_id: int
    sent_utc: datetime
    has_data: bool


@dataclass(frozen=True, slots=True)
class EqualAnswers:
    """Good inventory answers of one system that say the same, one after the other: the first and the last.

    `state` is ANSWERED, NO_DATA, or REFUSED for bodies that no parser takes; those of the last two are one
    each, whatever came between them. `answers` counts the calls.
    """

    first_call_id: int
    last_call_id: int
    first_utc: datetime
    last_utc: datetime
    state: CallState
    answers: int


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """Two good calls of one request, one after the other, that are not compared yet.

    `looks_back` where an answer before both may hold numbers that the previous one does not.
    """

    request: Request
    previous: GoodCall
    call: GoodCall
    looks_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDiff:
    """What differs between two answers in the rows of one table; numbers are measures that are not null.

    A number has changed where both answers give one and not the same, and is gone where only the first does,
    with its row or without. Energies are the sums of the first measure in kWh; None without any number.
    """

    rows_before: int
    rows_after: int
    rows_new: int
    rows_gone: int
    numbers_before: int
    numbers_after: int
    numbers_changed: int
    numbers_gone: int
    energy_before_kwh: float | None
    energy_after_kwh: float | None

    @property
    def is_difference(self) -> bool:
        """Whether the answers differ at all; a number where there was none counts too."""
        differing = self.rows_new or self.rows_gone or self.numbers_changed or self.numbers_gone
        return bool(differing) or self.numbers_after > self.numbers_before


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDiff(RowDiff):
    """The comparison of a good call with the good call of the same request before it, in one table.

    `was_over`: the previous answer was given after the period's end, so that nothing new was to be expected.
    `numbers_missing`: numbers that any earlier answer to the request gave and this one does not.
    """

    call_id: int
    table_name: str
    previous_call_id: int
    was_over: bool
    numbers_missing: int
