"""Trouble costs little and only itself: of a server that is down, asks for patience, or lacks an endpoint."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aps_pipeline.errors import Exit, FailureKind
from aps_pipeline.ingest import Summary, Wanted
from aps_pipeline.ingest.circuit_breaker import DISTANCES
from aps_pipeline.ingest.fetch import AccountSession, Budget, PendingRequest
from aps_pipeline.ledger import AccountRest
from aps_pipeline.request import Request
from aps_pipeline.tables import get_table
from aps_pipeline_tests.clocks import Clock
from aps_pipeline_tests.field.world import HOUSE_1, HOUSE_2, World, WorldRequest, two_houses, world
from aps_pipeline_tests.sites import Run

DAILY, BATCH, HOURS = "system_daily_energy", "inverter_batch_energy", "system_hourly_energy"
T = (DAILY, BATCH)
EARLIER, TODAY = date(2026, 10, 1), date(2026, 11, 27)
"""Two months: over a hundred questions, where a run in trouble may ask a few."""
INVENTORY = {"details", "inverters", "meters"}


@pytest.fixture
def field(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", *two_houses()) as found:
        yield found


def is_data(request: WorldRequest) -> bool:
    return request.endpoint not in INVENTORY


def failing(answer: Any, *kinds: str) -> Any:
    """A rule that gives that answer to every call for data, or of those kinds."""
    return lambda r: answer if (r.kind in kinds if kinds else is_data(r)) else None


def sentences(run: Run) -> str:
    return "\n".join(stop.message for stop in run.summary.stops)


# Every answer at one number of threads; at the others a code, and what is neither code nor JSON.
@pytest.mark.parametrize(
    ("answer", "threads"),
    [
        *itertools.product(
            [
                5000,
                1000,
                6000,
                7002,
                7003,
                (500, {}, b"<html>"),
                (503, {}, b""),
                b"<html>",
                b'{"code":0',
                (502, {}, b""),
            ],
            [4],
        ),
        *itertools.product([5000, b'{"code":0'], [1, 16]),
    ],
    ids=str,
)
def test_a_server_that_is_down_costs_little_and_the_next_runs_probe(
    field: World, answer: Any, threads: int
) -> None:
    field.rules.append(failing(answer))
    settings = {"max_in_flight": threads, "monthly_calls": 1000}
    run = field.collect(EARLIER, TODAY, T, settings=settings)
    assert len(field.requests) == run.summary.calls <= 20
    assert run.summary.stop and "12 failures in a row" in run.summary.stop.message
    assert FailureKind.REMOTE in run.summary.failure_kinds
    if answer != b'{"code":0':
        assert run.summary.exit_code is Exit.REMOTE
    for number, distance in enumerate(DISTANCES, 1):
        spent = len(field.requests)
        early = field.collect(EARLIER, TODAY, T, settings=settings)
        assert len(field.requests) == spent and early.summary.calls == 0, f"run {number} comes too early"
        assert early.summary.exit_code is Exit.REMOTE and "one call tries again after" in sentences(early)
        field.clock.instant += distance
        late = field.collect(EARLIER, TODAY, T, settings=settings)
        assert len(field.requests) == spent + 1 and late.summary.calls == 1
        assert late.summary.exit_code is Exit.REMOTE
    field.rules.clear()
    field.clock.turn(hours=12)
    healed = field.collect(date(2026, 11, 24), TODAY, T)
    assert healed.summary.complete == healed.summary.partitions and healed.summary.exit_code is Exit.COMPLETE
    pipeline = field.pipeline()
    assert pipeline.ledger.get_rest("app0") is None and not pipeline.ledger.get_rests_by_kind("app0")
    pipeline.ledger.close()


def test_inventory_that_answers_does_not_let_each_run_spend_again(field: World) -> None:
    field.rules.append(failing(5000))
    field.collect(EARLIER, TODAY, T)
    field.clock.turn(days=2)  # the inventory is due again
    spent = len(field.requests)
    run = field.collect(EARLIER, TODAY, T)
    assert run.summary.calls == 1 and is_data(field.requests[spent])


def test_again_tries_at_once_what_rests_because_nothing_worked(field: World) -> None:
    field.rules.append(failing(5000))
    field.collect(EARLIER, TODAY, T)
    pipeline = field.pipeline()
    login = pipeline.accounts[0]
    patient, insisting = (
        AccountSession(login, pipeline.ledger, Budget(None), alone=True, ignores_rests=each)
        for each in (False, True)
    )
    for session in (patient, insisting):
        session.open()
    assert patient.stop and "--again" in patient.stop.message and insisting.stop is None
    asked = PendingRequest(Request("system_details", "", HOUSE_1))
    spent = len(field.requests)
    insisting.ask(asked, lambda *_: None)
    assert len(field.requests) == spent + 1 and insisting.stop, "one call, and no more"
    pipeline.ledger.close()


def test_what_works_between_failures_keeps_an_account_going(field: World) -> None:
    """One kind of call that never works costs a few calls; everything else is collected."""
    field.rules.append(failing(5000, "energy/hourly"))
    run = field.collect(
        date(2026, 11, 1), date(2026, 11, 20), (DAILY, HOURS, BATCH), settings={"max_in_flight": 16}
    )
    assert field.counts()["energy/hourly"] <= 8 and field.counts()["batch/energy"] == 40
    batch = [result for result in run.results if result.table.name == BATCH]
    assert len(batch) == 20 and all(result.is_complete for result in batch)
    assert run.summary.exit_code is Exit.REMOTE and "system_energy hourly: 8 failures in a row" in sentences(
        run
    )
    spent = len(field.requests)
    field.clock.turn(minutes=5)
    run = field.collect(date(2026, 11, 1), date(2026, 11, 20), (DAILY, HOURS, BATCH))
    assert [r.kind for r in field.requests[spent:]] == ["energy/hourly"], "one call tries again"
    field.rules.clear()
    field.clock.turn(minutes=15)
    run = field.collect(date(2026, 11, 1), date(2026, 11, 20), (DAILY, HOURS, BATCH))
    assert run.summary.complete == run.summary.partitions and not run.summary.stops


def test_one_system_that_never_works_costs_a_few_calls(field: World) -> None:
    field.rules.append(lambda r: 5000 if r.sid == HOUSE_2 and is_data(r) else None)
    run = field.collect(date(2026, 10, 1), date(2026, 11, 20), T)
    assert len([r for r in field.requests if r.sid == HOUSE_2 and is_data(r)]) <= 12
    assert len([r for r in field.requests if r.sid == HOUSE_1 and r.kind == "batch/energy"]) == 51
    assert run.summary.stop is None and run.summary.exit_code is Exit.REMOTE


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_a_failure_that_passes_is_tried_again_and_stops_nothing(field: World, threads: int) -> None:
    seen: set[WorldRequest] = set()

    def fails_once(request: WorldRequest) -> Any:
        if is_data(request) and request not in seen:
            seen.add(request)
            return 5000
        return None

    field.rules.append(fails_once)
    run = field.collect(date(2026, 11, 10), date(2026, 11, 20), T, settings={"max_in_flight": threads})
    assert run.summary.complete == run.summary.partitions and not run.summary.stops


def test_a_run_too_short_to_be_stopped_still_makes_the_next_ones_probe(field: World) -> None:
    day = date(2026, 11, 20)
    field.collect(day, day, (DAILY,))
    field.rules.append(failing((503, {}, b"")))
    run = field.collect(day, day, (BATCH,))
    assert run.summary.calls == 6 and not run.summary.stops, "two questions, three attempts each"
    for _ in range(2):
        field.clock.turn(minutes=20)
        assert field.collect(day, day, (BATCH,)).summary.calls == 1


def test_no_connection_counts_nothing_and_rests_nothing(field: World) -> None:
    for _ in range(4):
        run = field.collect(EARLIER, TODAY, T, settings={"base_url": "http://127.0.0.1:9"})
        assert run.summary.calls == 0 and run.summary.exit_code is Exit.REMOTE
    pipeline = field.pipeline()
    assert pipeline.ledger.get_rest("app0") is None and pipeline.quotas()[""].used == 0
    pipeline.ledger.close()


def from_call(number: int, answer: Any) -> Any:
    """A rule that gives that answer from so-manieth call for data on."""
    count = 0

    def rule(request: WorldRequest) -> Any:
        nonlocal count
        count += is_data(request)
        return answer if is_data(request) and count >= number else None

    return rule


BUSY = b"<html>429</html>"


@pytest.mark.parametrize("threads", [1, 4, 16])
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "3600"}, timedelta(hours=1)),
        ({"Retry-After": "Fri, 27 Nov 2026 11:00:00 GMT"}, timedelta(hours=1)),
        ({"Retry-After": "99999999999"}, timedelta(hours=24)),
        ({"Retry-After": "Thu, 27 Nov 2098 11:00:00 GMT"}, timedelta(hours=24)),
        ({"Retry-After": "60\r\nRetry-After: 3600"}, timedelta(hours=1)),
    ],
    ids=str,
)
def test_an_account_rests_as_long_as_the_server_asks(
    field: World, threads: int, headers: dict[str, str], wait: timedelta
) -> None:
    field.rules.append(from_call(4, (429, headers, BUSY)))
    settings = {"max_in_flight": threads}
    run = field.collect(EARLIER, TODAY, T, settings=settings)
    answered = 6 + 3
    assert answered < len(field.requests) <= answered + threads
    until = f"{field.clock() + wait:%Y-%m-%d %H:%M} UTC"
    assert until in sentences(run) and run.summary.exit_code is Exit.INCOMPLETE and not run.summary.failures
    spent = len(field.requests)
    field.rules.clear()
    field.clock.instant += wait - timedelta(seconds=1)
    again = field.collect(EARLIER, TODAY, T, settings=settings)
    assert len(field.requests) == spent and until in sentences(again)
    assert again.summary.exit_code is Exit.INCOMPLETE
    field.clock.turn(seconds=1)
    day = date(2026, 11, 20)
    assert field.collect(day, day, T, settings=settings).summary.exit_code is Exit.COMPLETE


@pytest.mark.parametrize("status", [200, 400, 503])
def test_retry_after_is_heeded_with_any_status(field: World, status: int) -> None:
    body = b'{"code":1001,"data":null}' if status == 200 else b"<html>"
    field.rules.append(from_call(1, (status, {"Retry-After": "120"}, body)))
    run = field.collect(EARLIER, TODAY, T, settings={"max_in_flight": 1})
    assert len(field.requests) == 7 and FailureKind.DEFERRED in run.summary.failure_kinds


@pytest.mark.parametrize(
    "value", ["-1", "", "soon", "1e9", "٣", "Fri, 27 Nov 2026 09:00:00 GMT", "0", "x" * 9000]
)
def test_a_retry_after_that_says_nothing_is_passed_over(field: World, value: str) -> None:
    field.rules.append(from_call(1, (503, {"Retry-After": value.encode().decode("latin-1")}, b"")))
    run = field.collect(EARLIER, TODAY, T)
    assert run.summary.exit_code is Exit.REMOTE and FailureKind.DEFERRED not in run.summary.failure_kinds


def test_a_short_retry_after_is_waited_for_within_the_run(field: World) -> None:
    limited = iter([(429, {"Retry-After": "1"}, BUSY)])
    field.rules.append(lambda r: next(limited, None) if is_data(r) else None)
    begun = time.monotonic()
    run = field.collect(date(2026, 11, 20), date(2026, 11, 22), T)
    assert time.monotonic() - begun >= 1 and run.summary.complete == run.summary.partitions


def test_what_the_server_asked_for_holds_for_every_process(field: World) -> None:
    """Another process that has begun already makes no further call either."""
    began = field.pipeline()
    wanted = Wanted(tuple(map(get_table, T)), EARLIER, TODAY, began.system_ids)
    summary = Summary()
    results = began.collect(wanted, summary)
    next(results)
    other = field.pipeline()
    other.ledger.keep_rest("app0", AccountRest(field.clock() + timedelta(hours=1), 0, "HTTP 429"))
    other.ledger.close()
    spent = len(field.requests)
    list(results)
    began.ledger.close()
    assert len(field.requests) <= spent + 8, "those in flight"
    assert summary.exit_code is Exit.INCOMPLETE and "2026-11-27 11:00 UTC" in summary.stops[0].message


def test_a_server_that_keeps_us_out_is_left_alone_for_an_hour(field: World) -> None:
    field.rules.append(from_call(1, 7001))
    run = field.collect(EARLIER, TODAY, T, settings={"max_in_flight": 1})
    assert len(field.requests) == 7 and run.summary.exit_code is Exit.INCOMPLETE
    field.rules.clear()
    assert field.collect(EARLIER, TODAY, T).summary.calls == 0


@pytest.mark.parametrize("status", [404, 403, 410, 302])
def test_an_endpoint_that_is_not_there_stops_no_other(field: World, status: int) -> None:
    headers = {"Location": "http://elsewhere.invalid/"} if status == 302 else {}
    field.rules.append(lambda r: (status, headers, b"<html>none</html>") if r.kind == "meters" else None)
    first, last = date(2026, 11, 20), date(2026, 11, 22)
    for _ in range(2):
        run = field.collect(first, last, (*T, "meter_daily_energy"))
        code = Exit.REMOTE if status == 302 else Exit.ACCOUNT
        assert run.summary.exit_code is code and not run.summary.stops
        bad = [result for result in run.results if not result.is_complete]
        assert {result.table.name for result in bad} - {"meters"} == {"meter_daily_energy"}
        assert {f.request.endpoint for result in bad for f in result.failures} == {"system_meters"}
        assert run.of(BATCH, "2026-11-21").rows == 8 and run.of(DAILY, "2026-11").rows == 54
        field.rules.append(lambda r: None)
    pipeline = field.pipeline()
    kept = [
        row for rows in pipeline.ledger.iter_calls() for row in rows if row["endpoint"] == "system_meters"
    ]
    pipeline.ledger.close()
    state = "failed" if status == 302 else "denied"
    assert {(row["state"], row["code"], row["http_status"]) for row in kept} == {(state, None, status)}


def test_an_endpoint_that_no_wanted_table_needs_is_only_a_remark(field: World) -> None:
    field.rules.append(lambda r: (404, {}, b"<html>none</html>") if r.kind == "meters" else None)
    run = field.collect(date(2026, 11, 20), date(2026, 11, 22), T)
    assert run.summary.exit_code is Exit.COMPLETE and not run.summary.failures
    assert any("system_meters" in note and "no wanted table needs it" in note for note in run.summary.notes)


@pytest.mark.parametrize("kind", ["energy/daily", "batch/energy"])
def test_a_data_endpoint_that_is_not_there_stops_no_other(field: World, kind: str) -> None:
    field.rules.append(failing((404, {}, b"<html>"), kind))
    run = field.collect(date(2026, 11, 1), date(2026, 11, 20), T)
    assert field.counts()[kind] == 2, "once for each system"
    other = {"energy/daily": BATCH, "batch/energy": DAILY}[kind]
    assert all(result.is_complete for result in run.results if result.table.name == other)
    assert run.summary.exit_code is Exit.ACCOUNT and not run.summary.stops


@pytest.mark.parametrize("threads", [1, 4, 16])
@pytest.mark.parametrize("is_known", [False, True])
def test_a_wrong_prefix_costs_a_few_calls_and_says_so(field: World, threads: int, is_known: bool) -> None:
    day = date(2026, 11, 20)
    if is_known:
        field.collect(day, day, T)
    field.rules.append(lambda r: (404, {}, b"<html>"))
    spent = len(field.requests)
    run = field.collect(EARLIER, TODAY, (*T, HOURS), settings={"max_in_flight": threads})
    assert len(field.requests) - spent <= 5
    assert run.summary.stop and "APS_API_PREFIX" in run.summary.stop.message
    pipeline = field.pipeline()
    states = {
        row["state"] for rows in pipeline.ledger.iter_calls() for row in rows if row["http_status"] == 404
    }
    pipeline.ledger.close()
    assert states == {"failed"}, "it denies nothing"
    field.rules.clear()
    assert field.collect(day, day, T).summary.exit_code is Exit.COMPLETE, "and rests nothing"


def test_a_denied_system_costs_one_call_an_endpoint(field: World) -> None:
    field.rules.append(lambda r: 2004 if r.sid == HOUSE_2 else None)
    run = field.collect(date(2026, 11, 1), date(2026, 11, 20), T)
    assert len([r for r in field.requests if r.sid == HOUSE_2]) <= 3
    assert run.summary.exit_code is Exit.ACCOUNT and not run.summary.stops
    pipeline = field.pipeline()
    kept = {
        (row["state"], row["code"], row["http_status"])
        for rows in pipeline.ledger.iter_calls()
        for row in rows
        if row["system_id"] == HOUSE_2
    }
    pipeline.ledger.close()
    assert kept == {("denied", 2004, 200)}


DAY = date(2026, 11, 20)


def power_of(change: Callable[[dict[str, list[str]]], None]) -> Any:
    """Power of four panels, as the server would give it but for a change."""
    labels = [f"{6 + n // 12:02d}:{n % 12 * 5:02d}" for n in range(132)]
    power = {f"70100000001{n}-{c}": ["100"] * 132 for n in (1, 2) for c in (1, 2)}
    change(power)
    return {"code": 0, "data": {"time": labels, "power": power}}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (["100"] * 131, "131 entries for 132 labels"),
        (["100"] * 131 + ["?"], "'?', not a number"),
        (None, "not a list"),
    ],
    ids=["short", "garbage", "null"],
)
def test_one_bad_series_is_refused_and_named_and_the_others_are_kept(
    field: World, bad: Any, reason: str
) -> None:
    answer = power_of(lambda power: power.update({"701000000012-1": bad}))
    field.rules.append(lambda r: answer if r.kind == "batch/power" else None)
    run = field.collect(DAY, DAY, ("inverter_batch_power",), system_ids=(HOUSE_1,))
    result = run.of("inverter_batch_power", "2026-11-20")
    assert (result.rows, result.rejected, result.items, result.is_complete) == (3 * 132, 1, 4, True)
    assert run.summary.exit_code is Exit.REFUSED
    assert [str(each) for each in run.summary.rejections] == [
        "1 of 4 items of core.inverter_batch_power 2026-11-20 was refused: see core.rejected_items"
    ]
    (row,) = frame(field, "rejected_items").to_dict("records")
    assert (row["item"], row["position"]) == ("701000000012-1", 2) and reason in row["reason"]
    spent = len(field.requests)
    again = field.collect(DAY, DAY, ("inverter_batch_power",), system_ids=(HOUSE_1,))
    assert len(field.requests) == spent and again.summary.exit_code is Exit.COMPLETE
    assert again.of("inverter_batch_power", "2026-11-20").rejected == 1


def test_items_that_cannot_be_read_are_said_and_the_exit_code_is_5(field: World) -> None:
    items = [f"7010000000{n:02d}-1-1.5" if n < 16 else f"7010000000{n:02d}-1-?" for n in range(36)]
    field.rules.append(lambda r: {"code": 0, "data": {"energy": items}} if r.kind == "batch/energy" else None)
    run = field.collect(DAY, DAY, (BATCH,), system_ids=(HOUSE_1,))
    assert run.of(BATCH, "2026-11-20").rows == 16 and run.summary.exit_code is Exit.REFUSED
    said = "20 of 36 items of core.inverter_batch_energy 2026-11-20 were refused: see core.rejected_items"
    assert [str(each) for each in run.summary.rejections] == [said] and run.of(
        BATCH, "2026-11-20"
    ).remark == said


def test_a_series_of_a_month_stands_under_its_first_day(field: World) -> None:
    field.roofs[HOUSE_1] = replace(field.roofs[HOUSE_1], meters=("M1",))

    def short(request: WorldRequest) -> Any:
        if request.kind != "meter/daily":
            return None
        answer = field.answer_of(request)
        answer["data"]["imported"].pop()
        return answer

    field.rules.append(short)
    table, first = "meter_daily_energy", date(2026, 10, 5)
    run = field.collect(first, first, (table,), system_ids=(HOUSE_1,))
    assert run.of("meter_daily_energy", "2026-10").rows == 31 and run.summary.exit_code is Exit.REFUSED
    rows = frame(field, "meter_daily_energy")
    assert rows["imported_kwh"].isna().all() and rows["exported_kwh"].notna().all()
    (row,) = frame(field, "rejected_items").to_dict("records")
    assert (row["item"], str(row["date"])[:10]) == ("imported", "2026-10-01")


def test_a_device_named_twice_is_one_row_and_a_remark(field: World) -> None:
    def doubled(request: WorldRequest) -> Any:
        if request.endpoint not in INVENTORY:
            return None
        answer = field.answer_of(request)
        if request.kind == "details":
            answer["data"]["ecu"] *= 2
        elif request.kind == "inverters":
            answer["data"][0]["inverter"] *= 2
            answer["data"] *= 2
        return answer

    field.rules.append(doubled)
    run = field.collect(DAY, DAY, ("systems", "ecus", "inverters", BATCH), system_ids=(HOUSE_1,))
    assert run.summary.exit_code is Exit.COMPLETE and run.of(BATCH, "2026-11-20").rows == 4
    assert len(frame(field, "inverters")) == 2 and len(frame(field, "ecus")) == 1
    said = "\n".join(run.summary.drift_sentences)
    assert "named twice 203000000001" in said and "named twice 701000000012" in said
    assert field.counts()["batch/energy"] == 1


@pytest.mark.parametrize("days", [-1, 1])
def test_answers_are_read_as_of_the_server_where_our_clock_is_wrong(field: World, days: int) -> None:
    """The host is a day ahead (or behind) of a server that does not mind: no hour to come has a row."""
    field.date_header = Clock(field.clock())
    field.clock.turn(days=days)
    today = date(2026, 11, 27) if days > 0 else date(2026, 11, 26)
    field.rules.append(
        lambda r: (
            {"code": 0, "data": ["1.00"] * (11 if days > 0 else 24) + ["0"] * (13 if days > 0 else 0)}
            if r.kind == "energy/hourly"
            else None
        )
    )
    run = field.collect(today, today, (HOURS, DAILY))
    hours = frame(field, HOURS, date=today)
    assert sorted(set(hours["hour"])) == [*range(12 if days > 0 else 24)], "in Paris it is 11:00"
    assert frame(field, DAILY)["date"].astype(str).max() == "2026-11-27"
    (note,) = run.summary.notes
    assert note.startswith(
        f"this machine's clock is 1 day {'ahead of' if days > 0 else 'behind'} the server's"
    )
    pipeline = field.pipeline()
    rows = [row for portion in pipeline.ledger.iter_calls() for row in portion]
    held = pipeline.ledger.entries("system_energy", "hourly")
    pipeline.ledger.close()
    assert {row["server_utc"] for row in rows} == {field.date_header()}
    assert {each.asked_utc for each in held.values()} <= {field.date_header()}


def test_clocks_that_agree_are_not_spoken_of(field: World) -> None:
    field.date_header = Clock(field.clock() + timedelta(seconds=59))
    run = field.collect(DAY, DAY, T)
    pipeline = field.pipeline()
    rows = [row for portion in pipeline.ledger.iter_calls() for row in portion]
    pipeline.ledger.close()
    assert not run.summary.notes and {row["server_utc"] for row in rows} == {None}


def test_a_byte_order_mark_is_read_and_the_kept_body_reads_again(field: World) -> None:
    def marked(request: WorldRequest) -> Any:
        answer = field.answer_of(request)
        return b"\xef\xbb\xbf" + json.dumps(answer).encode() if isinstance(answer, dict) else answer

    field.rules.append(marked)
    run = field.collect(DAY, DAY, T)
    assert run.summary.exit_code is Exit.COMPLETE and run.summary.calls == len(field.requests) == 10
    pipeline, summary = field.pipeline(), Summary()
    list(pipeline.rebuild(summary))
    bodies = pipeline.ledger.read_bodies(range(1, 11))
    pipeline.ledger.close()
    assert summary.exit_code is Exit.COMPLETE and all(body.startswith("{") for body in bodies.values())


def test_an_answer_of_more_than_4_mb_is_refused_at_one_call(field: World) -> None:
    field.rules.append(lambda r: b" " * 4_000_001 if r.kind == "batch/energy" and r.sid == HOUSE_1 else None)
    run = field.collect(DAY, DAY, T)
    assert run.summary.exit_code is Exit.REFUSED and field.counts()["batch/energy"] == 2
    assert "4,000,000 bytes" in run.summary.failures[0].message


@pytest.mark.parametrize(
    "key",
    [
        "authorization_code",
        "authorizationCode",
        "Authorization-Code",
        "AUTHORIZATION_CODE",
        "authorizationcode",
    ],
)
def test_a_visitor_token_is_kept_nowhere(field: World, key: str) -> None:
    def with_token(request: WorldRequest) -> Any:
        if request.kind == "meters":
            return {"code": 5000, "msg": json.dumps({key: "A1B2TOKEN"})}
        answer = field.answer_of(request)
        if request.kind == "details":
            answer["data"][key] = "A1B2TOKEN"
        return answer

    field.rules.append(with_token)
    run = field.collect(DAY, DAY, ("systems", *T))
    kept = b"".join(path.read_bytes() for path in field.data_dir.rglob("*") if path.is_file())
    pipeline = field.pipeline()
    bodies = "".join(pipeline.ledger.read_bodies(range(1, 30)).values())
    pipeline.ledger.close()
    for text in (kept.decode("latin-1"), bodies, str(run.summary)):
        assert "A1B2TOKEN" not in text
    assert "[removed]" in bodies and not run.summary.new_events


def frame(field: World, table: str, **equal: object) -> pd.DataFrame:
    """A table as pandas reads it from the folder."""
    found = pd.read_parquet(field.data_dir / "lake" / "core" / table)
    for name, value in equal.items():
        found = found[found[name].astype(str) == str(value)]
    return found
