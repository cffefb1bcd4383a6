"""What the ledger keeps of a call, and what it says about a question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CallState(StrEnum):
    """How a call stands. Good answers are ANSWERED and NO_DATA; the others leave the question open."""

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
    UNSENT = "unsent"
    """No connection was made, so nothing was counted."""


GOOD = (CallState.ANSWERED, CallState.NO_DATA)

QUOTA_CODE = 2005
"""What the API answers when the quota is used up: it says nothing of the question."""


class NewsKind(StrEnum):
    """What an answer may name that nobody here knows."""

    FIELD = "unknown field"
    """A field or a value that no parser reads; the subject is endpoint and level."""
    INVERTER = "unknown inverter"
    """An inverter that the inventory did not name; the subject is its system."""


@dataclass(frozen=True, slots=True)
class News:
    """Something unknown that an answer named, with the first call that did."""

    kind: NewsKind
    subject: str
    name: str
    call_id: int


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a call: state, HTTP status, API code, redacted error text, body as text if one came."""

    state: CallState
    http_status: int | None = None
    code: int | None = None
    error: str = ""
    body: str | None = None
    simulated: bool = False
