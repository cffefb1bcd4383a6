"""What the ledger sees of one ask: each attempt before it is sent, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from aps_pipeline.api import NO_DATA, Answer, ApsError, is_server_failure
from aps_pipeline.api import errors as api_errors
from aps_pipeline.ingest.outcomes import Trouble, trouble_of
from aps_pipeline.ledger import CallState, Finish
from aps_pipeline.parse import RefusedError
from aps_pipeline.question import Question

if TYPE_CHECKING:
    from aps_pipeline.ingest.calls import Ask, Judge, Session


class BudgetSpentError(Exception):
    """The run's own number of calls is used up."""


class Entry:
    """The journal of one ask: reserves and finishes its attempts in the ledger, judging good bodies."""

    def __init__(self, session: Session, ask: Ask, judge: Judge) -> None:
        self._session, self._ask, self._judge = session, ask, judge
        self.calls = 0
        self.call_id = 0
        """The last call that began."""
        self.refused: RefusedError | None = None
        self.failed: ApsError | None = None
        """How the last attempt ended, if it failed."""
        self.is_expected = False
        """Whether another attempt may follow a failure of the server."""

    def enter(self, question: Question) -> None:
        """Wait until an attempt may be made. Raises CircuitOpenError."""
        self._session.guard.enter(question, is_retry=self.is_expected)
        self.is_expected = False

    def begin(self, question: Question) -> int:
        """Reserve the call. Raises BudgetSpentError, and what `Ledger.reserve` does."""
        try:
            call_id = self._reserve(question)
        except BaseException:
            self._session.guard.leave(question, None)
            raise
        self.calls, self.call_id = self.calls + 1, call_id
        return call_id

    def _reserve(self, question: Question) -> int:
        session = self._session
        session.heed_rest()
        if session.stop is not None or not session.budget.take():
            raise BudgetSpentError
        try:
            return session.ledger.reserve(question, session.login.account, self._ask.after)
        except BaseException:
            session.budget.give_back()
            raise

    def end(self, call_id: int, outcome: Answer | ApsError) -> None:
        """Write how the call ended, and stop the session where that says so."""
        session, server_utc = self._session, self._session.get_server_time(outcome)
        try:
            if isinstance(outcome, ApsError):
                self.failed = outcome
                end = Finish(state_of(outcome), outcome.http_status, outcome.code, str(outcome), outcome.body)
            else:
                self.failed = None
                end = self._judged(call_id, outcome, server_utc)
            self.calls -= end.state is CallState.UNSENT
            session.ledger.finish(
                call_id, replace(end, server_utc=server_utc), session.login.account.monthly_calls
            )
        finally:
            self.is_expected = is_server_failure(outcome) is True
            session.take(session.guard.leave(self._ask.question, outcome))

    def close(self) -> None:
        """End the ask."""
        if self.is_expected:
            self._session.guard.give_up(self._ask.question)

    def _judged(self, call_id: int, answer: Answer, server_utc: datetime | None) -> Finish:
        state, error = CallState.NO_DATA if answer.code == NO_DATA else CallState.ANSWERED, ""
        if server_utc is not None:  # the judge reads the body as of that moment
            self._session.ledger.keep_server_time(call_id, server_utc)
        try:
            self._judge(self._ask.question, answer.text, call_id)
        except RefusedError as problem:
            self.refused = problem
            state, error = CallState.REFUSED, str(problem)
        return Finish(state, answer.http_status, answer.code, error, answer.text, answer.simulated)


def state_of(error: ApsError) -> CallState:
    """How a call stands that ended with an error."""
    if isinstance(error, api_errors.NotSentError):
        return CallState.UNSENT
    if isinstance(error, api_errors.MalformedError | api_errors.OversizedError):
        return CallState.REFUSED
    remote = trouble_of(error) in (Trouble.REMOTE, Trouble.DEFERRED)
    return CallState.FAILED if remote else CallState.DENIED
