"""Rate limit of an account: calls a second, calls under way, and pauses; and the limits of one call."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fractions import Fraction
from types import TracebackType

from pyrate_limiter import Duration, Limiter, Rate

SHORT_WAIT_SECONDS = 30.0
"""The longest `Retry-After` that is waited for within a run."""

LONGEST_WAIT_SECONDS = 24 * 3600.0
"""The longest `Retry-After` that is believed."""

_CALLS_BEFORE_ONE_MORE = 20
_SECONDS = re.compile(r"[0-9]{1,20}", re.ASCII)
_EARLIEST, _LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one attempt: seconds to connect, between bytes and in all; bytes after decompression."""

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 90.0
    max_bytes: int = 4_000_000


class Throttle:
    """A counting lock whose size halves on `slow_down` and grows back by use."""

    def __init__(self, most: int) -> None:
        self._most = self._size = max(1, most)
        self._under_way = 0
        self._since_change = 0
        self._free = threading.Condition()

    def __enter__(self) -> None:
        with self._free:
            self._free.wait_for(lambda: self._under_way < self._size)
            self._under_way += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._free:
            self._under_way -= 1
            self._since_change += 1
            if self._size < self._most and self._since_change >= _CALLS_BEFORE_ONE_MORE:
                self._size, self._since_change = self._size + 1, 0
            self._free.notify_all()

    def slow_down(self) -> None:
        """Halve the number of calls under way, down to one."""
        with self._free:
            self._size, self._since_change = max(1, self._size // 2), 0


class RateLimit(Throttle):
    """The pace of all calls of one client, for any number of threads; use as a context manager around a call.

    A call waits for its turn, for the end of a pause, and for a place among those under way. `stopped` ends
    a pause early.
    """

    def __init__(self, calls_per_second: float, most: int, stopped: threading.Event) -> None:
        super().__init__(most)
        self._limiter = Limiter(rates_of(calls_per_second))
        self._stopped = stopped
        self._resumes = 0.0

    def __enter__(self) -> None:
        self._limiter.try_acquire("calls")
        while (left := self._resumes - time.monotonic()) > 0 and not self._stopped.wait(left):
            pass
        super().__enter__()

    def pause(self, seconds: float) -> None:
        """Let no call start for so long."""
        self._resumes = max(self._resumes, time.monotonic() + seconds)


def rates_of(calls_per_second: float) -> list[Rate]:
    """Allow that many calls on average, and in no single second more than the next whole number."""
    second = int(Duration.SECOND)
    if calls_per_second < 1:
        return [Rate(1, round(second / calls_per_second))]
    pace = Fraction(calls_per_second).limit_denominator(60)
    burst = Rate(math.ceil(pace), second)
    return [burst] if pace.denominator == 1 else [burst, Rate(pace.numerator, pace.denominator * second)]


def get_retry_after(values: Sequence[str], now: datetime) -> float | None:
    """Seconds that a server wants to be left alone, from its `Retry-After` headers; None for nothing usable.

    A value is a number of seconds or an HTTP date, which is held against `now`, the server's own time. Of
    several the longest counts, and never more than a day.
    """
    found: list[float] = []
    for value in map(str.strip, values):
        if _SECONDS.fullmatch(value):
            found.append(float(value))
        elif (moment := get_http_date([value])) is not None:
            found.append((moment - now).total_seconds())
    longest = min(max(found, default=0.0), LONGEST_WAIT_SECONDS)
    return longest if longest > 0 else None


def get_http_date(values: Sequence[str]) -> datetime | None:
    """Read a `Date` header; None where it is absent, contradicts itself, or cannot be right."""
    if len(set(values)) != 1:
        return None
    try:
        moment = parsedate_to_datetime(values[0])
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return moment if _EARLIEST <= moment <= _LATEST else None
