"""When a call is tried again, after what backoff, and when trying stops: retry and circuit breaker."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from aps_pipeline.api.errors import (
    ApsError,
    BusyError,
    NotAnAnswerError,
    NotSentError,
    OversizedError,
    PassingError,
    TokenError,
    TransportError,
)
from aps_pipeline.api.rate_limit import SHORT_WAIT_SECONDS

SERVER_FAILURES = (TransportError, NotAnAnswerError, PassingError, BusyError)
"""Errors that are the server's: too many in a row, and it is left alone."""


def is_server_failure(outcome: object) -> bool | None:
    """Tell whether an outcome is a failure of the server; None for an error that says nothing of it."""
    if not isinstance(outcome, ApsError):
        return False
    return True if isinstance(outcome, SERVER_FAILURES) else None


_RETRIES: tuple[tuple[type[ApsError], int], ...] = (
    (OversizedError, 0),
    (BusyError, 4),
    (TokenError, 1),
    (NotSentError, 2),
    (TransportError, 2),
    (NotAnAnswerError, 2),
    (PassingError, 2),
)


def get_retries(kind: type[ApsError]) -> int:
    """Tell how often a call is tried again after an error of that kind."""
    return next((count for each, count in _RETRIES if issubclass(kind, each)), 0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call is tried again, `most` times at most, and after which pause.

    The pause begins with `backoff_seconds` and doubles, with jitter.
    """

    backoff_seconds: float = 1.0
    most: int = 4

    def get_pause(self, attempt: int, error: ApsError) -> float | None:
        """Choose the seconds to wait after the attempt of that number; None where it was the last."""
        wanted = error.retry_after or 0.0
        if wanted > SHORT_WAIT_SECONDS or attempt > min(get_retries(type(error)), self.most):
            return None
        longest = self.backoff_seconds * 2 ** (attempt - 1)
        jittered = random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
        return max(jittered, wanted)


NO_RETRIES = RetryPolicy(most=0)

_MOST_IN_A_ROW = 20
"""Failures in a row that open any circuit, however many calls were under way when they began."""

Circuit = tuple[str, ...]
"""What fails or works as one: an account, a kind of call, a kind of call about one system …"""


class CircuitOpenError(Exception):
    """A circuit has failed too often in a row, so that no call may start in it."""

    def __init__(self, circuit: Circuit) -> None:
        super().__init__(f"{circuit} failed too often in a row")
        self.circuit = circuit


@dataclass(slots=True)
class _State:
    most: int
    limit: int = 0
    """After how many failures in a row it opens; more where many were under way at the first of them."""
    failures: int = 0
    under_way: int = 0
    to_retry: int = 0
    """Calls that have failed and may be tried again."""
    has_worked: bool = False
    is_open: bool = False

    def is_free(self, *, is_retry: bool) -> bool:
        """Whether another attempt may start: what is under way may fail as well, and must not be too much.

        With the first failures only what has failed is tried again, for that shows whether it was a moment's.
        """
        if self.has_worked and not self.failures:
            return True
        count = self.failures + self.under_way
        if is_retry or count < self.most // 2:
            return count < (self.limit or self.most)
        return not self.under_way and not self.to_retry

    def end(self, *, failed: bool | None) -> bool:
        """Count the end of an attempt, and return whether the circuit opens with it."""
        if failed:
            if not self.failures:
                together = min(self.under_way + self.most // 2, _MOST_IN_A_ROW) if self.has_worked else 0
                self.limit = max(self.most, together)
            self.failures += 1
            self.to_retry += 1
        elif failed is False:
            self.failures, self.has_worked = 0, True
        self.under_way -= 1
        opens = bool(failed) and self.failures >= self.limit and not self.is_open
        self.is_open |= opens
        return opens


class CircuitBreaker:
    """Counts failures in a row, attempt by attempt, over all threads; too many, and the circuit opens.

    One attempt belongs to several circuits, the widest first. An answer sets each of them back to 0. Where an
    attempt might be one failure too many, `enter` waits until those under way have ended: so a circuit that
    has not worked yet never costs more attempts than its limit, whatever the number of threads.
    """

    def __init__(self) -> None:
        self._states: dict[Circuit, _State] = {}
        self._changed = threading.Condition()

    def add(self, circuit: Circuit, most: int) -> None:
        """Watch a circuit, unless it is watched already; it opens after `most` failures in a row."""
        with self._changed:
            self._states.setdefault(circuit, _State(most))

    def allow(self, circuit: Circuit, most: int) -> None:
        """Let a circuit that is watched fail so often in a row from now on."""
        with self._changed:
            self._states[circuit].most = most
            self._changed.notify_all()

    def open(self, circuit: Circuit) -> None:
        """Let nothing start in a circuit."""
        with self._changed:
            self._states[circuit].is_open = True
            self._changed.notify_all()

    def find_open(self, circuits: Sequence[Circuit]) -> Circuit | None:
        """Find the first of the circuits that is open; None if all are closed."""
        return next((each for each in circuits if self._states[each].is_open), None)

    def enter(self, circuits: Sequence[Circuit], *, is_retry: bool = False) -> None:
        """Begin an attempt, once it may start. Raises CircuitOpenError."""
        with self._changed:
            states = [self._states[each] for each in circuits]
            self._changed.wait_for(
                lambda: (
                    any(each.is_open for each in states)
                    or all(each.is_free(is_retry=is_retry) for each in states)
                )
            )
            if (found := self.find_open(circuits)) is not None:
                raise CircuitOpenError(found)
            for each in states:
                each.under_way += 1
                each.to_retry -= is_retry

    def leave(self, circuits: Sequence[Circuit], *, failed: bool | None) -> list[Circuit]:
        """End an attempt, and return the circuits that open with it; None says nothing about the server.

        What has failed is expected again, until `give_up`.
        """
        with self._changed:
            opened = [each for each in circuits if self._states[each].end(failed=failed)]
            self._changed.notify_all()
        return opened

    def give_up(self, circuits: Sequence[Circuit]) -> None:
        """Expect a call no more that has failed."""
        with self._changed:
            for circuit in circuits:
                self._states[circuit].to_retry -= 1
            self._changed.notify_all()
