"""The autopilot: what a tick says and asks for, and a whole life from nothing to a complete history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from aps_pipeline.ingest import Wanted
from aps_pipeline.ledger import quota_month
from aps_pipeline.orchestration.resources import ApsResource
from aps_pipeline.periods import zone
from aps_pipeline.simulator import Fault, Fleet
from aps_pipeline.simulator.fleet import Ecu, Inverter
from aps_pipeline.tables import PROFILES
from aps_pipeline_tests.orchestration.ticks import Pilot, ranges
from aps_pipeline_tests.sites import a_fleet, serving

CREATED = date(2024, 2, 24)
EVENING = datetime(2024, 3, 29, 16, 5, tzinfo=UTC)
"""Just after midnight in China: the 30th, with one more day to come in the quota month."""

ZONE = zone("Asia/Shanghai")
PANELS = "inverter_batch_energy"
LEAN = [table.name for table in PROFILES["lean"]]
REFRESHED = tuple(table.name for table in PROFILES["standard"])
INVENTORY = {"systems", "system_capacity", "ecus", "inverters", "meters"}


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened


@pytest.fixture
def pilot(tmp_path: Path, instance: dg.DagsterInstance) -> Iterator[Pilot]:
    """One system with one ECU and a meter, installed in February; 150 calls a month."""
    fleet = Fleet((replace(a_fleet().systems[0], create_date=CREATED),))
    with serving(tmp_path / "data", fleet=fleet) as site:
        site.clock.instant = EVENING
        yield Pilot(site, instance, date(2024, 1, 1), {"monthly_calls": 150, "revision_days": 0})


def know_the_devices(pilot: Pilot) -> None:
    (request,) = pilot.tick().run_requests
    assert pilot.run(request).success


def refresh(pilot: Pilot) -> None:
    """What the daily refresh does, half an hour after the day has ended everywhere."""
    pilot.site.clock.turn(hours=20, minutes=25)
    yesterday = pilot.site.clock.instant.date() - timedelta(days=1)
    run = pilot.site.collect(yesterday, yesterday, REFRESHED, revise=True, **pilot.chosen)
    assert run.summary.complete == run.summary.partitions


def asked(pilot: Pilot) -> Counter[str]:
    """How often each request about a day was asked so far."""
    queries = (f"{path}?{query}" for path, query in pilot.site.simulator.requests)
    return Counter(query for query in queries if query.rpartition("date_range=")[2].count("-") == 2)


def test_a_whole_life_until_the_history_is_complete(pilot: Pilot) -> None:
    pilot.turn_refresh_on()
    site, said, ticks = pilot.site, "", 0
    by_month: Counter[str] = Counter()
    while ticks < 12 and "complete" not in said:
        calls, ticks = site.calls, ticks + 1
        while (told := pilot.tick()).run_requests:
            assert all(pilot.run(request).success for request in told.run_requests)
        said = told.skip_message
        refresh(pilot)
        by_month[quota_month(site.clock(), ZONE)] += site.calls - calls
        site.clock.turn(hours=3, minutes=35)
        if site.clock.instant.month == 4:
            pilot.chosen["monthly_calls"] = 1200  # a larger plan

    assert 150 - 13 <= by_month["2024-03"] <= 150, "spent to the end, and not overdrawn"
    assert 0 < by_month["2024-04"] < 1200 / 30 * ticks
    first, last = date(2024, 1, 1), site.clock.instant.date() - timedelta(days=2)
    assert said == f"History is complete from {first} to {last}: nothing to ask."
    days = (site.clock.instant.date() - CREATED).days
    assert len(asked(pilot)) == 4 * days and set(asked(pilot).values()) == {1}, "the fewest calls there are"
    assert len(list((site.data_dir / "lake/core" / PANELS).iterdir())) == days

    calls = site.calls
    pipeline = site.pipeline(**pilot.chosen)
    facts = tuple(table for table in PROFILES["standard"] if table.name not in INVENTORY)
    plan = pipeline.plan(Wanted(facts, first, last, pipeline.system_ids))
    pipeline.ledger.close()
    assert sum(line.calls for line in plan) == 0
    for _ in range(3):
        told = pilot.tick()
        assert not told.run_requests and "nothing to ask" in told.skip_message
    assert site.calls == calls


def test_devices_come_first_and_the_same_day_goes_on(pilot: Pilot) -> None:
    told = pilot.tick()
    assert ranges(told) == [(INVENTORY, "", "")]
    assert "EAST000000000001 are not known: 3 calls" in told.run_requests[0].tags["aps/why"]
    assert pilot.site.calls == 0
    assert pilot.run(told.run_requests[0]).success
    found = ranges(pilot.tick())
    assert found[:3] == [
        ({"system_yearly_energy", "meter_yearly_energy"}, "", ""),
        ({"system_monthly_energy", "meter_monthly_energy"}, "2024", "2024"),
        ({"system_daily_energy", "meter_daily_energy"}, "2024-02", "2024-03"),
    ]
    assert found[3][2] == "2024-03-28"
    assert pilot.site.calls == 3


def test_devices_that_stay_unknown_are_asked_for_once_a_day(pilot: Pilot) -> None:
    pilot.chosen["system_ids"] = ("NOSUCHSYSTEM",)
    (request,) = pilot.tick().run_requests
    assert not pilot.run(request).success
    told = pilot.tick()
    assert "NOSUCHSYSTEM are still not known" in told.skip_message and "APS_SYSTEM_IDS" in told.skip_message
    assert not pilot.tick().run_requests
    pilot.site.clock.turn(days=1)
    (again,) = pilot.tick().run_requests
    assert again.run_key != request.run_key


def test_a_share_is_given_out_once_a_day_and_only_when_its_runs_are_through(pilot: Pilot) -> None:
    know_the_devices(pilot)
    told = pilot.tick()
    assert sum(int(r.tags["aps/why"].split()[-2]) for r in told.run_requests) <= 147 / 2
    assert {request.tags["aps/autopilot"] for request in told.run_requests} == {"2024-03-30"}
    said = pilot.tick().skip_message
    assert said.startswith(
        "Today's share of 73 calls was given out: 73 calls in 5 runs of 144 that were missing;"
    )
    assert said.endswith("the next share is due after 2024-03-31 00:00 Asia/Shanghai.")
    pilot.site.clock.turn(hours=23, minutes=50)
    assert pilot.tick().skip_message == said
    pilot.site.clock.turn(minutes=10)
    under_way = pilot.instance.create_run_for_job(
        pilot.definitions.resolve_job_def("refresh_days"), status=dg.DagsterRunStatus.STARTED
    )
    assert f"Run {under_way.run_id[:8]} is under way" in pilot.tick().skip_message
    pilot.instance.delete_run(under_way.run_id)
    building = pilot.instance.create_run_for_job(
        pilot.definitions.resolve_job_def("build_warehouse"), status=dg.DagsterRunStatus.STARTED
    )
    assert pilot.tick().run_requests, "building the warehouse makes no call"
    pilot.instance.delete_run(building.run_id)


def test_what_the_daily_refresh_needs_is_kept_if_it_is_on(pilot: Pilot) -> None:
    know_the_devices(pilot)
    pilot.turn_refresh_on()
    pilot.tick()
    # What two refreshes take before the month ends, about ten calls each (`refresh_calls_a_day`).
    assert pilot.tick().skip_message.startswith(f"Today's share of {(147 - 21) // 2} calls")


@pytest.mark.parametrize("on", [True, False])
def test_nothing_to_spare_is_said_with_figures(pilot: Pilot, *, on: bool) -> None:
    know_the_devices(pilot)
    pilot.chosen["monthly_calls"] = 20 if on else 3
    if on:
        pilot.turn_refresh_on()
    told = pilot.tick()
    assert not told.run_requests
    left = "17 of 20 calls" if on else "0 of 3 calls"
    kept = "21 of them are kept for daily_refresh" if on else "daily_refresh is off, so none of them is kept"
    assert told.skip_message.startswith("Nothing to spare today: the history lacks 144 calls")
    for each in (
        left,
        kept,
        "for 2 days until 2024-03-31 16:00 UTC",
        "today's share is 0",
        "2024-03-31 00:00",
    ):
        assert each in told.skip_message


def test_a_failed_run_is_asked_for_again_the_next_day(pilot: Pilot) -> None:
    pilot.chosen["monthly_calls"] = 30
    know_the_devices(pilot)
    pilot.site.simulator.faults.append(Fault("http503"))
    requests = pilot.tick().run_requests
    assert not any(pilot.run(request).success for request in requests)
    assert not pilot.tick().run_requests, "not again on the same day"
    pilot.site.simulator.faults.clear()
    pilot.site.clock.turn(days=1)
    again = pilot.tick().run_requests
    assert not {request.run_key for request in again} & {request.run_key for request in requests}
    assert all(pilot.run(request).success for request in again)
    assert max(asked(pilot).values()) > 1, "the fault was met"


def test_a_partition_that_costs_more_than_a_day_is_begun_and_continued(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    (system, *_) = a_fleet().systems
    ecus = tuple(Ecu(f"2030000003{n:02}", (Inverter(uid=f"7020000003{n:02}"),)) for n in range(6))
    fleet = Fleet((replace(system, ecus=ecus, create_date=date(2024, 3, 28)),))
    with serving(tmp_path / "data", fleet=fleet) as site:
        site.clock.instant = EVENING
        last = site.clock.instant.date() - timedelta(days=1)
        others = [name for name in LEAN if name != PANELS]
        spent = site.collect(last, last, others).summary.calls
        chosen = {"monthly_calls": spent + 8, "revision_days": 0, "profile": "lean"}
        pilot = Pilot(site, instance, date(2024, 3, 1), chosen)

        (request,) = pilot.tick().run_requests
        assert request.tags["aps/max_calls"] == "4"
        assert "a part of one partition that costs more than a day" in request.tags["aps/why"]
        assert not pilot.run(request).success, "it is not complete"
        assert site.calls == spent + 4

        pilot.chosen["monthly_calls"] = 1000
        site.clock.turn(days=1)
        assert all(pilot.run(request).success for request in pilot.tick().run_requests)
        assert len(asked(pilot)) == 2 * 6 and set(asked(pilot).values()) == {1}


def test_every_range_is_of_partitions_that_there_are(pilot: Pilot) -> None:
    know_the_devices(pilot)
    graph = pilot.definitions.resolve_asset_graph()
    found = ranges(pilot.tick())
    assert len(found) == 5
    for names, first, last in found:
        for name in names:
            partitions = graph.get(dg.AssetKey(["core", name])).partitions_def
            keys = partitions.get_partition_keys(current_time=EVENING) if partitions else [""]
            assert {first, last} <= set(keys)


def test_before_the_first_day_is_over_there_is_nothing_to_do(pilot: Pilot) -> None:
    pilot.start = date(2024, 3, 29)
    assert pilot.tick().skip_message == "No day since 2024-03-29 is over yet."


def test_a_tick_that_fails_tells_no_secret(pilot: Pilot, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = pilot.site.simulator.app_secret

    def broken(*_: object) -> None:
        raise RuntimeError(f"the secret is {secret}")

    monkeypatch.setattr(ApsResource, "pipeline", broken)
    with pytest.raises(dg.Failure) as caught:
        pilot.tick()
    assert secret not in str(caught.value.description) and "please report it" in str(caught.value.description)
    assert caught.value.__cause__ is None
