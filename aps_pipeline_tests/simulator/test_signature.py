from __future__ import annotations

import pytest

from aps_pipeline.simulator import Simulator
from aps_pipeline.simulator.accounts import SKEW_MS, Signatures
from aps_pipeline_tests.simulator.caller import PREFIX, signed

SENT_MS = 1_700_000_000_000
SEGMENT = "203000001234"
VECTORS = {
    "HmacSHA256": "Akz1RNHBeHxvD0fR+aLaS8cqTGSQnuvhAYAW+PCvrkQ=",
    "HmacSHA1": "rO2kpf5MCfmHqQDio3z3thoIRt8=",
}


def headers(algorithm: str = "HmacSHA256") -> dict[str, str]:
    return {
        "X-CA-AppId": "testappid1234567890123456789012",
        "X-CA-Timestamp": str(SENT_MS),
        "X-CA-Nonce": "5e36eab8295911ee90751eff13c2920b",
        "X-CA-Signature-Method": algorithm,
        "X-CA-Signature": VECTORS[algorithm],
    }


@pytest.fixture
def signatures() -> Signatures:
    return Signatures("testappid1234567890123456789012", "secret123456")


@pytest.mark.parametrize("algorithm", VECTORS)
def test_the_published_vector_is_accepted_once(signatures: Signatures, algorithm: str) -> None:
    assert signatures.accepts("GET", SEGMENT, headers(algorithm), SENT_MS)
    assert not signatures.accepts("GET", SEGMENT, headers(algorithm), SENT_MS)


@pytest.mark.parametrize(
    "change",
    [
        {"X-CA-AppId": "testappid1234567890123456789013"},
        {"X-CA-Timestamp": str(SENT_MS + 1)},
        {"X-CA-Timestamp": "1700000000"},
        {"X-CA-Timestamp": "١٧٠٠٠٠٠٠٠٠٠٠٠"},
        {"X-CA-Nonce": "5e36eab8295911ee90751eff13c2920c"},
        {"X-CA-Nonce": "5e36eab8-2959-11ee-9075-1eff13c2920b"},
        {"X-CA-Signature-Method": "HmacSHA1"},
        {"X-CA-Signature-Method": "HmacMD5"},
        {"X-CA-Signature": VECTORS["HmacSHA1"]},
        {"X-CA-Signature": VECTORS["HmacSHA256"].lower()},
        {"X-CA-Signature": "é"},
    ],
    ids=lambda change: "=".join(next(iter(change.items()))),
)
def test_a_changed_header_is_refused(signatures: Signatures, change: dict[str, str]) -> None:
    assert not signatures.accepts("GET", SEGMENT, headers() | change, SENT_MS)
    assert signatures.accepts("GET", SEGMENT, headers(), SENT_MS), "a refused nonce is not used up"


@pytest.mark.parametrize("name", list(headers()))
def test_each_header_is_required(signatures: Signatures, name: str) -> None:
    sent = headers()
    del sent[name]
    assert not signatures.accepts("GET", SEGMENT, sent, SENT_MS)


def test_method_and_segment_are_covered(signatures: Signatures) -> None:
    assert not signatures.accepts("POST", SEGMENT, headers(), SENT_MS)
    assert not signatures.accepts("GET", "203000001235", headers(), SENT_MS)


@pytest.mark.parametrize("sign", [-1, 1])
def test_ten_minutes_of_skew_are_allowed(signatures: Signatures, sign: int) -> None:
    assert not signatures.accepts("GET", SEGMENT, headers(), SENT_MS + sign * (SKEW_MS + 1))
    assert signatures.accepts("GET", SEGMENT, headers(), SENT_MS + sign * SKEW_MS)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"secret": "another12345"},
        {"app_id": "another".ljust(32, "0")},
        {"timestamp": "1700000000000"},
        {"segment": "summary"},
        {"method": "POST"},
    ],
    ids=str,
)
def test_the_api_answers_4000_unless_all_is_right(fresh: Simulator, change: dict[str, str]) -> None:
    target = PREFIX + "details/" + fresh.fleet.system_ids[0]
    reply = fresh.reply("GET", target, signed(fresh, target, **change))
    assert (reply.status, reply.code) == (200, 4000 if change else 0)
    assert fresh.counts.total == (not change), "only what is signed counts"


def test_a_replayed_request_is_refused(fresh: Simulator) -> None:
    target = PREFIX + "details/" + fresh.fleet.system_ids[0]
    sent = signed(fresh, target)
    assert [fresh.reply("GET", target, sent).code for _ in range(2)] == [0, 4000]
