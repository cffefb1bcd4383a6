"""Accounts of the simulated API, and how it checks their signature (manual 2.2)."""

from __future__ import annotations

import base64
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from aps_pipeline.simulator.fleet import Fleet, FleetError
from aps_pipeline.simulator.limits import Limits, RequestLog

APP_ID = "X-CA-AppId"
HEADERS = (APP_ID, "X-CA-Timestamp", "X-CA-Nonce", "X-CA-Signature-Method", "X-CA-Signature")
SKEW_MS = 10 * 60 * 1000

_HASHES = {"HmacSHA256": "sha256", "HmacSHA1": "sha1"}
_TIMESTAMP = re.compile(r"[0-9]{13}", re.ASCII)
_NONCE = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)
_NONCES_KEPT = 500_000


class Signatures:
    """Says whether requests are signed by the holder of one secret, and never twice with the same nonce."""

    def __init__(self, app_id: str, app_secret: str) -> None:
        self._app_id = app_id
        self._secret = app_secret.encode()
        self._nonces: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def accepts(self, method: str, last_segment: str, headers: Mapping[str, str], now_ms: int) -> bool:
        """Whether the request is signed as it must be; an accepted nonce is used up.

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
        right = _sign(text, self._secret, algorithm)
        return hmac.compare_digest(signature.encode(), right) and self._is_new(nonce)

    def _is_new(self, nonce: str) -> bool:
        with self._lock:
            if nonce in self._nonces:
                return False
            self._nonces[nonce] = None
            # The window of the timestamp ends a nonce long before so many others have come.
            if len(self._nonces) > _NONCES_KEPT:
                self._nonces.popitem(last=False)
            return True


def _sign(text: str, secret: bytes, algorithm: str) -> bytes:
    return base64.b64encode(hmac.digest(secret, text.encode(), _HASHES[algorithm]))


@dataclass(frozen=True, slots=True)
class Account:
    """An App Id with its secret, the systems it may ask about, and its calls a month; None is no limit."""

    app_id: str
    app_secret: str = field(repr=False)
    system_ids: tuple[str, ...]
    quota: int | None = None


class AccountState:
    """Where one account is served: its signatures, its limits and its counts."""

    def __init__(self, account: Account, per_second: float | None, in_flight: int | None) -> None:
        self.account = account
        self.signatures = Signatures(account.app_id, account.app_secret)
        self.limits = Limits(account.quota, per_second, in_flight)
        self.ledger = RequestLog()


def split_accounts(fleet: Fleet, number: int, quota: int | None = None) -> tuple[Account, ...]:
    """So many accounts with the systems of a fleet in turn. Raises FleetError if one would have none."""
    ids = fleet.system_ids
    if not 1 <= number <= len(ids):
        raise FleetError(f"{len(ids)} systems make 1 to {len(ids)} accounts, not {number}")
    return tuple(
        Account(f"simulator{n + 1}".ljust(32, "0"), f"simulated{n + 1:03}", ids[n::number], quota)
        for n in range(number)
    )


def check_accounts(accounts: Iterable[Account], fleet: Fleet) -> tuple[Account, ...]:
    """The accounts. Raises FleetError for two with one App Id, or a system that the fleet has not."""
    accounts = tuple(accounts)
    if len({account.app_id for account in accounts}) < len(accounts):
        raise FleetError("two accounts have the same App Id")
    if strange := {sid for account in accounts for sid in account.system_ids} - set(fleet.system_ids):
        raise FleetError(f"no system of the fleet: {sorted(strange)}")
    return accounts
