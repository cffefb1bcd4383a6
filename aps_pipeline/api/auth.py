"""Signing a request: manual 2.2."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import uuid
from dataclasses import dataclass, field

METHODS = {"HmacSHA256": hashlib.sha256, "HmacSHA1": hashlib.sha1}
"""Signature methods of the manual (2.2.1)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """App Id and App Secret of an OpenAPI account; the secret never shows in a repr."""

    app_id: str
    app_secret: str = field(repr=False)
    method: str = "HmacSHA256"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"signature method {self.method!r} is none of {', '.join(METHODS)}")


def sign(credentials: Credentials, path: str, timestamp: str, nonce: str, http_method: str = "GET") -> str:
    """Base64 of the HMAC over `timestamp/nonce/appId/lastSegment/METHOD/signatureMethod` (manual 2.2.2).

    `path` is the concrete path without a query; its text after the last `/` is signed.
    """
    last_segment = path.rsplit("/", 1)[-1]
    text = "/".join((timestamp, nonce, credentials.app_id, last_segment, http_method, credentials.method))
    digest = hmac.new(credentials.app_secret.encode(), text.encode(), METHODS[credentials.method]).digest()
    return base64.b64encode(digest).decode("ascii")


def get_signed_headers(credentials: Credentials, path: str) -> dict[str, str]:
    """Make the five headers of manual 2.2.1, with a fresh timestamp (ms) and nonce: one set an attempt."""
    timestamp, nonce = str(time.time_ns() // 1_000_000), uuid.uuid4().hex
    return {
        "X-CA-AppId": credentials.app_id,
        "X-CA-Timestamp": timestamp,
        "X-CA-Nonce": nonce,
        "X-CA-Signature-Method": credentials.method,
        "X-CA-Signature": sign(credentials, path, timestamp, nonce),
    }
