"""Trouble costs little and only itself: a server that is down, that asks for patience, that lacks an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.cli.exits import Exit, exit_of_run
from aps_pipeline.ingest import Trouble
from aps_pipeline.ingest.calls import Ask, Budget, Session
from aps_pipeline.ingest.guard import DISTANCES
from aps_pipeline.question import Question
from aps_pipeline_tests.field.world import HOUSE_1, HOUSE_2, Request, World, two_houses, world
from aps_pipeline_tests.sites import Run

DAILY, BATCH, HOURS = "system_daily_energy", "inverter_batch_energy", "system_hourly_energy"
T = (DAILY, BATCH)
YEAR_AGO, TODAY = date(2025, 11, 27), date(2026, 11, 27)
INVENTORY = {"details", "inverters", "meters"}


@pytest.fixture
def field(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", *two_houses()) as found:
        yield found


def is_data(request: Request) -> bool:
    return request.endpoint not in INVENTORY


def failing(answer: Any, *kinds: str) -> Any:
    """A rule that gives that answer to every call for data, or of those kinds."""
    return lambda r: answer if (r.kind in kinds if kinds else is_data(r)) else None


def sentences(run: Run) -> str:
    return "\n".join(stop.message for stop in run.summary.stops)


@pytest.mark.parametrize("threads", [1, 4, 16])
@pytest.mark.parametrize(
    "answer",
    [5000, 1000, 6000, 7002, 7003, (500, {}, b"<html>"), (503, {}, b""), b"<html>", b'{"code":0', (502, {}, b"")],
    ids=str,
)
def test_a_server_that_is_down_costs_little_and_the_next_runs_probe(
    field: World, answer: Any, threads: int
) -> None:
    field.rules.append(failing(answer))
    settings = {"max_in_flight": threads, "monthly_calls": 1000}
    run = field.collect(YEAR_AGO, TODAY, T, settings=settings)
    assert len(field.requests) == run.summary.calls <= 20
    assert run.summary.stop and "12 failures in a row" in run.summary.stop.message
    assert Trouble.REMOTE in run.summary.troubles
    if answer != b'{"code":0':
        assert exit_of_run(run.summary) is Exit.REMOTE
    for number, distance in enumerate(DISTANCES, 1):
        spent = len(field.requests)
        early = field.collect(YEAR_AGO, TODAY, T, settings=settings)
        assert len(field.requests) == spent and early.summary.calls == 0, f"run {number} comes too early"
        assert exit_of_run(early.summary) is Exit.REMOTE and "one call tries again after" in sentences(early)
        field.clock.instant += distance
        late = field.collect(YEAR_AGO, TODAY, T, settings=settings)
        assert len(field.requests) == spent + 1 and late.summary.calls == 1
        assert exit_of_run(late.summary) is Exit.REMOTE
    field.rules.clear()
    field.clock.turn(hours=12)
    healed = field.collect(date(2026, 11, 24), TODAY, T)
    assert healed.summary.complete == healed.summary.partitions and exit_of_run(healed.summary) is Exit.COMPLETE
    pipeline = field.pipeline()
    assert pipeline.ledger.rest_of("app0") is None and not pipeline.ledger.rests_by_kind("app0")
    pipeline.ledger.close()


def test_inventory_that_answers_does_not_let_each_run_spend_again(field: World) -> None:
    field.rules.append(failing(5000))
    field.collect(YEAR_AGO, TODAY, T)
    field.clock.turn(days=2)  # the inventory is due again
    spent = len(field.requests)
    run = field.collect(YEAR_AGO, TODAY, T)
    assert run.summary.calls == 1 and is_data(field.requests[spent])


def test_again_tries_at_once_what_rests_because_nothing_worked(field: World) -> None:
    field.rules.append(failing(5000))
    field.collect(YEAR_AGO, TODAY, T)
    pipeline = field.pipeline()
    login = pipeline.logins[0]
    patient, insisting = (
        Session(login, pipeline.ledger, Budget(None), alone=True, ignores_rests=each) for each in (False, True)
    )
    for session in (patient, insisting):
        session.open()
    assert patient.stop and "--again" in patient.stop.message and insisting.stop is None
    asked = Ask(Question("system_details", "", HOUSE_1))
    spent = len(field.requests)
    insisting.ask(asked, lambda *_: None)
    assert len(field.requests) == spent + 1 and insisting.stop, "one call, and no more"
    pipeline.ledger.close()


def test_what_works_between_failures_keeps_an_account_going(field: World) -> None:
    """One kind of call that never works costs a few calls; everything else is collected."""
    field.rules.append(failing(5000, "energy/hourly"))
    run = field.collect(date(2026, 11, 1), date(2026, 11, 20), (DAILY, HOURS, BATCH), settings={"max_in_flight": 16})
    assert field.counts()["energy/hourly"] <= 8 and field.counts()["batch/energy"] == 40
    batch = [result for result in run.results if result.table.name == BATCH]
    assert len(batch) == 20 and all(result.is_complete for result in batch)
    assert exit_of_run(run.summary) is Exit.REMOTE and "system_energy hourly: 8 failures in a row" in sentences(run)
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
    assert run.summary.stop is None and exit_of_run(run.summary) is Exit.REMOTE


@pytest.mark.parametrize("threads", [1, 4, 16])
def test_a_failure_that_passes_is_tried_again_and_stops_nothing(field: World, threads: int) -> None:
    seen: set[Request] = set()

    def fails_once(request: Request) -> Any:
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
        run = field.collect(YEAR_AGO, TODAY, T, settings={"base_url": "http://127.0.0.1:9"})
        assert run.summary.calls == 0 and exit_of_run(run.summary) is Exit.REMOTE
    pipeline = field.pipeline()
    assert pipeline.ledger.rest_of("app0") is None and pipeline.quotas()[""].used == 0
    pipeline.ledger.close()
