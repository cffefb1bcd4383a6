"""Make the calls of one account: the ledger sees each before it is sent; serious failures stop the rest."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aps_pipeline.api import (
    NO_RETRIES,
    SHORT_WAIT_SECONDS,
    Answer,
    ApsError,
    CircuitOpenError,
    Client,
    Scope,
)
from aps_pipeline.api import errors as api_errors
from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest.accounts import ApiAccount, NotConfiguredError
from aps_pipeline.ingest.circuit_breaker import CallGate
from aps_pipeline.ingest.journal import BodyCheck, BudgetSpentError, CallRecorder, NewAnswer
from aps_pipeline.ingest.results import Failure, StopReason
from aps_pipeline.ledger import AlreadyAnsweredError, CallState, Ledger, QuotaExhaustedError
from aps_pipeline.request import Request

_STRAY_ENDPOINTS, _STRAY_CALLS = 3, 5
"""Missing endpoints, or calls to several of them, after which a server that answers nothing is no API."""

_CLOCKS_AGREE = timedelta(minutes=1)
_ANY_ANSWER = 2**62
"""A newest good call that no answer follows: the request is asked whatever is held of it."""

_NO_BUDGET = StopReason(FailureKind.QUOTA, "the calls of --max-calls are used up; run again to go on")


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request to be asked, and the newest good call known for it."""

    request: Request
    after: int | None = None


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How an ask ended: good, failed, or (neither) not asked because calls had stopped."""

    request: Request
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


class AccountSession:
    """One account in one run: asks its requests, from any number of threads.

    `stop` is set once it may make no further call; asks after that end without one. `is_answered` is set once
    something of the API has answered. `alone` means that the run has no other. `notes` are sentences about
    the account that the run says once. `ignores_rests` tries at once what rests because nothing worked.
    """

    def __init__(
        self, account: ApiAccount, ledger: Ledger, budget: Budget, *, alone: bool, ignores_rests: bool = False
    ) -> None:
        self.account, self.ledger, self.budget, self._alone = account, ledger, budget, alone
        self.gate = CallGate(ledger, account.quota_account, ignores_rests=ignores_rests)
        self.stop: StopReason | None = None
        self.is_answered = False
        self.notes: list[str] = []
        self._client: Client | None = None
        self._probe: Request | None = None
        self._denied: dict[tuple[str, str], Failure] = {}
        self._strays: dict[int, Failure] = {}
        """By call, the endpoints that are not there, as long as nothing of the API has answered."""
        self._lock = threading.Lock()

    @property
    def stops(self) -> list[StopReason]:
        """Why this account, or some kinds of its calls, ended early."""
        return [*([self.stop] if self.stop else []), *self.gate.kind_stops]

    def open(self) -> None:
        """Make the client, unless it is there. Raises NotConfiguredError where nobody else can go on."""
        if self._client is not None or self.stop is not None:
            return
        try:
            self._client = self.account.client()
        except NotConfiguredError as error:
            if self._alone:
                raise
            self._halt(StopReason(FailureKind.ACCOUNT, str(error)))
            return
        self.heed_rest()
        self._probe = self.gate.find_probe() if self.stop is None else None

    def close(self) -> None:
        """End the run of this account."""
        if self._client is not None:
            self.gate.close()
            if not self.is_answered and len({each.request.endpoint for each in self._strays.values()}) > 1:
                self._stop_astray()

    def give_up(self) -> None:
        """Let no retry start any more; calls in flight end by themselves."""
        if self._client is not None:
            self._client.stop()

    def heed_rest(self) -> None:
        """Stop if the account rests by now, on whose word ever."""
        if self.stop is None:
            self.take(self.gate.find_stop())

    def take(self, stop: StopReason | None) -> None:
        """Stop for that reason, if there is one."""
        if stop is not None:
            self._stop(stop.kind, stop.message)

    def get_server_time(self, outcome: Answer | ApsError) -> datetime | None:
        """Read the server's time where it is not the time of this ledger; it is said once."""
        server = outcome.server_utc
        if server is None or abs(server - (now := self.ledger.now())) <= _CLOCKS_AGREE:
            return None
        with self._lock:
            if not self.notes:
                way = "behind" if server > now else "ahead of"
                self.notes.append(
                    f"this machine's clock is {_in_words(abs(server - now))} {way} the server's: "
                    "set it right; answers are read as of the server's time"
                )
        return server

    def ask(self, ask: PendingRequest, judge: BodyCheck) -> CallOutcome | None:
        """Make one pending request. Raises InFlightError while another process makes the same."""
        calls = 0
        if self._probe is not None and self.stop is None:  # nothing else is under way yet
            probe = self._ask(PendingRequest(self._probe, _ANY_ANSWER), _take_any, is_probe=True)
            self._probe, calls = None, probe.calls
        result = self._ask(ask, judge)
        return replace(result, calls=result.calls + calls)

    def _ask(self, ask: PendingRequest, judge: BodyCheck, *, is_probe: bool = False) -> CallOutcome:
        request = ask.request
        denied = self._find_denial(request)
        if self._client is None or self.stop is not None or denied is not None:
            return CallOutcome(request, 0, failure=denied and Failure(request, denied.kind, denied.message))
        if (reason := self.gate.find_reason(request)) is not None:
            return CallOutcome(request, 0, failure=Failure(request, FailureKind.REMOTE, reason))
        entry = CallRecorder(self, ask, judge)
        policy = NO_RETRIES if is_probe else self.gate.get_policy(request)
        try:
            self._client.ask(request, entry, policy)
        except AlreadyAnsweredError:
            return CallOutcome(request, entry.calls, is_good=True)
        except QuotaExhaustedError as error:
            self._stop_for_quota(error)
            return CallOutcome(request, entry.calls)
        except BudgetSpentError:
            self._halt(_NO_BUDGET)
            return self._result_without_answer(request, entry)
        except CircuitOpenError:
            return self._result_without_answer(request, entry)
        except ApsError as error:
            return self._result_of_failure(request, error, entry)
        finally:
            entry.close()
        self.is_answered = True
        if entry.refused:
            return CallOutcome(request, entry.calls, failure=Failure.of(request, entry.refused))
        return CallOutcome(request, entry.calls, is_good=True)

    def _find_denial(self, request: Request) -> Failure | None:
        """Why the endpoint of a request is not asked: denied for its system, or not there at all."""
        places = ((request.endpoint, request.system_id), (request.endpoint, ""))
        return next((self._denied[each] for each in places if each in self._denied), None)

    def _result_without_answer(self, request: Request, entry: CallRecorder) -> CallOutcome:
        """Decide what becomes of a request that may not be tried again, or not at all."""
        if entry.failed is not None:
            return self._result_of_failure(request, entry.failed, entry)
        reason = self.gate.find_reason(request) if self.stop is None else None
        failure = Failure(request, FailureKind.REMOTE, reason) if reason else None
        return CallOutcome(request, entry.calls, failure=failure)

    def _result_of_failure(self, request: Request, error: ApsError, entry: CallRecorder) -> CallOutcome:
        failure = Failure.of(request, error)
        if isinstance(error, api_errors.WrongAddressError):
            if not self.is_answered:  # as yet nothing says that this is the API
                failure = replace(failure, kind=FailureKind.REMOTE)
            if entry.call_id is not None:
                self._count_stray(entry.call_id, failure)
        elif error.code is not None:
            self.is_answered = True
        if error.scope is Scope.ENDPOINT:
            self._denied[request.endpoint, request.system_id] = failure
        if failure.kind is FailureKind.QUOTA:  # the ledger knows it by now, for every process
            self._stop_for_quota(QuotaExhaustedError(self.ledger.get_quota(self.account.quota_account)))
        elif error.scope in (Scope.ACCOUNT, Scope.SERVER):
            self._stop(failure.kind, failure.message)
        is_deferred = (error.retry_after or 0.0) > SHORT_WAIT_SECONDS
        is_healthy = is_deferred or failure.kind in (FailureKind.QUOTA, FailureKind.DEFERRED)
        return CallOutcome(request, entry.calls, failure=None if is_healthy else failure)

    def _count_stray(self, call_id: int, failure: Failure) -> None:
        """Stop where nothing of the API has answered in this run and several endpoints are not there."""
        if self.is_answered:
            return
        self._strays[call_id] = failure
        kinds = {each.request.endpoint for each in self._strays.values()}
        if len(kinds) >= _STRAY_ENDPOINTS or (len(kinds) > 1 and len(self._strays) >= _STRAY_CALLS):
            self._stop_astray()
        elif len(self._strays) >= _STRAY_CALLS - 1:  # one endpoint is no proof: the next one decides
            self._denied[failure.request.endpoint, ""] = failure

    def _stop_astray(self) -> None:
        """Stop, for this is no API: what its pages seemed to deny is not denied."""
        for call_id, failure in self._strays.items():
            self.ledger.set_state(call_id, CallState.FAILED, failure.message)
            what = failure.message.partition(":")[0]
        self._stop(
            FailureKind.REMOTE,
            f"{what} at every endpoint that was asked: check APS_BASE_URL and APS_API_PREFIX",
        )

    def _stop_for_quota(self, error: QuotaExhaustedError) -> None:
        when = f"{error.quota.resets_utc:%Y-%m-%d %H:%M} UTC"
        self._stop(FailureKind.QUOTA, f"{error}; come back after {when}")

    def _stop(self, trouble: FailureKind, message: str) -> None:
        name = self.account.name
        self._halt(StopReason(trouble, f"account {name}: {message}" if name else message))

    def _halt(self, stop: StopReason) -> None:
        with self._lock:
            self.stop = self.stop or stop
        self.give_up()


def _take_any(_request: Request, _answer: NewAnswer) -> None:
    """Let the answer to a probe count as it is: what its rows are worth is seen where they are built."""


def _in_words(span: timedelta) -> str:
    days, seconds = divmod(round(span.total_seconds()), 86_400)
    parts = [(days, "day" if days == 1 else "days"), (seconds // 3600, "h"), (seconds % 3600 // 60, "min")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
