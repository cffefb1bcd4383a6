"""What ends a run early, what it leaves behind, and how the next one goes on."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.api import Client
from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest import NotConfiguredError, Summary, Wanted
from aps_pipeline.simulator import Fault
from aps_pipeline.wiring import open_pipeline
from aps_pipeline_tests.sites import (
    EAST,
    HISTORY,
    WEST,
    Site,
    client_for,
    fewest_calls,
    serving,
    settings_for,
    with_clients,
)

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 6)


@pytest.fixture
def fewest(site: Site) -> int:
    return fewest_calls(site.simulator.fleet, FIRST, LAST)


@pytest.mark.parametrize("most", [1, 5, 20])
def test_max_calls_is_exact_and_the_next_run_makes_the_rest(site: Site, fewest: int, most: int) -> None:
    run = site.collect(FIRST, LAST, max_calls=most)
    assert site.calls == run.summary.calls == most
    assert run.summary.stop and run.summary.stop.kind is FailureKind.QUOTA
    assert run.summary.complete < run.summary.partitions and not run.summary.failures
    run = site.collect(FIRST, LAST)
    assert site.calls == fewest and run.summary.stop is None
    assert run.summary.complete == run.summary.partitions


def test_max_calls_of_nothing_makes_no_call(site: Site) -> None:
    assert site.collect(FIRST, LAST, max_calls=0).summary.calls == site.calls == 0


def test_a_partition_waits_until_all_its_answers_are_there(site: Site) -> None:
    years = "system_yearly_energy"
    run = site.collect(FIRST, LAST, (years,), max_calls=7, max_in_flight=1)
    result = run.of(years, "")
    assert (result.asked, result.waiting, result.calls, result.rows) == (2, 1, 1, None)
    assert result.remark == "1 of 2 requests not made yet"
    assert not (site.data_dir / "lake/core" / years).exists(), "half of its calls are no partition"
    site.collect(FIRST, LAST, (years,))
    assert set(site.frame(years)["system_id"]) == {EAST, WEST} and site.calls == 8


def test_our_own_quota_stops_a_run_and_a_new_month_lets_it_go_on(site: Site, fewest: int) -> None:
    run = site.collect(FIRST, LAST, monthly_calls=15, reserved_calls=5)
    assert site.calls == 10
    assert run.summary.stop and run.summary.stop.kind is FailureKind.QUOTA
    assert "10 of 10 calls used in 2024-03" in run.summary.stop.message
    assert "2024-03-31 16:00 UTC" in run.summary.stop.message, "midnight in China"
    assert site.collect(FIRST, LAST, monthly_calls=15, reserved_calls=5).summary.calls == 0
    site.clock.turn(days=11, hours=5)
    site.collect(FIRST, LAST, ("system_hourly_energy",), monthly_calls=100)
    assert site.calls > 10


def test_a_refused_quota_stops_every_run_until_it_is_raised(tmp_path: Path) -> None:
    with serving(tmp_path, quota=12) as site:
        run = site.collect(FIRST, LAST, monthly_calls=1000, max_in_flight=1)
        assert site.calls == 13 and run.summary.calls == 13, "the one that was refused has counted"
        said = run.summary.stop.message if run.summary.stop else ""
        assert (
            "2005" in said and "another tool" in said and "APS_MONTHLY_CALLS" in said and "come back" in said
        )
        assert run.summary.failure_kinds == {FailureKind.QUOTA}
        site.collect(FIRST, LAST, monthly_calls=1000)
        assert site.calls == 13
        site.collect(FIRST, LAST, monthly_calls=2000, max_in_flight=1)
        assert site.calls == 14, "a larger plan is worth one try"


def test_the_first_refusal_of_a_signature_stops_the_run(site: Site) -> None:
    run = site.collect(FIRST, LAST, app_secret="wrong0secret")
    assert site.simulator.counts.received == 1
    assert run.summary.stop and run.summary.stop.kind is FailureKind.ACCOUNT
    assert "APS_APP_SECRET" in run.summary.stop.message and "wrong0secret" not in run.summary.stop.message


def test_an_unreachable_host_spends_nothing(site: Site) -> None:
    run = site.collect(FIRST, LAST, base_url="http://127.0.0.1:9")
    assert run.summary.failure_kinds == {FailureKind.REMOTE} and run.summary.calls == 0
    pipeline = site.pipeline()
    assert pipeline.quotas()[""].used == 0
    pipeline.ledger.close()


def test_a_denied_system_leaves_the_data_of_the_others(tmp_path: Path) -> None:
    denied = [Fault("2004", endpoint=f"systems/energy/{WEST}")]
    with serving(tmp_path, denied) as site:
        run = site.collect(FIRST, LAST)
        assert run.summary.failure_kinds == {FailureKind.ACCOUNT}
        asked = [path for path, _ in site.simulator.requests if path.endswith(f"systems/energy/{WEST}")]
        assert len(asked) <= 4, "no more than were in flight: the endpoint is not asked again"
        hours = site.frame("system_hourly_energy")
        assert set(hours["system_id"]) == {EAST}
        assert hours["date"].nunique() == 3
        assert set(site.frame("inverter_batch_energy")["system_id"]) == {EAST, WEST}
        result = run.of("system_hourly_energy", "2024-03-05")
        assert not result.is_complete and result.rows == 24


def test_an_unknown_system_leaves_the_data_of_the_others(site: Site) -> None:
    run = site.collect(FIRST, LAST, system_ids=(EAST, "NOBODY0000000003"))
    assert run.summary.failure_kinds == {FailureKind.ACCOUNT}
    assert "APS_SYSTEM_IDS" in run.summary.failures[0].message
    strange = [path for path, _ in site.simulator.requests if "NOBODY" in path]
    assert len(strange) <= 3
    assert set(site.frame("system_hourly_energy")["system_id"]) == {EAST}


def test_the_restricting_server_is_left_alone(tmp_path: Path) -> None:
    with serving(tmp_path, [Fault("7001", endpoint="system_energy")]) as site:
        run = site.collect(FIRST, LAST, max_in_flight=1)
        assert site.simulator.counts.by_code[7001] == 1
        assert run.summary.failure_kinds == {FailureKind.DEFERRED} and not run.summary.failures


def test_missing_credentials_are_named_before_anything_is_spent(site: Site) -> None:
    settings = settings_for(site.simulator, site.url, site.data_dir, app_secret=None)
    pipeline = open_pipeline(settings)
    wanted = Wanted(HISTORY, FIRST, LAST, pipeline.system_ids)
    with pytest.raises(NotConfiguredError, match="APS_APP_SECRET not set"):
        list(pipeline.collect(wanted, Summary()))
    assert site.calls == 0 and not list(pipeline.ledger.iter_calls())


def test_a_range_or_a_fleet_of_nothing_is_refused() -> None:
    with pytest.raises(NotConfiguredError, match="before it begins"):
        Wanted(HISTORY, LAST, FIRST, (EAST,))
    with pytest.raises(NotConfiguredError, match="APS_SYSTEM_IDS"):
        Wanted(HISTORY, FIRST, LAST, ())


def test_a_listener_that_goes_away_loses_nothing(site: Site, fewest: int) -> None:
    pipeline = site.pipeline()
    results = pipeline.collect(Wanted(HISTORY, FIRST, LAST, pipeline.system_ids), Summary())
    for _ in range(7):
        next(results)
    results.close()
    states = {row["state"] for portion in pipeline.ledger.iter_calls() for row in portion}
    pipeline.ledger.close()
    assert "in_flight" not in states
    site.collect(FIRST, LAST)
    assert site.calls == fewest


def test_the_client_is_made_once_and_only_when_it_is_needed(site: Site) -> None:
    from aps_pipeline.ingest import Summary

    made: list[Client] = []

    def client() -> Client:
        made.append(client_for(settings_for(site.simulator, site.url, site.data_dir)))
        return made[-1]

    pipeline = with_clients(site.pipeline(), client)
    wanted = Wanted(HISTORY, FIRST, FIRST, pipeline.system_ids)
    for expected in (1, 1):
        list(pipeline.collect(wanted, Summary()))
        assert len(made) == expected
    pipeline.ledger.close()
