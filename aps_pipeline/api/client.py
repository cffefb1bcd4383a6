"""The one choke point: every call is begun and ended in a journal, every outcome is one typed error.

Retries belong here alone. Each attempt is signed anew and is a call of its own in the journal.
"""

from __future__ import annotations

import ipaddress
import math
import random
import re
import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol
from urllib.parse import urlsplit

import requests
from pyrate_limiter import Duration, Limiter, Rate

from aps_pipeline.api.auth import Credentials, signed_headers
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
from aps_pipeline.api.throttle import Throttle
from aps_pipeline.api.transport import Limits, Response, exchange, new_session
from aps_pipeline.endpoints import request_of
from aps_pipeline.envelope import REMOVED, Envelope, NotAnEnvelopeError, open_envelope, without_secrets
from aps_pipeline.question import Question

_SKEW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: code 0 or 1001, and the body as text without secrets."""

    code: int
    text: str
    http_status: int
    simulated: bool


class Journal(Protocol):
    """Who is told of every attempt, before it is sent and after it has ended."""

    def begin(self, question: Question) -> int:
        """Allow and note an attempt; whatever it raises ends the call unsent."""

    def end(self, call_id: int, outcome: Answer | ApsError) -> None:
        """Note how the attempt ended."""


class Client:
    """Asks questions of the API, from any number of threads.

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
        self._base_url = checked_base_url(base_url)
        self._prefix = "/" + prefix.strip("/")
        self._credentials = credentials
        self._limits = limits or Limits()
        self._backoff_seconds = backoff_seconds
        self._limiter = Limiter(_rates(calls_per_second))
        self._throttle = Throttle(max_in_flight)
        self._sessions = threading.local()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let no retry start any more; calls in flight end by themselves."""
        self._stopped.set()

    def ask(self, question: Question, journal: Journal) -> Answer:
        """Ask until a good answer comes or the error says to stop.

        Raises ApsError, or what the journal raises.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(question, journal)
            except ApsError as error:
                if attempt > error.retries or self._stopped.wait(self._pause(attempt)):
                    raise

    def _pause(self, attempt: int) -> float:
        longest = self._backoff_seconds * 2 ** (attempt - 1)
        return random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret

    def _attempt(self, question: Question, journal: Journal) -> Answer:
        self._limiter.try_acquire("calls")
        with self._throttle:
            call_id = journal.begin(question)
            try:
                answer = self._send(question)
            except ApsError as error:
                if isinstance(error, BusyError):
                    self._throttle.slow_down()
                journal.end(call_id, error)
                raise
            journal.end(call_id, answer)
            return answer

    def _send(self, question: Question) -> Answer:
        path, query = request_of(question, self._prefix)
        headers = signed_headers(self._credentials, path)
        response = exchange(self._session(), self._base_url + path, query, headers, self._limits)
        text = self._redacted(response.text, headers)
        try:
            envelope = open_envelope(text)
        except NotAnEnvelopeError as problem:
            raise _with_body(_not_an_answer(response, problem), text) from None
        error = error_of(envelope.code, envelope.message, response.status)
        if error is None and response.status != requests.codes.ok:
            error = PassingError(f"HTTP {response.status} around code {envelope.code}", None, response.status)
        if error is not None:
            raise _with_body(_with_clock(error, envelope, response), text)
        return Answer(envelope.code, text, response.status, response.simulated)

    def _session(self) -> requests.Session:
        if not hasattr(self._sessions, "session"):
            self._sessions.session = new_session()
        session: requests.Session = self._sessions.session
        return session

    def _redacted(self, text: str, headers: dict[str, str]) -> str:
        for secret in (self._credentials.app_secret, headers["X-CA-Signature"]):
            text = text.replace(secret, REMOVED)
            if "\\" in text:  # JSON may spell any character in other ways
                text = re.sub("".join(map(_spellings, secret)), REMOVED, text, flags=re.IGNORECASE)
        return without_secrets(text)


def _rates(calls_per_second: float) -> list[Rate]:
    """That many calls on average, and in no single second more than its next whole number."""
    second = int(Duration.SECOND)
    if calls_per_second < 1:
        return [Rate(1, round(second / calls_per_second))]
    pace = Fraction(calls_per_second).limit_denominator(60)
    burst = Rate(math.ceil(pace), second)
    return [burst] if pace.denominator == 1 else [burst, Rate(pace.numerator, pace.denominator * second)]


def _spellings(character: str) -> str:
    return rf"(?:\\?{re.escape(character)}|\\u{ord(character):04x})"


def checked_base_url(url: str) -> str:
    """`url` without a trailing slash. Raises ValueError unless it is https, or http to loopback."""
    try:  # what urlsplit says repeats the text, which may be a secret in the wrong place
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("host or port cannot be read: a base URL is such as https://host:9282") from None
    if parts.username or parts.password or parts.query or parts.fragment or not parts.hostname:
        raise ValueError("is not a plain base URL such as https://host:9282")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ValueError("is refused: use https (http only to loopback)")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _not_an_answer(response: Response, problem: NotAnEnvelopeError) -> ApsError:
    if 400 <= response.status < 500 and response.status != requests.codes.too_many_requests:
        return WrongAddressError(f"HTTP {response.status} without an API answer", None, response.status)
    if response.status == requests.codes.too_many_requests:
        return BusyError("HTTP 429, too many requests", None, response.status)
    if response.text.lstrip()[:1] == "{":
        return MalformedError(f"HTTP {response.status}, {problem}", None, response.status)
    page = " (a web page)" if response.text.lstrip()[:1] == "<" else ""
    return NotAnAnswerError(f"HTTP {response.status}{page}, {problem}", None, response.status)


def _with_clock(error: ApsError, envelope: Envelope, response: Response) -> ApsError:
    """Name the clock where a refused signature may be its fault."""
    skew = (response.server_time or time.time()) - time.time()
    if not isinstance(error, SignatureError) or abs(skew) < _SKEW_SECONDS:
        return error
    found = f"this clock differs from the server's by {skew:.0f} s"
    return SignatureError(f"code {envelope.code}, {found}", envelope.code, response.status)


def _with_body(error: ApsError, text: str) -> ApsError:
    error.body = text
    return error
