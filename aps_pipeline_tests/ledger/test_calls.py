"""Reserving, finishing and reading calls, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aps_pipeline.ledger import (
    AlreadyAnsweredError,
    CallEnd,
    CallState,
    InFlightError,
    Ledger,
    LedgerError,
    MixedDataError,
    QuotaAccount,
)
from aps_pipeline.request import NO_ENTRY, LedgerEntry, Request
from aps_pipeline_tests.clocks import NOW, Clock
from aps_pipeline_tests.ledger.helpers import answered, ended, request, sent_time, states

BODIES = [
    "",
    '{"code":0,"data":["0.00"]}',
    "Straße 太陽 🌞 \x7f",
    "\n",
    '"' * 3 + "\\",
    "0123456789" * 400_000,
]


def test_a_call_is_written_before_it_is_sent_and_finished_after_it(
    ledger: Ledger, account: QuotaAccount, clock: Clock
) -> None:
    call_id = ledger.reserve(request(5, "S1", "E-1"), account).call_id
    (row,) = next(iter(ledger.iter_calls()))
    assert row["state"] == "in_flight" and row["finished_utc"] is None and row["sent_utc"] == NOW
    assert (row["endpoint"], row["level"], row["system_id"], row["device_id"], row["period"]) == (
        "system_energy",
        "hourly",
        "S1",
        "E-1",
        "2024-03-05",
    )
    clock.turn(seconds=2)
    ledger.finish(call_id, CallEnd(CallState.ANSWERED, 200, 0, body='{"code":0}', simulated=True))
    (row,) = next(iter(ledger.iter_calls()))
    assert row["state"] == "answered" and row["finished_utc"] == NOW + timedelta(seconds=2)
    assert (row["http_status"], row["code"], row["body_bytes"], row["quota_month"]) == (200, 0, 10, "2024-03")
    sent = sent_time(ledger, call_id)
    assert sent == NOW and sent.tzinfo is UTC


def test_what_brought_no_good_answer_is_told_with_its_code_from_a_moment_on(
    ledger: Ledger, account: QuotaAccount, clock: Clock
) -> None:
    ended(ledger, account, request(1), CallState.FAILED)
    clock.turn(days=1)
    for number, state in enumerate(CallState):
        if state is not CallState.IN_FLIGHT:
            ended(ledger, account, request(number + 10, "S1", "E-1"), state)
    denied = ledger.reserve(request(2), account).call_id
    ledger.finish(denied, CallEnd(CallState.DENIED, 200, 2004, "no permission"))
    found = ledger.list_failures(clock())
    assert [attempt.code for attempt in found] == [None, None, None, 2004], "refused, failed and denied"
    last = found[-1]
    assert (last.endpoint, last.level, last.system_id, last.device_id) == (
        "system_energy",
        "hourly",
        "S1",
        "",
    )
    assert (last.period, last.sent_utc) == ("2024-03-02", clock())
    assert len(ledger.list_failures(NOW)) == 5


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{len(body)} characters")
def test_bodies_come_back_as_they_were(ledger: Ledger, account: QuotaAccount, body: str) -> None:
    call_id = answered(ledger, account, request(), body)
    assert ledger.read_bodies([call_id]) == {call_id: body}


def test_many_bodies_are_read_at_once_and_those_without_left_out(ledger: Ledger) -> None:
    from aps_pipeline.periods import zone

    rich = QuotaAccount("rich", 5000, 0, zone("UTC"))
    ids = [answered(ledger, rich, request(system_id=f"S{n}"), f"body {n}") for n in range(12)]
    without = ended(ledger, rich, request(2), CallState.FAILED)
    found = ledger.read_bodies([*ids, without, 10**6, *ids, *range(10**7, 10**7 + 1100)])
    assert found == {call_id: f"body {n}" for n, call_id in enumerate(ids)}


def test_what_is_held_of_a_question(ledger: Ledger, account: QuotaAccount, clock: Clock) -> None:
    key = ("S1", "", "2024-03-01")
    assert ledger.entries("system_energy", "hourly").get(key, NO_ENTRY).good is None
    refused = ended(ledger, account, request(), CallState.REFUSED)
    assert ledger.entries("system_energy", "hourly")[key].refused == refused
    assert ledger.entries("system_energy", "hourly")[key].asked_utc is None, "a refused answer is none"
    first = answered(ledger, account, request())
    clock.turn(hours=1)
    none = ended(ledger, account, request(), CallState.NO_DATA, after=first)
    held = ledger.entries("system_energy", "hourly")[key]
    assert (held.answered, held.no_data, held.good, held.newest) == (first, none, first, none)
    assert (held.answered_utc, held.asked_utc) == (NOW, NOW + timedelta(hours=1))
    clock.turn(hours=1)
    newest = answered(ledger, account, request(), after=none)
    assert ledger.entries("system_energy", "hourly")[key].good == newest


def test_failed_calls_hold_nothing(ledger: Ledger, account: QuotaAccount) -> None:
    for state in (CallState.FAILED, CallState.DENIED, CallState.LOST, CallState.UNSENT):
        ended(ledger, account, request(), state)
    (held,) = ledger.entries("system_energy", "hourly").values()
    assert held == LedgerEntry(failed=3), "the newest that was sent: nothing good, nothing refused"


def test_a_refused_quota_says_nothing_of_the_question(ledger: Ledger, account: QuotaAccount) -> None:
    ledger.finish(ledger.reserve(request(), account).call_id, CallEnd(CallState.DENIED, 200, 2005))
    assert ledger.entries("system_energy", "hourly") == {}


def test_held_is_of_one_endpoint_one_level_and_the_periods_asked_for(
    ledger: Ledger, account: QuotaAccount
) -> None:
    for day in (1, 2, 3, 4):
        answered(ledger, account, request(day))
    assert ledger.entries("system_energy", "daily") == {} == ledger.entries("ecu_energy", "hourly")
    found = ledger.entries("system_energy", "hourly", ("2024-03-02", "2024-03-03"))
    assert sorted(key for _, _, key in found) == ["2024-03-02", "2024-03-03"]


def test_a_question_answered_since_the_caller_looked_is_not_asked(
    ledger: Ledger, account: QuotaAccount
) -> None:
    call_id = answered(ledger, account, request())
    with pytest.raises(AlreadyAnsweredError):
        ledger.reserve(request(), account)
    assert ledger.get_quota(account).used == 1 and len(states(ledger)) == 1
    ledger.reserve(request(), account, after=call_id)
    ledger.reserve(request(2), account)
    assert ledger.get_quota(account).used == 3


def test_one_question_is_not_asked_twice_at_once(ledger: Ledger, account: QuotaAccount) -> None:
    ledger.reserve(request(), account)
    with pytest.raises(InFlightError):
        ledger.reserve(request(), account)
    ledger.reserve(request(2), account)
    ledger.reserve(request(system_id="S2"), account)
    ledger.reserve(request(device_id="E1"), account)
    assert ledger.get_quota(account).used == 4


def test_simulated_and_real_answers_do_not_mix(ledger: Ledger, account: QuotaAccount) -> None:
    assert ledger.is_simulated() is None
    answered(ledger, account, request())
    assert ledger.is_simulated() is True
    for day, state in ((2, CallState.ANSWERED), (3, CallState.NO_DATA), (4, CallState.REFUSED)):
        call_id = ledger.reserve(request(day), account).call_id
        with pytest.raises(MixedDataError, match="APS_DATA_DIR"):
            ledger.finish(call_id, CallEnd(state, 200, 0, body="real", simulated=False))
        assert ledger.read_bodies([call_id]) == {}
    assert states(ledger)[1:] == ["denied"] * 3
    call_id = ledger.reserve(request(5), account).call_id
    ledger.finish(call_id, CallEnd(CallState.FAILED, 500, body="<html>"))
    assert ledger.read_bodies([call_id]) == {call_id: "<html>"}, "no answer, so neither simulated nor real"


def test_a_ledger_of_real_data_takes_no_simulated_answer(ledger_url: str, account: QuotaAccount) -> None:
    ledger = Ledger(ledger_url, accepts_simulated=False)
    for day, state in ((1, CallState.REFUSED), (2, CallState.ANSWERED)):
        call_id = ledger.reserve(request(day), account).call_id
        with pytest.raises(MixedDataError):
            ledger.finish(call_id, CallEnd(state, 200, 0, body="{}", simulated=True))
        assert ledger.read_bodies([call_id]) == {}
    assert ledger.is_simulated() is None
    ledger.close()


def test_a_body_is_judged_anew(ledger: Ledger, account: QuotaAccount) -> None:
    call_id = ended(ledger, account, request(), CallState.REFUSED)
    ledger.set_state(call_id, CallState.ANSWERED)
    assert ledger.entries("system_energy", "hourly")["S1", "", "2024-03-01"].good == call_id
    ledger.set_state(call_id, CallState.REFUSED, "seen to be wrong")
    assert ledger.entries("system_energy", "hourly")["S1", "", "2024-03-01"].good is None
    (row,) = next(iter(ledger.iter_calls()))
    assert row["error"] == "seen to be wrong"


def test_good_calls_are_told_in_order(ledger: Ledger, account: QuotaAccount) -> None:
    meters = [Request("system_meters", "", system_id) for system_id in ("S1", "S2", "S3")]
    first = answered(ledger, account, meters[0])
    ended(ledger, account, meters[1], CallState.FAILED)
    third = ended(ledger, account, meters[2], CallState.NO_DATA)
    found = [(call_id, state) for call_id, _, state, _ in ledger.list_good_calls("system_meters")]
    assert found == [(first, "answered"), (third, "no_data")]
    assert [call_id for call_id, *_ in ledger.list_good_calls("system_meters", "S3")] == [third]
    assert [call_id for call_id, *_ in ledger.list_good_calls("system_meters", after=first)] == [third]
    assert ledger.count_good_calls("system_meters") == {"S1": (1, first), "S3": (1, third)}


@pytest.mark.parametrize("text", ["two\nlines", "nul \x00 inside", "half a pair \ud83c", "x" * 100_000])
def test_any_error_text_can_be_kept(ledger: Ledger, account: QuotaAccount, text: str) -> None:
    call_id = ledger.reserve(request(), account).call_id
    ledger.finish(call_id, CallEnd(CallState.FAILED, 200, 5000, error=text, body=text))
    (row,) = next(iter(ledger.iter_calls()))
    assert row["state"] == "failed" and row["error"]
    assert call_id in ledger.read_bodies([call_id])


def test_ids_are_never_used_twice(ledger: Ledger, account: QuotaAccount) -> None:
    ids = [answered(ledger, account, request(day)) for day in (1, 2, 3)]
    assert ids == sorted(set(ids)) and ids[0] > 0


def test_an_unknown_call_is_an_error_of_the_ledger(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.finish(12345, CallEnd(CallState.FAILED))


def test_instants_are_kept_in_utc(ledger: Ledger, account: QuotaAccount, clock: Clock) -> None:
    from zoneinfo import ZoneInfo

    clock.instant = datetime(2024, 3, 20, 23, 30, 0, 123456, tzinfo=ZoneInfo("America/New_York"))
    call_id = ledger.reserve(request(), account).call_id
    assert sent_time(ledger, call_id) == datetime(2024, 3, 21, 3, 30, 0, 123456, tzinfo=UTC)


def test_the_overview_counts_by_state(ledger: Ledger, account: QuotaAccount) -> None:
    for day in (1, 2):
        answered(ledger, account, request(day))
    ended(ledger, account, request(3), CallState.FAILED)
    assert ledger.summarize_calls() == [
        ("system_energy", "hourly", "answered", 2, "2024-03-01", "2024-03-02"),
        ("system_energy", "hourly", "failed", 1, "2024-03-03", "2024-03-03"),
    ]


def test_the_tally_changes_with_every_call_and_with_nothing_else(
    ledger: Ledger, account: QuotaAccount, clock: Clock
) -> None:
    assert ledger.count_by_state() == []
    first = answered(ledger, account, request(1))
    assert ledger.count_by_state() == [(CallState.ANSWERED, 1, first, NOW)]
    clock.turn(minutes=1)
    second = ledger.reserve(request(2), account).call_id
    assert ledger.count_by_state() == [
        (CallState.ANSWERED, 1, first, NOW),
        (CallState.IN_FLIGHT, 1, second, None),
    ]
    ledger.finish(second, CallEnd(CallState.NO_DATA, 200, 1001, simulated=True))
    later = NOW + timedelta(minutes=1)
    kept = [(CallState.ANSWERED, 1, first, NOW), (CallState.NO_DATA, 1, second, later)]
    assert ledger.count_by_state() == kept
    ledger.get_quota(account), ledger.close_lost_calls(), ledger.entries("system_energy", "hourly")
    assert ledger.count_by_state() == kept
    ledger.set_state(first, CallState.REFUSED, "no longer")
    assert ledger.count_by_state() == [kept[1], (CallState.REFUSED, 1, first, NOW)]


def test_what_is_held_can_be_asked_of_some_systems(ledger: Ledger, account: QuotaAccount) -> None:
    first, second = (answered(ledger, account, request(1, system_id)) for system_id in ("S1", "S2"))
    answered(ledger, account, request(1, "S3"))
    held = ledger.entries("system_energy", "hourly", system_ids=("S1", "S2", "S9"))
    assert {key: entry.answered for key, entry in held.items()} == {
        ("S1", "", "2024-03-01"): first,
        ("S2", "", "2024-03-01"): second,
    }
    assert ledger.entries("system_energy", "hourly", system_ids=()) == {}


def test_an_older_answer_serves_although_the_newest_call_brought_none(
    ledger: Ledger, account: QuotaAccount
) -> None:
    asked = request(1)
    first = answered(ledger, account, asked)
    second = ended(ledger, account, asked, CallState.NO_DATA, after=first)
    third = ended(ledger, account, asked, CallState.FAILED, after=second)
    (entry,) = ledger.entries("system_energy", "hourly").values()
    assert (entry.answered, entry.no_data, entry.refused, entry.failed) == (first, second, None, third)
    assert (entry.good_ids, entry.no_data_count) == (f"{first} {second}", 1)


def test_what_had_no_data_more_than_once(ledger: Ledger, account: QuotaAccount) -> None:
    for day, system_id in ((1, "S1"), (2, "S1"), (1, "S2")):
        ended(ledger, account, request(day, system_id), CallState.NO_DATA)
    answered(ledger, account, request(3, "S2"))
    assert ledger.list_repeated_no_data() == [("system_energy", "hourly", "S1")]
    assert ledger.count_by_kind() == {("system_energy", "hourly"): 4}
