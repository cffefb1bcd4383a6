"""How much one account may ask, in a month, in a second and at once; and what it has asked."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from aps_pipeline.periods import zone
from aps_pipeline.simulator.asking import BUSY, QUOTA_USED_UP, TOO_MANY, ApiError

_REQUESTS_KEPT = 500_000


@dataclass(frozen=True, slots=True)
class Counts:
    """What has been asked so far.

    `total` counts the calls with a valid signature, those that a quota counts; `by_endpoint` the same by the
    names of `routes.ENDPOINTS`; `by_code` them by the code of the answer; `received` every request.
    """

    received: int = 0
    total: int = 0
    by_endpoint: Counter[str] = field(default_factory=Counter)
    by_code: Counter[int] = field(default_factory=Counter)


class Ledger:
    """Counts requests as they come. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._received = 0
        self._endpoints: Counter[str] = Counter()
        self._codes: Counter[int] = Counter()
        self._requests: deque[tuple[str, str]] = deque(maxlen=_REQUESTS_KEPT)

    def received(self, path: str, query: str) -> None:
        """Notes a request of any kind."""
        with self._lock:
            self._received += 1
            self._requests.append((path, query))

    def accepted(self, endpoint: str) -> None:
        """Notes a call with a valid signature."""
        with self._lock:
            self._endpoints[endpoint] += 1

    def answered(self, code: int) -> None:
        """Notes the code that such a call is answered with."""
        with self._lock:
            self._codes[code] += 1

    @property
    def counts(self) -> Counts:
        """A copy of the counters."""
        with self._lock:
            total = self._endpoints.total()
            return Counts(self._received, total, Counter(self._endpoints), Counter(self._codes))

    @property
    def requests(self) -> list[tuple[str, str]]:
        """A copy of (path, query) of every request in order; of the newest 500,000 of them."""
        with self._lock:
            return list(self._requests)


class Limits:
    """The limits of one account; None is no limit. Safe for threads.

    `quota` calls a calendar month in Asia/Shanghai; `per_second` calls in any second of real time;
    `in_flight` calls at the same time.
    """

    def __init__(self, quota: int | None, per_second: float | None, in_flight: int | None) -> None:
        self._quota, self._per_second, self._in_flight = quota, per_second, in_flight
        self._lock = Lock()
        self._used: Counter[str] = Counter()
        self._recent: deque[float] = deque()
        self._flying = 0

    @contextmanager
    def call(self, now: datetime, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
        """Counts a call and holds its place in flight. Raises ApiError 2005, 7002 or 7003."""
        with self._lock:
            self._flying += 1
            refusal = self._refusal(now, clock())
        try:
            if refusal:
                raise ApiError(refusal)
            yield
        finally:
            with self._lock:
                self._flying -= 1

    def _refusal(self, now: datetime, instant: float) -> int | None:
        month = now.astimezone(zone("Asia/Shanghai")).strftime("%Y-%m")
        self._used[month] += 1
        if self._quota is not None and self._used[month] > self._quota:
            return QUOTA_USED_UP
        if self._in_flight is not None and self._flying > self._in_flight:
            return BUSY
        if self._per_second is not None:
            return self._too_many(instant, self._per_second)
        return None

    def _too_many(self, instant: float, per_second: float) -> int | None:
        # Below one a second the window grows instead, so that 0.5 is one call in two seconds.
        window, most = max(1.0, 1.0 / per_second), max(1.0, per_second)
        while self._recent and instant - self._recent[0] >= window:
            self._recent.popleft()
        if len(self._recent) >= most:
            return TOO_MANY
        self._recent.append(instant)
        return None
