"""One HTTP exchange in plain values: what bounds it, and what came back. How it is made: `transport`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one attempt: seconds to connect, between bytes and in all; bytes after decompression."""

    connect_seconds: float = 10.0
    read_seconds: float = 30.0
    total_seconds: float = 90.0
    max_bytes: int = 4_000_000


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole and decoded; `server_utc` and `retry_after` as in ApsError."""

    status: int
    text: str
    simulated: bool
    server_utc: datetime | None
    retry_after: float | None
