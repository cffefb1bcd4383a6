"""What the ledger sees of one ask: each attempt before it is sent, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from aps_pipeline.api import NO_DATA, Answer, ApsError, is_server_failure
from aps_pipeline.api import errors as api_errors
from aps_pipeline.errors import FailureKind
from aps_pipeline.ledger import CallEnd, CallState, ReservedCall
from aps_pipeline.parse import RefusedError, open_data
from aps_pipeline.request import Request

if TYPE_CHECKING:
    from aps_pipeline.ingest.fetch import AccountSession, PendingRequest


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """A good answer that has just come: its call, the instant it speaks of, its `data` (None: no data)."""

    call_id: int
    sent_utc: datetime
    data: Any | None


BodyCheck = Callable[[Request, NewAnswer], None]
"""Raises RefusedError if a parser does not take the answer."""


class BudgetSpentError(Exception):
    """The run's own number of calls is used up."""


class CallRecorder:
    """The journal of one ask: reserves and finishes its attempts in the ledger, judging good bodies."""

    def __init__(self, session: AccountSession, ask: PendingRequest, judge: BodyCheck) -> None:
        self._session, self._ask, self._judge = session, ask, judge
        self.calls = 0
        self.call_id: int | None = None
        """The last call that began."""
        self._sent_utc: datetime | None = None
        self.refused: RefusedError | None = None
        self.failed: ApsError | None = None
        """How the last attempt ended, if it failed."""
        self.is_expected = False
        """Whether another attempt may follow a failure of the server."""

    def enter(self, request: Request) -> None:
        """Wait until an attempt may be made. Raises CircuitOpenError."""
        self._session.gate.enter(request, is_retry=self.is_expected)
        self.is_expected = False

    def begin(self, request: Request) -> int:
        """Reserve the call. Raises BudgetSpentError, and what `Ledger.reserve` does."""
        try:
            call = self._reserve(request)
        except BaseException:
            self._session.gate.leave(request, None)
            raise
        self.calls, self.call_id, self._sent_utc = self.calls + 1, call.call_id, call.sent_utc
        return call.call_id

    def _reserve(self, request: Request) -> ReservedCall:
        session = self._session
        session.heed_rest()
        if session.stop is not None or not session.budget.take():
            raise BudgetSpentError
        try:
            return session.ledger.reserve(request, session.account.quota_account, self._ask.after)
        except BaseException:
            session.budget.give_back()
            raise

    def end(self, call_id: int, outcome: Answer | ApsError) -> None:
        """Write how the call ended, and stop the session where that says so."""
        session, server_utc = self._session, self._session.get_server_time(outcome)
        try:
            if isinstance(outcome, ApsError):
                self.failed = outcome
                end = CallEnd(
                    state_of(outcome), outcome.http_status, outcome.code, str(outcome), outcome.body
                )
            else:
                self.failed = None
                end = self._check_answer(call_id, outcome, server_utc)
            self.calls -= end.state is CallState.UNSENT
            session.ledger.finish(
                call_id, replace(end, server_utc=server_utc), session.account.quota_account.monthly_calls
            )
        finally:
            self.is_expected = is_server_failure(outcome) is True
            session.take(session.gate.leave(self._ask.request, outcome))

    def close(self) -> None:
        """End the ask."""
        if self.is_expected:
            self._session.gate.give_up(self._ask.request)

    def _check_answer(self, call_id: int, answer: Answer, server_utc: datetime | None) -> CallEnd:
        state, error = CallState.NO_DATA if answer.code == NO_DATA else CallState.ANSWERED, ""
        try:
            data = open_data(answer.code, answer.data)
            sent_utc = server_utc or self._sent_utc
            assert sent_utc is not None  # noqa: S101 - an answer was sent
            self._judge(self._ask.request, NewAnswer(call_id, sent_utc, data))
        except RefusedError as problem:
            self.refused = problem
            state, error = CallState.REFUSED, str(problem)
        return CallEnd(state, answer.http_status, answer.code, error, answer.text, answer.simulated)


def state_of(error: ApsError) -> CallState:
    """Tell how a call stands that ended with an error."""
    if isinstance(error, api_errors.NotSentError):
        return CallState.UNSENT
    if isinstance(error, api_errors.MalformedError | api_errors.OversizedError):
        return CallState.REFUSED
    remote = error.failure_kind in (FailureKind.REMOTE, FailureKind.DEFERRED)
    return CallState.FAILED if remote else CallState.DENIED
