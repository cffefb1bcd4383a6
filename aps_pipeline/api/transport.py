"""One HTTP exchange with hard bounds: time for the whole answer, size after decompression, no redirects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookiejar import DefaultCookiePolicy
from socket import SHUT_RDWR, socket
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from aps_pipeline.api.errors import (
    ApsError,
    NotAnAnswerError,
    NotSentError,
    OversizedError,
    RedirectedError,
    TransportError,
)
from aps_pipeline.api.rate_limit import Limits, get_http_date, get_retry_after

_CHUNK = 65_536
_CLOCKS_AGREE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, whole and decoded; `server_utc` and `retry_after` as in ApsError."""

    status: int
    text: str
    simulated: bool
    server_utc: datetime | None
    retry_after: float | None


class _Watch(threading.local):
    """The deadline of this thread's exchange: a read timeout bounds each read only, bytes may drip on."""

    sockets: list[socket]
    fired: bool

    def __init__(self) -> None:
        self.sockets, self.fired = [], False

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        sockets, self.fired = self.sockets, False

        def fire() -> None:
            self_fired.append(True)
            for each in sockets:
                with suppress(OSError):  # already closed
                    each.shutdown(SHUT_RDWR)

        self_fired: list[bool] = []
        timer = threading.Timer(seconds, fire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self.fired = bool(self_fired)


_watch = _Watch()


class _Watched:
    """A connection that lets this thread's deadline close its socket, and tells whether there is one."""

    sock: Any

    def connect(self) -> None:
        _watch.sockets.clear()
        super().connect()  # type: ignore[misc]
        _watch.sockets.append(self.sock)


class _HttpConnection(_Watched, urllib3.connection.HTTPConnection):
    pass


class _HttpsConnection(_Watched, urllib3.connection.HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


def new_session() -> requests.Session:
    """Make a session for one thread and one host: no cookies, no proxies, .netrc or CA of the environment."""
    session = requests.Session()
    session.trust_env = False
    session.verify = True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(pool_connections=1, pool_maxsize=1, max_retries=0))
    return session


def exchange(
    session: requests.Session, url: str, query: dict[str, str], headers: dict[str, str], limits: Limits
) -> Response:
    """GET `url` once. Raises NotSentError, TransportError, NotAnAnswerError, RedirectedError."""
    timeouts = (limits.connect_seconds, limits.read_seconds)
    try:
        # Of what a session merges into each request, only its headers are wanted.
        request = requests.Request("GET", url, {**session.headers, **headers}, params=query).prepare()
        with (
            _watch.deadline(limits.total_seconds),
            session.send(request, timeout=timeouts, allow_redirects=False, stream=True) as response,
        ):
            found = _read_response(response, limits)
    except requests.RequestException as error:
        raise _transport_error(error, limits) from None
    if _watch.fired:  # without a length, the end of time looks like the end of the answer
        raise TransportError(_too_late(limits))
    return found


def _read_response(response: requests.Response, limits: Limits) -> Response:
    """Read the whole answer. Raises what `exchange` does, with what the headers say of the server."""
    headers = response.raw.headers  # where a header that stands twice is seen twice
    now = datetime.now(UTC)
    server_utc = get_http_date(headers.getlist("Date"))
    retry_after = get_retry_after(headers.getlist("Retry-After"), server_utc or now)
    if server_utc is not None and abs(server_utc - now) <= _CLOCKS_AGREE:
        server_utc = None  # said only where this machine's clock shows another time
    try:
        text = _text(response, limits.max_bytes)
        if response.is_redirect or 300 <= response.status_code < 400:
            found = "the server redirects elsewhere, which is not followed"
            raise RedirectedError(found, None, response.status_code)
    except ApsError as error:
        error.server_utc, error.retry_after = server_utc, retry_after
        raise
    is_simulated = "X-APS-Simulator" in response.headers
    return Response(response.status_code, text, is_simulated, server_utc, retry_after)


def _text(response: requests.Response, max_bytes: int) -> str:
    """Read the body as text, without the mark that some servers put before UTF-8."""
    parts: list[bytes] = []
    size = 0
    for part in response.iter_content(_CHUNK):
        size += len(part)
        if size > max_bytes:
            raise OversizedError(f"an answer of more than {max_bytes:,} bytes", None, response.status_code)
        parts.append(part)
    try:
        return b"".join(parts).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotAnAnswerError("an answer that is not UTF-8", None, response.status_code) from None


def _transport_error(error: requests.RequestException, limits: Limits) -> NotSentError | TransportError:
    """Tell 'never sent' from 'perhaps counted': without a connection, TLS included, nothing was sent."""
    if not _watch.sockets:
        is_tls = isinstance(error, requests.exceptions.SSLError)
        return NotSentError(
            "the server's certificate cannot be verified" if is_tls else "no connection to the API"
        )
    if _watch.fired:
        return TransportError(_too_late(limits))
    if isinstance(error, requests.exceptions.Timeout):
        return TransportError("the API did not answer in time")
    cause = error.args[0] if error.args else error
    return TransportError(f"the answer broke off ({type(getattr(cause, 'reason', cause)).__name__})")


def _too_late(limits: Limits) -> str:
    return f"no whole answer within {limits.total_seconds:g} s"
