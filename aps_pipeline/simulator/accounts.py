"""Accounts of the simulated API: their signatures (manual 2.2), limits and requests so far."""

from __future__ import annotations

import base64
import hmac
import re
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from aps_pipeline.periods import zone
from aps_pipeline.simulator.fleet import Fleet, FleetError
from aps_pipeline.simulator.request import BUSY, QUOTA_USED_UP, TOO_MANY, ApiError

_REQUESTS_KEPT = 500_000


@dataclass(frozen=True, slots=True)
class Counts:
    """The requests so far.

    `total` counts the calls with a valid signature, those that a quota counts; `by_endpoint` the same by the
    names of `request.ENDPOINTS`; `by_code` them by the code of the answer; `received` every request.
    """

    received: int = 0
    total: int = 0
    by_endpoint: Counter[str] = field(default_factory=Counter)
    by_code: Counter[int] = field(default_factory=Counter)


class RequestLog:
    """Counts requests as they come. Safe for threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._received = 0
        self._endpoints: Counter[str] = Counter()
        self._codes: Counter[int] = Counter()
        self._requests: deque[tuple[str, str]] = deque(maxlen=_REQUESTS_KEPT)

    def note_request(self, path: str, query: str) -> None:
        """Note a request of any kind."""
        with self._lock:
            self._received += 1
            self._requests.append((path, query))

    def note_signed(self, endpoint: str) -> None:
        """Note a call with a valid signature."""
        with self._lock:
            self._endpoints[endpoint] += 1

    def note_code(self, code: int) -> None:
        """Note the code that such a call is answered with."""
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
        """Count a call and hold its place in flight. Raises ApiError 2005, 7002 or 7003."""
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
        """Count a call; the code it is refused with, None if it is within the limits."""
        month = now.astimezone(zone("Asia/Shanghai")).strftime("%Y-%m")
        self._used[month] += 1
        if self._quota is not None and self._used[month] > self._quota:
            return QUOTA_USED_UP
        if self._in_flight is not None and self._flying > self._in_flight:
            return BUSY
        if self._per_second is None:
            return None
        # Below one a second the window grows instead, so that 0.5 is one call in two seconds.
        window, most = max(1.0, 1.0 / self._per_second), max(1.0, self._per_second)
        while self._recent and instant - self._recent[0] >= window:
            self._recent.popleft()
        if len(self._recent) >= most:
            return TOO_MANY
        self._recent.append(instant)
        return None


APP_ID = "X-CA-AppId"
HEADERS = (APP_ID, "X-CA-Timestamp", "X-CA-Nonce", "X-CA-Signature-Method", "X-CA-Signature")
SKEW_MS = 10 * 60 * 1000

_HASHES = {"HmacSHA256": "sha256", "HmacSHA1": "sha1"}
_TIMESTAMP = re.compile(r"[0-9]{13}", re.ASCII)
_NONCE = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
_NONCES_KEPT = 500_000


class Signatures:
    """Checks that requests are signed by the holder of one secret, and never twice with the same nonce."""

    def __init__(self, app_id: str, app_secret: str) -> None:
        self._app_id = app_id
        self._secret = app_secret.encode()
        self._nonces: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def accepts(self, method: str, last_segment: str, headers: Mapping[str, str], now_ms: int) -> bool:
        """Tell whether the request has a valid signature; an accepted nonce is used up.

        `last_segment` is the text after the last `/` of the path as sent; `now_ms` is ms since 1970.
        """
        app_id, timestamp, nonce, algorithm, signature = (headers.get(name, "") for name in HEADERS)
        if app_id != self._app_id or algorithm not in _HASHES:
            return False
        if not _NONCE.fullmatch(nonce) or not _TIMESTAMP.fullmatch(timestamp):
            return False
        if abs(int(timestamp) - now_ms) > SKEW_MS:
            return False
        text = "/".join((timestamp, nonce, app_id, last_segment, method, algorithm))
        mac = base64.b64encode(hmac.digest(self._secret, text.encode(), _HASHES[algorithm]))
        if not hmac.compare_digest(signature.encode(), mac):
            return False
        with self._lock:
            if nonce in self._nonces:
                return False
            self._nonces[nonce] = None
            # A nonce is too old by its timestamp long before that many others have come.
            if len(self._nonces) > _NONCES_KEPT:
                self._nonces.popitem(last=False)
            return True


@dataclass(frozen=True, slots=True)
class Account:
    """An App Id with its secret, the systems it may see, and its calls a month; None is no limit."""

    app_id: str
    app_secret: str = field(repr=False)
    system_ids: tuple[str, ...]
    quota: int | None = None


class AccountState:
    """What the server knows of one account: its signatures, its limits and its requests."""

    def __init__(self, account: Account, per_second: float | None, in_flight: int | None) -> None:
        self.account = account
        self.signatures = Signatures(account.app_id, account.app_secret)
        self.limits = Limits(account.quota, per_second, in_flight)
        self.log = RequestLog()


def split_accounts(fleet: Fleet, number: int, quota: int | None = None) -> tuple[Account, ...]:
    """Deal the systems of a fleet to `number` accounts in turn. Raises FleetError if one would have none."""
    ids = fleet.system_ids
    if not 1 <= number <= len(ids):
        raise FleetError(f"{len(ids)} systems make 1 to {len(ids)} accounts, not {number}")
    return tuple(
        Account(f"simulator{n + 1}".ljust(32, "0"), f"simulated{n + 1:03}", ids[n::number], quota)
        for n in range(number)
    )


def check_accounts(accounts: Iterable[Account], fleet: Fleet) -> tuple[Account, ...]:
    """Check accounts. Raises FleetError if two share an App Id or name a system the fleet has not."""
    accounts = tuple(accounts)
    if len({account.app_id for account in accounts}) < len(accounts):
        raise FleetError("two accounts have the same App Id")
    if strange := {sid for account in accounts for sid in account.system_ids} - set(fleet.system_ids):
        raise FleetError(f"no system of the fleet: {sorted(strange)}")
    return accounts
