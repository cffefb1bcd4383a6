"""The signature of a request as the server checks it (manual 2.2)."""

from __future__ import annotations

import base64
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

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
