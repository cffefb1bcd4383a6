"""The APsystems OpenAPI over HTTP: signing, the client, and every error it can raise.

Nothing here keeps anything or knows what a body means: see `ledger` and `parse`.
"""

from __future__ import annotations

from aps_pipeline.api.auth import Credentials
from aps_pipeline.api.client import Answer, Client, Journal, check_base_url
from aps_pipeline.api.errors import CODES, NO_DATA, OK, ApsError, Scope, error_of
from aps_pipeline.api.rate_limit import SHORT_WAIT_SECONDS, Limits
from aps_pipeline.api.retry import (
    NO_RETRIES,
    Circuit,
    CircuitBreaker,
    CircuitOpenError,
    RetryPolicy,
    is_server_failure,
)

__all__ = [
    "CODES",
    "NO_DATA",
    "NO_RETRIES",
    "OK",
    "SHORT_WAIT_SECONDS",
    "Answer",
    "ApsError",
    "Circuit",
    "CircuitBreaker",
    "CircuitOpenError",
    "Client",
    "Credentials",
    "Journal",
    "Limits",
    "RetryPolicy",
    "Scope",
    "check_base_url",
    "error_of",
    "is_server_failure",
]
