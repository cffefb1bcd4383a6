"""The signature of manual 2.2, and a fresh one for every attempt."""

from __future__ import annotations

import base64
import hmac
import re
import time

import pytest

from aps_pipeline.api.auth import Credentials, get_signed_headers, sign
from aps_pipeline_tests.api.asking import ASKED, ID, SECRET, Diary, client_to
from aps_pipeline_tests.api.fake import envelope, http, says, serving

TIMESTAMP, NONCE = "1700000000000", "5e36eab8295911ee90751eff13c2920b"
PATH = "/user/api/v2/systems/S/devices/ecu/energy/203000001234"


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("HmacSHA256", "Akz1RNHBeHxvD0fR+aLaS8cqTGSQnuvhAYAW+PCvrkQ="),
        ("HmacSHA1", "rO2kpf5MCfmHqQDio3z3thoIRt8="),
    ],
)
def test_the_published_vector(method: str, signature: str) -> None:
    credentials = Credentials("testappid1234567890123456789012", "secret123456", method)
    assert sign(credentials, PATH, TIMESTAMP, NONCE) == signature


def test_it_signs_utf8_and_the_last_segment_only() -> None:
    credentials = Credentials("ä", "schlüssel")
    right = hmac.digest("schlüssel".encode(), f"{TIMESTAMP}/{NONCE}/ä/x/GET/HmacSHA256".encode(), "sha256")
    assert sign(credentials, "/a/b/x", TIMESTAMP, NONCE) == base64.b64encode(right).decode()
    assert sign(credentials, "/other/x", TIMESTAMP, NONCE) == sign(credentials, "/a/b/x", TIMESTAMP, NONCE)
    assert sign(credentials, "/a/b/y", TIMESTAMP, NONCE) != sign(credentials, "/a/b/x", TIMESTAMP, NONCE)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="HmacSHA256, HmacSHA1"):
        Credentials("id", "secret", "MD5")


def test_the_five_headers() -> None:
    before = time.time() * 1000
    headers = get_signed_headers(Credentials(ID, SECRET), PATH)
    assert list(headers) == [
        "X-CA-AppId",
        "X-CA-Timestamp",
        "X-CA-Nonce",
        "X-CA-Signature-Method",
        "X-CA-Signature",
    ]
    assert re.fullmatch("[0-9a-f]{32}", headers["X-CA-Nonce"])
    assert before - 1 <= int(headers["X-CA-Timestamp"]) <= time.time() * 1000
    right = sign(Credentials(ID, SECRET), PATH, headers["X-CA-Timestamp"], headers["X-CA-Nonce"])
    assert headers["X-CA-Signature"] == right


def test_every_attempt_is_signed_anew() -> None:
    with serving(
        says(http(envelope(5000))), says(http(envelope(1000))), says(http(envelope(0, [])))
    ) as server:
        client_to(server.url).ask(ASKED, Diary())
        sent = [server.headers(n) for n in range(3)]
    assert len({headers["x-ca-nonce"] for headers in sent}) == 3
    assert len({headers["x-ca-signature"] for headers in sent}) == 3
    for headers in sent:
        right = sign(Credentials(ID, SECRET), "/S1", headers["x-ca-timestamp"], headers["x-ca-nonce"])
        assert headers["x-ca-signature"] == right


def test_what_is_sent_is_the_path_the_query_and_nothing_secret() -> None:
    with serving(says(http(envelope(0, [])))) as server:
        client_to(server.url).ask(ASKED, Diary())
        (request,) = server.requests
    first = request.split(b"\r\n")[0].decode()
    assert first == "GET /user/api/v2/systems/energy/S1?energy_level=hourly&date_range=2024-03-05 HTTP/1.1"
    assert SECRET.encode() not in request
