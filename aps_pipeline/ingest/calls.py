"""Making the calls of one login: the ledger sees each before it is sent; serious trouble stops the rest."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from aps_pipeline.api import NO_DATA, Answer, ApsError, Client, Scope
from aps_pipeline.api import errors as api_errors
from aps_pipeline.ingest.login import Login, NotConfiguredError
from aps_pipeline.ingest.outcomes import Failure, Stop, Trouble, trouble_of
from aps_pipeline.ledger import (
    AlreadyAnsweredError,
    CallState,
    Finish,
    InFlightError,
    Ledger,
    QuotaExhaustedError,
)
from aps_pipeline.parse import RefusedError
from aps_pipeline.question import Question

Judge = Callable[[Question, str, int], None]
"""Raises RefusedError if a parser does not take the body; told question, body and call_id."""

_FAILURES_IN_A_ROW = 5
_NO_BUDGET = Stop(Trouble.QUOTA, "the calls of --max-calls are used up; run again to go on")


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to be asked, and the newest good call known for it (0: none)."""

    question: Question
    after: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """How an ask ended: good, failed, or (neither) not asked because calls had stopped."""

    question: Question
    calls: int
    is_good: bool = False
    failure: Failure | None = None


class Budget:
    """How many calls this run may still make; None for no limit of its own."""

    def __init__(self, calls: int | None) -> None:
        self._left = calls
        self._lock = threading.Lock()

    def give_back(self) -> None:
        """Return a call that was not made."""
        with self._lock:
            if self._left is not None:
                self._left += 1

    def take(self) -> bool:
        """Take one call, if there is one."""
        with self._lock:
            if self._left is None:
                return True
            if self._left == 0:
                return False
            self._left -= 1
            return True


class BudgetSpentError(Exception):
    """The run's own number of calls is used up."""


class _Entry:
    """The journal of one ask: reserves and finishes its attempts in the ledger, judging good bodies."""

    def __init__(self, session: Session, ask: Ask, judge: Judge) -> None:
        self._session, self._ask, self._judge = session, ask, judge
        self.calls = 0
        self.refused: RefusedError | None = None

    def begin(self, question: Question) -> int:
        session = self._session
        if session.stop is not None or not session.budget.take():
            raise BudgetSpentError
        try:
            call_id = session.ledger.reserve(question, session.login.account, self._ask.after)
        except BaseException:
            session.budget.give_back()
            raise
        self.calls += 1
        return call_id

    def end(self, call_id: int, outcome: Answer | ApsError) -> None:
        if isinstance(outcome, ApsError):
            end = Finish(_state_of(outcome), outcome.http_status, outcome.code, str(outcome), outcome.body)
        else:
            end = self._judged(call_id, outcome)
        self.calls -= end.state is CallState.UNSENT
        self._session.ledger.finish(call_id, end, self._session.login.account.monthly_calls)

    def _judged(self, call_id: int, answer: Answer) -> Finish:
        state, error = CallState.NO_DATA if answer.code == NO_DATA else CallState.ANSWERED, ""
        try:
            self._judge(self._ask.question, answer.text, call_id)
        except RefusedError as problem:
            self.refused = problem
            state, error = CallState.REFUSED, str(problem)
        return Finish(state, answer.http_status, answer.code, error, answer.text, answer.simulated)


def _state_of(error: ApsError) -> CallState:
    if isinstance(error, api_errors.NotSentError):
        return CallState.UNSENT
    if isinstance(error, api_errors.MalformedError):
        return CallState.REFUSED
    remote = trouble_of(error) in (Trouble.REMOTE, Trouble.DEFERRED)
    return CallState.FAILED if remote else CallState.DENIED


class Session:
    """One login in one run: asks its questions, from any number of threads.

    `stop` is set once it may make no further call; asks after that end without one. `has_called` is set with
    the first call that has ended. `alone` means that the run has no other.
    """

    def __init__(self, login: Login, ledger: Ledger, budget: Budget, *, alone: bool) -> None:
        self.login, self.ledger, self.budget, self._alone = login, ledger, budget, alone
        self.stop: Stop | None = None
        self.has_called = False
        self._client: Client | None = None
        self._denied: dict[tuple[str, str], Failure] = {}
        self._in_a_row = 0
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make the client, unless it is there. Raises NotConfiguredError where nobody else can go on."""
        if self._client is not None or self.stop is not None:
            return
        try:
            self._client = self.login.client()
        except NotConfiguredError as error:
            if self._alone:
                raise
            self._halt(Stop(Trouble.ACCOUNT, str(error)))

    def give_up(self) -> None:
        """Let no retry start any more; calls in flight end by themselves."""
        if self._client is not None:
            self._client.stop()

    def ask(self, ask: Ask, judge: Judge) -> Result | None:
        """The result of one ask; None while another process asks the same."""
        result = self._asked(ask, judge)
        if result and result.calls:
            self.has_called = True
        return result

    def _asked(self, ask: Ask, judge: Judge) -> Result | None:
        question = ask.question
        denied = self._denied.get((question.endpoint, question.system_id))
        if self._client is None or self.stop is not None or denied is not None:
            return Result(question, 0, failure=denied and Failure(question, denied.trouble, denied.message))
        entry = _Entry(self, ask, judge)
        try:
            self._client.ask(question, entry)
        except AlreadyAnsweredError:
            return Result(question, entry.calls, is_good=True)
        except InFlightError:
            return None
        except QuotaExhaustedError as error:
            self._stop_for_quota(error)
            return Result(question, entry.calls)
        except BudgetSpentError:
            self._halt(_NO_BUDGET)
            return Result(question, entry.calls)
        except ApsError as error:
            return self._failed(question, error, entry.calls)
        self._in_a_row = 0
        if entry.refused:
            return Result(question, entry.calls, failure=Failure.of(question, entry.refused))
        return Result(question, entry.calls, is_good=True)

    def _failed(self, question: Question, error: ApsError, calls: int) -> Result:
        failure = Failure.of(question, error)
        if error.scope is Scope.ENDPOINT:
            self._denied[question.endpoint, question.system_id] = failure
        if failure.trouble is Trouble.QUOTA:  # the ledger knows it by now, for every process
            self._stop_for_quota(QuotaExhaustedError(self.ledger.quota(self.login.account)))
        elif error.scope in (Scope.ACCOUNT, Scope.SERVER) or self._is_one_too_many(error):
            self._stop(failure.trouble, failure.message)
        healthy = failure.trouble in (Trouble.QUOTA, Trouble.DEFERRED)
        return Result(question, calls, failure=None if healthy else failure)

    def _is_one_too_many(self, error: ApsError) -> bool:
        if error.code is not None:
            return False  # the API itself answered
        with self._lock:
            self._in_a_row += 1
            return self._in_a_row >= _FAILURES_IN_A_ROW

    def _stop_for_quota(self, error: QuotaExhaustedError) -> None:
        when = f"{error.quota.resets_utc:%Y-%m-%d %H:%M} UTC"
        self._stop(Trouble.QUOTA, f"{error}; come back after {when}")

    def _stop(self, trouble: Trouble, message: str) -> None:
        name = self.login.name
        self._halt(Stop(trouble, f"account {name}: {message}" if name else message))

    def _halt(self, stop: Stop) -> None:
        with self._lock:
            self.stop = self.stop or stop
        self.give_up()
