"""The one choke point: every call is begun and ended in a journal, every outcome is one typed error.

Retries belong here alone. Each attempt is signed anew and is a call of its own in the journal.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from aps_pipeline.api.auth import Credentials, get_signed_headers
from aps_pipeline.api.errors import (
    ApsError,
    BusyError,
    MalformedError,
    NotAnAnswerError,
    PassingError,
    SignatureError,
    WrongAddressError,
    error_of,
)
from aps_pipeline.api.rate_limit import SHORT_WAIT_SECONDS, Limits, RateLimit
from aps_pipeline.api.retry import RetryPolicy
from aps_pipeline.endpoints import path_and_query
from aps_pipeline.envelope import REMOVED, NotAnEnvelopeError, open_envelope, remove_secrets
from aps_pipeline.request import Request

if TYPE_CHECKING:
    from aps_pipeline.api.transport import Response


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: code 0 or 1001, the body as text without secrets, and the `data` read from that text.

    `server_utc` is the server's time where this machine's clock shows another, `retry_after` the seconds that
    the server wants to be left alone.
    """

    code: int
    text: str
    http_status: int
    simulated: bool
    data: Any = None
    server_utc: datetime | None = None
    retry_after: float | None = None


class Journal(Protocol):
    """Who is told of every attempt, before it is sent and after it has ended."""

    def enter(self, request: Request) -> None:
        """Wait until an attempt may be made; whatever it raises ends the call."""

    def begin(self, request: Request) -> int:
        """Allow and note an attempt; whatever it raises ends the call unsent."""

    def end(self, call_id: int, outcome: Answer | ApsError) -> None:
        """Note how the attempt ended."""


class Client:
    """Call the API, from any number of threads.

    Args:
        base_url: `https://…`; plain http only to loopback.
        calls_per_second: attempts of all threads together.
        max_in_flight: attempts under way at once.
        backoff_seconds: first pause before a retry; it doubles, with jitter.
    Raises ValueError for a base URL that would send signatures in the clear.
    """

    def __init__(
        self,
        base_url: str,
        prefix: str,
        credentials: Credentials,
        *,
        calls_per_second: float = 5.0,
        max_in_flight: int = 4,
        backoff_seconds: float = 1.0,
        limits: Limits | None = None,
    ) -> None:
        self._base_url = check_base_url(base_url)
        self._prefix = "/" + prefix.strip("/")
        self._credentials = credentials
        self._limits = limits or Limits()
        self._policy = RetryPolicy(backoff_seconds)
        self._stopped = threading.Event()
        self._rate_limit = RateLimit(calls_per_second, max_in_flight, self._stopped)
        self._sessions = threading.local()

    def stop(self) -> None:
        """Let no retry start any more; calls in flight end by themselves."""
        self._stopped.set()

    def ask(self, request: Request, journal: Journal, policy: RetryPolicy | None = None) -> Answer:
        """Ask until a good answer comes, the policy allows no further attempt, or the error says to stop.

        Raises ApsError, or what the journal raises.
        """
        attempt, policy = 0, policy or self._policy
        while True:
            attempt += 1
            try:
                return self._attempt(request, journal)
            except ApsError as error:
                pause = policy.get_pause(attempt, error)
                if pause is None or self._stopped.wait(pause):
                    raise

    def _attempt(self, request: Request, journal: Journal) -> Answer:
        journal.enter(request)  # outside: who waits here holds nobody up
        with self._rate_limit:
            call_id = journal.begin(request)
            try:
                answer = self._send(request)
            except ApsError as error:
                if isinstance(error, BusyError):
                    self._rate_limit.slow_down()
                self._rest(error.retry_after)
                journal.end(call_id, error)
                raise
            self._rest(answer.retry_after)
            journal.end(call_id, answer)
            return answer

    def _rest(self, seconds: float | None) -> None:
        """Let every thread wait for as long as the server asks, if that is not long."""
        if seconds is not None and seconds <= SHORT_WAIT_SECONDS:
            self._rate_limit.pause(seconds)

    def _send(self, request: Request) -> Answer:
        # Here, so that a run without calls waits for no HTTP library.
        from aps_pipeline.api.transport import exchange, new_session  # noqa: PLC0415

        if not hasattr(self._sessions, "session"):
            self._sessions.session = new_session()
        path, query = path_and_query(request, self._prefix)
        headers = get_signed_headers(self._credentials, path)
        response = exchange(self._sessions.session, self._base_url + path, query, headers, self._limits)
        text = self._redact(response.text, headers)
        try:
            envelope = open_envelope(text)
        except NotAnEnvelopeError as problem:
            raise _with_context(response, text, _not_an_answer(response, problem)) from None
        error = error_of(envelope.code, envelope.message, response.status)
        if error is None and response.status != HTTPStatus.OK:
            error = PassingError(f"HTTP {response.status} around code {envelope.code}", None, response.status)
        if isinstance(error, SignatureError) and response.server_utc is not None:  # the clock may be at fault
            skew = (response.server_utc - datetime.now(UTC)).total_seconds()
            found = f"this clock differs from the server's by {skew:.0f} s"
            error = SignatureError(f"code {envelope.code}, {found}", envelope.code, response.status)
        if error is not None:
            raise _with_context(response, text, error)
        return Answer(
            envelope.code,
            text,
            response.status,
            response.simulated,
            envelope.data,
            response.server_utc,
            response.retry_after,
        )

    def _redact(self, text: str, headers: dict[str, str]) -> str:
        for secret in (self._credentials.app_secret, headers["X-CA-Signature"]):
            text = text.replace(secret, REMOVED)
            if "\\" in text:  # JSON may spell any character in other ways
                spelt = "".join(rf"(?:\\?{re.escape(each)}|\\u{ord(each):04x})" for each in secret)
                text = re.sub(spelt, REMOVED, text, flags=re.IGNORECASE)
        return remove_secrets(text)


def check_base_url(url: str) -> str:
    """`url` without a trailing slash. Raises ValueError unless it is https, or http to loopback."""
    try:  # what urlsplit says repeats the text, which may be a secret in the wrong place
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("host or port cannot be read: a base URL is such as https://host:9282") from None
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        raise ValueError("is not a plain base URL such as https://host:9282")
    is_loopback = parts.hostname == "localhost"
    with suppress(ValueError):  # any other name is no address
        is_loopback = is_loopback or ipaddress.ip_address(parts.hostname).is_loopback
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback):
        raise ValueError("is refused: use https (http only to loopback)")
    return url.rstrip("/")


def _not_an_answer(response: Response, problem: NotAnEnvelopeError) -> ApsError:
    passes = response.status in (408, 425, HTTPStatus.TOO_MANY_REQUESTS)
    if 400 <= response.status < 500 and not passes:
        return WrongAddressError(f"HTTP {response.status} without an API answer", None, response.status)
    if response.status == HTTPStatus.TOO_MANY_REQUESTS:
        return BusyError("HTTP 429, too many requests", None, response.status)
    if response.text.lstrip()[:1] == "{":
        return MalformedError(f"HTTP {response.status}, {problem}", None, response.status)
    page = " (a web page)" if response.text.lstrip()[:1] == "<" else ""
    return NotAnAnswerError(f"HTTP {response.status}{page}, {problem}", None, response.status)


def _with_context(response: Response, text: str, error: ApsError) -> ApsError:
    """Add to the error what came with it."""
    error.body, error.server_utc, error.retry_after = text, response.server_utc, response.retry_after
    return error
