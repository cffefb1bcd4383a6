"""The circuit breaker of an account: what failed in a row, what the server asked for, and what rests since.

Rests are kept in the ledger, for every process and the next runs. After one that the server asked for, calls
go on. After one because nothing worked, a single call without a retry shows whether it does now.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from aps_pipeline.api import (
    NO_RETRIES,
    SHORT_WAIT_SECONDS,
    Answer,
    ApsError,
    Circuit,
    CircuitBreaker,
    RetryPolicy,
    is_server_failure,
)
from aps_pipeline.api import errors as api_errors
from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest.results import StopReason
from aps_pipeline.ledger import AccountRest, Ledger, QuotaAccount
from aps_pipeline.request import Request

FAILURES_IN_A_ROW = (12, 8, 6, 6)
"""How many attempts in a row may fail at the server's side before calls stop: those of the account, of a kind
of call, of that kind about one system, about one device."""

DISTANCES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720))
"""How long an account, or a kind of call, rests after one run in which nothing worked, after two …"""

RESTRICTED = timedelta(hours=1)
"""How long an account rests that the server keeps out (7000, 7001) without saying for how long."""


class CallGate:
    """Lets calls of one account start, or not, for any number of threads.

    `ignores_rests` tries at once what rests because nothing worked; what the server asked for holds.
    """

    def __init__(self, ledger: Ledger, account: QuotaAccount, *, ignores_rests: bool = False) -> None:
        self._ledger, self._app_id, self._ignores_rests = ledger, account.app_id, ignores_rests
        self._breaker = CircuitBreaker()
        self._lock = Lock()
        self._half_open: set[Circuit] = set()
        self._reasons: dict[Circuit, str] = {}
        self._failed: dict[str, dict[Request, str]] = {}
        """By kind of call, the requests that failed in this run, with the last error of each."""
        self._worked: set[str] = set()
        """The kinds of call that had an answer in this run."""
        self._rested: set[Circuit] = set()
        self._stops: dict[Circuit, StopReason] = {}
        self._met: set[Circuit] = set()
        """Circuits of single kinds of call that have kept this run from asking something."""

    @property
    def kind_stops(self) -> list[StopReason]:
        """Why kinds of call are left alone in this run, while others go on."""
        return [stop for circuit, stop in self._stops.items() if circuit in self._met]

    def find_stop(self) -> StopReason | None:
        """Why the account may make no call now, from what the ledger keeps."""
        rest = self._ledger.get_rest(self._app_id)
        if rest is None or rest.until_utc <= self._ledger.now():
            return None
        if rest.is_asked_for:
            return StopReason(FailureKind.DEFERRED, f"{rest.reason}; the server wants no call {_until(rest)}")
        if self._ignores_rests:
            return None
        return StopReason(
            FailureKind.REMOTE, f"{rest.reason}; one call tries again {_after(rest)}, `--again` at once"
        )

    def find_probe(self) -> Request | None:
        """Choose what to ask first, to see whether anything works again; None where nothing failed.

        Also brings in what rests of single kinds of call. Call it once, before the first call.
        """
        rests = self._ledger.get_rests_by_kind(self._app_id)
        rest, request = self._ledger.get_rest(self._app_id), None
        if rest is not None and not rest.is_asked_for:
            request = self._ledger.get_newest_failure(self._app_id)
        if request is not None:
            self._half_open.add(())
            self._breaker.add((), 1)
        for kind, each in rests.items():
            is_probed = request is not None and kind == _kind_of(request)
            self._half_open.add((kind,))
            self._breaker.add((kind,), 1)
            if each.until_utc > self._ledger.now() and not is_probed and not self._ignores_rests:
                self._reasons[kind,] = each.reason
                self._breaker.open((kind,))
                message = f"{kind}: {each.reason}; one call tries again {_after(each)}, `--again` at once"
                self._stops[kind,] = StopReason(FailureKind.REMOTE, message)
        return request

    def find_reason(self, request: Request) -> str | None:
        """Why the kind of call of a request is left alone while the account goes on; None if it is not."""
        circuit = self._breaker.find_open(self._circuits(request))
        if not circuit:
            return None
        self._met.add(circuit)
        return f"not asked: {' '.join(circuit)} is left alone after {self._reasons[circuit]}"

    def get_policy(self, request: Request) -> RetryPolicy | None:
        """Tell how often the request may be tried: once, where it shows whether anything works again."""
        return NO_RETRIES if self._half_open.intersection(self._circuits(request)) else None

    def enter(self, request: Request, *, is_retry: bool) -> None:
        """Begin an attempt, once it may start. Raises CircuitOpenError."""
        self._breaker.enter(self._circuits(request), is_retry=is_retry)

    def give_up(self, request: Request) -> None:
        """Expect a request no more that has failed."""
        self._breaker.give_up(self._circuits(request))

    def leave(self, request: Request, outcome: Answer | ApsError | None) -> StopReason | None:
        """End an attempt (None: it was not made); return why the account is to stop, if it is."""
        failed = None if outcome is None else is_server_failure(outcome)
        circuits = self._circuits(request)
        opened = self._breaker.leave(circuits, failed=failed)
        if outcome is None:
            return None
        with self._lock:
            if failed:
                self._failed.setdefault(_kind_of(request), {})[request] = str(outcome)
            elif failed is False:
                self._close(request, circuits)
            if (stop := self._rest_for_retry_after(outcome)) is not None:
                return stop
            return self._stop_for(opened, str(outcome)) if opened else None

    def _close(self, request: Request, circuits: list[Circuit]) -> None:
        """Forget the failures of what has worked."""
        kind = _kind_of(request)
        self._worked.add(kind)
        self._failed.get(kind, {}).pop(request, None)
        for circuit in self._half_open.intersection(circuits):
            self._half_open.discard(circuit)
            self._breaker.allow(circuit, FAILURES_IN_A_ROW[len(circuit)])
            self._ledger.end_rest(self._app_id, " ".join(circuit))

    def _rest_for_retry_after(self, outcome: Answer | ApsError) -> StopReason | None:
        seconds = outcome.retry_after or 0.0
        wait = timedelta(seconds=seconds) if seconds > SHORT_WAIT_SECONDS else None
        if wait is None and isinstance(outcome, api_errors.RestrictedError):
            wait = RESTRICTED
        if wait is None:
            return None
        reason = str(outcome) if isinstance(outcome, ApsError) else "an answer with Retry-After"
        rest = AccountRest(self._ledger.now() + wait, 0, reason)
        self._ledger.keep_rest(self._app_id, rest)
        return StopReason(FailureKind.DEFERRED, f"{reason}; the server wants no call {_until(rest)}")

    def _stop_for(self, opened: list[Circuit], last: str) -> StopReason | None:
        for circuit in opened:
            count = 1 if circuit in self._half_open else FAILURES_IN_A_ROW[len(circuit)]
            times = f"{count} failures in a row" if count > 1 else "a call that failed again"
            self._reasons[circuit] = f"{times}: {last}"
        if () in opened:
            rest = self._rest((), self._reasons[()])
            return StopReason(FailureKind.REMOTE, f"{rest.reason}; one call tries again {_after(rest)}")
        for circuit in opened:
            if len(circuit) == 1:
                rest = self._rest(circuit, self._reasons[circuit])
                message = f"{circuit[0]}: {rest.reason}; one call tries again {_after(rest)}"
                self._stops[circuit] = StopReason(FailureKind.REMOTE, message)
                self._met.add(circuit)
        return None

    def close(self) -> None:
        """End a run: where nothing worked in one too short to be stopped, the next begins with one call."""
        with self._lock:
            unsuccessful = {
                kind: failed for kind, failed in self._failed.items() if kind not in self._worked and failed
            }
            if not self._worked and len(unsuccessful) > 1 and () not in self._rested:
                unsuccessful, last = {}, next(reversed(list(unsuccessful.values())))
                self._rest((), f"nothing but failures: {next(reversed(last.values()))}")
            for kind, failed in unsuccessful.items():
                if len(failed) > 1 and (kind,) not in self._rested:
                    self._rest((kind,), f"nothing but failures: {next(reversed(failed.values()))}")

    def _rest(self, circuit: Circuit, reason: str) -> AccountRest:
        """Let an account or a kind of call rest, longer after each run in a row in which nothing worked."""
        kind = " ".join(circuit)
        now, of_account = self._ledger.now(), self._ledger.get_rest(self._app_id)
        before = self._ledger.get_rests_by_kind(self._app_id).get(kind) if kind else of_account
        runs = (before.failed_runs if before else 0) + 1
        rest = AccountRest(now + DISTANCES[min(runs, len(DISTANCES)) - 1], runs, reason)
        self._rested.add(circuit)
        if kind or of_account is None or not of_account.is_asked_for or of_account.until_utc <= now:
            self._ledger.keep_rest(self._app_id, rest, kind)
        return rest

    def _circuits(self, request: Request) -> list[Circuit]:
        """List what an attempt belongs to, the widest first."""
        parts = (
            _kind_of(request),
            request.system_id,
            *([request.device_id] if request.device_id else []),
        )
        circuits = [parts[:count] for count in range(len(parts) + 1)]
        for circuit in circuits:
            self._breaker.add(circuit, FAILURES_IN_A_ROW[len(circuit)])
        return circuits


def _kind_of(request: Request) -> str:
    return f"{request.endpoint} {request.level}".rstrip()


def _until(rest: AccountRest) -> str:
    return f"before {_minute_after(rest.until_utc)}: run it again then"


def _after(rest: AccountRest) -> str:
    return f"after {_minute_after(rest.until_utc)}"


def _minute_after(instant: datetime) -> str:
    """Round up to a full minute."""
    return f"{instant + timedelta(seconds=59, microseconds=999_999):%Y-%m-%d %H:%M} UTC"
