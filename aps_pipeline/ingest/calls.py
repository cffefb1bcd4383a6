"""Making calls: the ledger sees each one before it is sent; the first serious trouble stops the rest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from aps_pipeline.api import NO_DATA, Answer, ApsError, Client, Scope
from aps_pipeline.api import errors as api_errors
from aps_pipeline.ingest.outcomes import Failure, Stop, Trouble, trouble_of
from aps_pipeline.ledger import (
    Account,
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
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to be asked, and the newest good call known for it (0: none)."""

    question: Question
    after: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """How an ask ended: good, failed, or (neither) not asked because the run had stopped."""

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

    def __init__(self, caller: Caller, ask: Ask, judge: Judge) -> None:
        self._caller, self._ask, self._judge = caller, ask, judge
        self.calls = 0
        self.refused: RefusedError | None = None

    def begin(self, question: Question) -> int:
        if self._caller.stop is not None or not self._caller.budget.take():
            raise BudgetSpentError
        try:
            call_id = self._caller.ledger.reserve(question, self._caller.account, self._ask.after)
        except BaseException:
            self._caller.budget.give_back()
            raise
        self.calls += 1
        return call_id

    def end(self, call_id: int, outcome: Answer | ApsError) -> None:
        if isinstance(outcome, ApsError):
            end = Finish(_state_of(outcome), outcome.http_status, outcome.code, str(outcome), outcome.body)
        else:
            end = self._judged(call_id, outcome)
        self.calls -= end.state is CallState.UNSENT
        self._caller.ledger.finish(call_id, end, self._caller.account.monthly_calls)

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


class Caller:
    """Asks many questions with a few threads and says how each ended, in the order in which they end.

    `stop` is set once no further call may be made; asks after that end without a call.
    """

    def __init__(
        self, client: Client, ledger: Ledger, account: Account, budget: Budget, threads: int
    ) -> None:
        self.client, self.ledger, self.account = client, ledger, account
        self.budget, self._threads = budget, threads
        self.stop: Stop | None = None
        self._denied: dict[tuple[str, str], Failure] = {}
        self._in_a_row = 0
        self._lock = threading.Lock()

    def results(self, asks: Iterable[Ask], judge: Judge) -> Iterator[Result]:
        """Ask everything; `judge` sees each good body before the ledger does.

        Closing the iterator stops retries and lets the calls in flight end.
        """
        queue = iter(asks)
        elsewhere: deque[Ask] = deque()
        running: dict[Future[Result | None], Ask] = {}
        window = 1  # the first call goes alone: wrong credentials cost one call, not one a thread
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="aps-call")
        try:
            while True:
                while len(running) < window and (ask := next(queue, None)) is not None:
                    running[pool.submit(self._ask, ask, judge)] = ask
                if not running and not elsewhere:
                    return
                if not running:
                    threading.Event().wait(_POLL_SECONDS)  # another process is asking: look again
                    queue, elsewhere = iter(elsewhere), deque()
                    continue
                finished = wait(running, return_when=FIRST_COMPLETED).done
                window = 2 * self._threads
                for future in finished:
                    ask = running.pop(future)
                    result = future.result()
                    if result is None:
                        elsewhere.append(ask)
                    else:
                        yield result
        except BaseException:
            self.client.stop()  # whoever listened has gone: no more retries
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _ask(self, ask: Ask, judge: Judge) -> Result | None:
        """The result of one ask; None while another process asks the same."""
        question = ask.question
        denied = self._denied.get((question.endpoint, question.system_id))
        if self.stop is not None or denied is not None:
            return Result(question, 0, failure=denied and Failure(question, denied.trouble, denied.message))
        entry = _Entry(self, ask, judge)
        try:
            self.client.ask(question, entry)
        except AlreadyAnsweredError:
            return Result(question, entry.calls, is_good=True)
        except InFlightError:
            return None
        except QuotaExhaustedError as error:
            self._stop_for_quota(error)
            return Result(question, entry.calls)
        except BudgetSpentError:
            self._stop(Stop(Trouble.QUOTA, "the calls of --max-calls are used up; run again to go on"))
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
            self._stop_for_quota(QuotaExhaustedError(self.ledger.quota(self.account)))
        elif error.scope in (Scope.ACCOUNT, Scope.SERVER) or self._is_one_too_many(error):
            self._stop(Stop(failure.trouble, failure.message))
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
        self._stop(Stop(Trouble.QUOTA, f"{error}; come back after {when}"))

    def _stop(self, stop: Stop) -> None:
        with self._lock:
            self.stop = self.stop or stop
        self.client.stop()
