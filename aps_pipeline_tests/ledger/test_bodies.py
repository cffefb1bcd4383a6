"""Bodies that are no longer what came."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from aps_pipeline.ledger import CallEnd, CallState, Ledger, QuotaAccount
from aps_pipeline_tests.ledger.helpers import answered, ended, request, states

DAMAGES: dict[str, bytes | None] = {
    "is gone": None,
    "cannot be decompressed": b"\x00\x01",
    "is no text": zlib.compress(b"\xff\xfe"),
    "is not the one that came: its digest differs": zlib.compress(b"something else"),
}


def put_body(url: str, call_id: int, body: bytes | None) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        if body is None:
            connection.execute(sa.text("DELETE FROM bodies WHERE call_id = :id"), {"id": call_id})
        else:
            change = "UPDATE bodies SET body = :body WHERE call_id = :id"
            connection.execute(sa.text(change), {"id": call_id, "body": body})
    engine.dispose()


@pytest.mark.parametrize("reason", DAMAGES)
def test_a_damaged_body_is_left_out_and_named(
    ledger: Ledger, ledger_url: str, account: QuotaAccount, reason: str
) -> None:
    good, bad = answered(ledger, account, request(1), "good"), answered(ledger, account, request(2), "bad")
    put_body(ledger_url, bad, DAMAGES[reason])
    if reason == "is no text":  # the digest, which would tell as well, is missing in older ledgers
        engine = sa.create_engine(ledger_url)
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE calls SET body_sha256 = NULL"))
        engine.dispose()
    assert ledger.read_bodies([good, bad]) == {good: "good"}
    ((count, faults),) = ledger.check_bodies()
    assert (count, ledger.count_bodies()) == (2, 2)
    assert [(f.call_id, f.reason, f.is_open) for f in faults] == [(bad, reason, True)]
    assert states(ledger) == ["answered"] * 2, "looking changes nothing"


def test_a_damaged_answer_no_longer_counts_until_another_has_come(
    ledger: Ledger, account: QuotaAccount
) -> None:
    first = answered(ledger, account, request(1))
    second = answered(ledger, account, request(1), after=first)
    held = ledger.entries("system_energy", "hourly")["S1", "", "2024-03-01"]
    assert (held.good, held.asked_utc is None) == (second, False)
    ledger.mark_damaged(second, "is gone")
    held = ledger.entries("system_energy", "hourly")["S1", "", "2024-03-01"]
    assert (held.good, held.asked_utc) == (first, None), "an older answer serves; it is to be asked again"
    assert [f.call_id for f in ledger.list_damaged()] == [second] and ledger.count_bodies() == 1
    third = answered(ledger, account, request(1), after=first)
    held = ledger.entries("system_energy", "hourly")["S1", "", "2024-03-01"]
    assert (held.good, held.asked_utc is None) == (third, False) and ledger.list_damaged() == []


def test_only_an_answer_can_be_lost(ledger: Ledger, account: QuotaAccount) -> None:
    call_id = ended(ledger, account, request(1), CallState.FAILED)
    ledger.mark_damaged(call_id, "is gone")
    assert states(ledger) == ["failed"]


def test_the_body_of_a_call_that_brought_no_rows_is_nothing_to_mend(
    ledger: Ledger, ledger_url: str, account: QuotaAccount
) -> None:
    call_id = ledger.reserve(request(1), account).call_id
    ledger.finish(call_id, CallEnd(CallState.NO_DATA, 200, 1001, body='{"code":1001}', simulated=True))
    put_body(ledger_url, call_id, b"")
    ((_, faults),) = ledger.check_bodies()
    assert [fault.is_open for fault in faults] == [False]


def test_bodies_without_a_digest_get_theirs(
    open_ledger: Callable[[], Ledger], ledger_url: str, account: QuotaAccount
) -> None:
    ledger = open_ledger()
    call_id = answered(ledger, account, request(1), "a body")
    engine = sa.create_engine(ledger_url)
    digest = sa.text("SELECT body_sha256 FROM calls")
    with engine.begin() as connection:
        before = connection.execute(digest).scalar_one()
        connection.execute(sa.text("UPDATE calls SET body_sha256 = NULL"))
    list(ledger.check_bodies())
    with engine.begin() as connection:
        assert connection.execute(digest).scalar_one() == before
    engine.dispose()
    put_body(ledger_url, call_id, zlib.compress(b"another"))
    assert ledger.read_bodies([call_id]) == {}
