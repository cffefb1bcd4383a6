"""Everything that a server can send instead of an answer, within bounds of time and size."""

from __future__ import annotations

import socket
import time

import pytest

from aps_pipeline.api import Answer, Limits
from aps_pipeline.api import errors as e
from aps_pipeline.api.retry import get_retries
from aps_pipeline_tests.api.asking import ASKED, HASTY, PATIENT, Diary, client_to, outcome
from aps_pipeline_tests.api.fake import (
    Script,
    breaks_off,
    drips,
    envelope,
    gzipped,
    http,
    resets,
    says,
    serving,
)

PAGE = b"<html><body>hello</body></html>"
GOOD = envelope(0, ["1.5"] * 24)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
HEAD_WITHOUT_LENGTH = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"

NOT_ANSWERS: dict[str, tuple[Script, type[e.ApsError]]] = {
    "html with 200": (says(http(PAGE)), e.NotAnAnswerError),
    "html with 500": (says(http(PAGE, "500 Internal Server Error")), e.NotAnAnswerError),
    "html with 404": (says(http(PAGE, "404 Not Found")), e.WrongAddressError),
    "html with 401": (says(http(PAGE, "401 Unauthorized")), e.WrongAddressError),
    "408": (says(http(PAGE, "408 Request Timeout")), e.NotAnAnswerError),
    "429": (says(http(PAGE, "429 Too Many Requests")), e.BusyError),
    "empty": (says(http(b"")), e.NotAnAnswerError),
    "no content": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), e.NotAnAnswerError),
    "JSON that breaks off": (says(http(GOOD[:-9])), e.MalformedError),
    "a list": (says(http(b"[]")), e.NotAnAnswerError),
    "no code": (says(http(b'{"data":[]}')), e.MalformedError),
    "deep": (says(http(b"[" * 90_000)), e.NotAnAnswerError),
    "not utf-8": (says(http(GOOD.replace(b"1.5", b"\xff\xfe", 1))), e.NotAnAnswerError),
    "cut off": (breaks_off(http(GOOD, length=len(GOOD) + 100)), e.TransportError),
    "cut off in a chunk": (breaks_off(CHUNKED + b"ff\r\nabc"), e.TransportError),
    "cut off before the last chunk": (breaks_off(CHUNKED + b"3\r\nabc\r\n"), e.TransportError),
    "broken gzip": (says(http(b"not gzip", "200 OK", "Content-Encoding: gzip")), e.TransportError),
    "half a head": (breaks_off(b"HTTP/1.1 200 OK\r\nContent-"), e.NotAnAnswerError),
    "not http": (breaks_off(b"SSH-2.0-OpenSSH_9.6\r\n"), e.TransportError),
    "nothing": (breaks_off(b""), e.TransportError),
    "reset": (resets, e.TransportError),
    "silence": (says(b""), e.TransportError),
    "too large": (says(http(GOOD + b" " * 200_000)), e.OversizedError),
    "a gzip bomb": (says(gzipped(GOOD + b" " * 60_000_000)), e.OversizedError),
    "endless headers": (says(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 300 + b"\r\n"), e.TransportError),
    "a drip": (drips(http(b"", length=500), b"x"), e.TransportError),
    "a drip without a length": (drips(HEAD_WITHOUT_LENGTH, b" "), e.TransportError),
    "a drip of an answer without a length": (drips(HEAD_WITHOUT_LENGTH + GOOD, b" "), e.TransportError),
    "a drip of headers": (drips(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), e.TransportError),
    "a drip of one header": (drips(b"HTTP/1.1 200 OK\r\nX-A: ", b"b"), e.TransportError),
    "a drip of chunks": (drips(CHUNKED, b"1\r\n \r\n"), e.TransportError),
}


@pytest.mark.parametrize("name", NOT_ANSWERS)
def test_what_is_no_answer_is_one_of_our_errors_in_time(name: str) -> None:
    script, kind = NOT_ANSWERS[name]
    diary, begun = Diary(), time.monotonic()
    with serving(script) as server:
        found = outcome(server.url, diary, HASTY if name.startswith(("a drip", "silence")) else PATIENT)
        attempts = len(server.requests)
    assert type(found) is kind, found
    assert attempts == diary.attempts == get_retries(kind) + 1
    assert time.monotonic() - begun < 5, "a drip would go on for 10 seconds an attempt"
    assert str(found).isprintable() and "hello" not in str(found)


@pytest.mark.parametrize(
    "answer",
    [
        http(GOOD),
        gzipped(GOOD),
        http(GOOD).replace(b"application/json", b"application/octet-stream"),
        http(GOOD).replace(b"application/json", b"text/html; charset=utf-16"),
        http(GOOD).replace(b"Content-Type: application/json\r\n", b""),
        CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD),
    ],
    ids=["plain", "gzip", "octet-stream", "another charset", "no type", "chunked"],
)
def test_an_answer_is_an_answer_whatever_its_type_says(answer: bytes) -> None:
    with serving(says(answer)) as server:
        found = outcome(server.url)
    assert isinstance(found, Answer)
    assert (found.code, found.text, found.http_status, found.simulated) == (0, GOOD.decode(), 200, False)


def test_the_text_is_kept_as_it_came() -> None:
    body = '{"code":0, "data":["1.50", "Straße 🌞", 1e-3]}\n'
    with serving(says(http(body.encode()))) as server:
        found = outcome(server.url)
    assert isinstance(found, Answer) and found.text == body


def test_the_mark_of_a_simulator_is_seen() -> None:
    with serving(says(http(GOOD, "200 OK", "X-APS-Simulator: 1"))) as server:
        found = outcome(server.url)
    assert isinstance(found, Answer) and found.simulated


def test_no_connection_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    diary = Diary()
    found = outcome(f"http://127.0.0.1:{port}", diary)
    assert type(found) is e.NotSentError and diary.attempts == 3


def test_an_unknown_host_is_not_sent() -> None:
    assert type(outcome("https://no-such-host.invalid")) is e.NotSentError


def test_a_port_that_does_not_speak_tls_is_not_sent() -> None:
    with serving(says(b"")) as server:
        silent = Limits(connect_seconds=0.2, total_seconds=0.1)
        found = outcome(server.url.replace("http://", "https://"), limits=silent)
    assert type(found) is e.NotSentError, "no request can have been read"


def test_a_slow_but_steady_answer_within_the_limits_is_taken() -> None:
    head, patient = http(b"", length=len(GOOD)), Limits(2, 1, 20, 200_000)
    with serving(drips(head + GOOD[:-5], GOOD[-5:][:1], 0.05, 1)) as server:
        assert isinstance(outcome(server.url, limits=patient), e.TransportError), "five bytes were promised"
    with serving(drips(head + GOOD[:-1], GOOD[-1:], 0.05, 1)) as server:
        assert isinstance(outcome(server.url, limits=patient), Answer)


def test_a_deadline_ends_with_its_attempt() -> None:
    """A later answer on the same connection is not cut by the watch of an earlier one."""
    with serving(says(http(GOOD))) as server:
        client = client_to(server.url, Limits(5, 5, 0.25, 200_000))
        for _ in range(3):
            assert client.ask(ASKED, Diary()).code == 0
            time.sleep(0.1)
        assert len(server.requests) == 3 and len(server.connections) == 1
