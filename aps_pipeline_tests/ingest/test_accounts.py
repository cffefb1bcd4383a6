"""Two accounts in one fleet file: each keeps its own quota, and one in trouble does not stop the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest import NotConfiguredError, Summary, Wanted
from aps_pipeline.simulator import Account, Fault, Fleet
from aps_pipeline.tables import get_table
from aps_pipeline.wiring import open_pipeline
from aps_pipeline_tests.sites import (
    EAST,
    HISTORY,
    TWO_ACCOUNTS,
    WEST,
    Run,
    Site,
    a_fleet,
    fewest_calls,
    fleet_file,
    serving,
    settings_for,
)

FIRST, LAST = date(2024, 3, 4), date(2024, 3, 6)
HOURS, DAILY = "system_hourly_energy", "system_daily_energy"
FOR_EAST, FOR_WEST = (fewest_calls(Fleet((each,)), FIRST, LAST) for each in a_fleet().systems)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path / "data", accounts=TWO_ACCOUNTS) as opened:
        yield opened


def collect(site: Site, max_calls: int | None = None, in_flight: int = 4, **changes: dict[str, Any]) -> Run:
    """One run of both accounts; `changes` are those of their entries in the file."""
    path = fleet_file(site.data_dir.parent / "fleet.toml", **changes)
    return site.collect(FIRST, LAST, max_calls=max_calls, max_in_flight=in_flight, fleet_file=path)


def calls(site: Site) -> tuple[int, int]:
    """The calls of east and of west that the server has counted."""
    east, west = (site.simulator.counts_of(account.app_id).total for account in TWO_ACCOUNTS)
    return east, west


def test_each_account_asks_about_its_own_systems_and_pays_for_them(two: Site) -> None:
    run = collect(two)
    assert run.summary.complete == run.summary.partitions and not run.summary.stops
    assert calls(two) == (FOR_EAST, FOR_WEST) and run.summary.calls == FOR_EAST + FOR_WEST
    assert two.simulator.counts.by_code.keys() <= {0, 1001}
    pipeline = two.pipeline(fleet_file=fleet_file(two.data_dir.parent / "fleet.toml"))
    assert {name: quota.used for name, quota in pipeline.quotas().items()} == {
        "east": FOR_EAST,
        "west": FOR_WEST,
    }
    pipeline.ledger.close()
    assert collect(two).summary.calls == 0


def test_the_lake_is_that_of_one_account_with_both_systems(two: Site, site: Site) -> None:
    collect(two)
    site.data_dir = site.data_dir / "alone"
    site.collect(FIRST, LAST)
    assert two.digest().keys() == site.digest().keys()
    alone, both = (
        s.frame(HOURS).drop(columns="call_id").sort_values(["system_id", "date", "hour"]) for s in (site, two)
    )
    assert alone.reset_index(drop=True).equals(both.reset_index(drop=True))


def test_our_own_quota_of_one_does_not_stop_the_other(two: Site) -> None:
    run = collect(two, east={"monthly_calls": 12, "reserved_calls": 2})
    assert calls(two) == (10, FOR_WEST)
    assert run.summary.failure_kinds == {FailureKind.QUOTA} and not run.summary.failures
    (stop,) = run.summary.stops
    assert stop.message.startswith("account east: 10 of 10 calls used in 2024-03")
    assert run.summary.complete < run.summary.partitions
    run = collect(two)
    assert calls(two) == (FOR_EAST, FOR_WEST), "exactly the missing calls"
    assert run.summary.complete == run.summary.partitions


def test_what_the_other_account_has_paid_for_can_be_read(two: Site) -> None:
    run = collect(two, east={"monthly_calls": 4, "reserved_calls": 0})
    result = run.of(HOURS, "2024-03-05")
    assert not result.is_complete and (result.asked, result.waiting, result.rows) == (2, 1, 24)
    assert set(two.frame(HOURS)["system_id"]) == {WEST}
    before = two.digest()
    assert collect(two, east={"monthly_calls": 4, "reserved_calls": 0}).summary.calls == 0
    assert two.digest() == before, "the same ledger gives the same bytes"
    collect(two)
    assert set(two.frame(HOURS)["system_id"]) == {EAST, WEST}


def test_both_may_be_exhausted(two: Site) -> None:
    small = {"monthly_calls": 7, "reserved_calls": 0}
    run = collect(two, east=small, west=small)
    assert calls(two) == (7, 7)
    assert [stop.message[:13] for stop in run.summary.stops] == ["account east:", "account west:"]


def test_a_quota_refused_to_one_does_not_stop_the_other(tmp_path: Path) -> None:
    east, west = TWO_ACCOUNTS
    limited = Account(east.app_id, east.app_secret, east.system_ids, quota=6)
    with serving(tmp_path / "data", accounts=(limited, west)) as site:
        run = collect(site, in_flight=1)
        assert calls(site) == (7, FOR_WEST), "the one that was refused has counted"
        (stop,) = run.summary.stops
        assert stop.message.startswith("account east:") and "2005" in stop.message
        collect(site)
        assert calls(site) == (7, FOR_WEST)


def test_a_wrong_secret_costs_one_call_and_the_other_account_completes(two: Site) -> None:
    run = collect(two, east={"app_secret": "wrong0secret"})
    assert two.simulator.counts_of(TWO_ACCOUNTS[0].app_id).received == 1
    assert calls(two) == (0, FOR_WEST)
    (stop,) = run.summary.stops
    assert stop.kind is FailureKind.ACCOUNT and stop.message.startswith("account east: code 4000")
    assert "secret1" not in stop.message and "wrong0secret" not in stop.message
    assert set(two.frame(HOURS)["system_id"]) == {WEST}


def test_an_unreachable_server_of_one_does_not_stop_the_other(two: Site) -> None:
    run = collect(two, east={"base_url": "http://127.0.0.1:9"})
    assert calls(two) == (0, FOR_WEST)
    assert run.summary.failure_kinds == {FailureKind.REMOTE}


def test_a_server_that_restricts_one_account_is_asked_on_by_the_other(tmp_path: Path) -> None:
    restricted = [Fault("7001", endpoint=f"systems/details/{EAST}")]
    with serving(tmp_path / "data", restricted, accounts=TWO_ACCOUNTS) as site:
        run = collect(site)
        assert calls(site) == (1, FOR_WEST)
        assert run.summary.failure_kinds == {FailureKind.DEFERRED} and not run.summary.failures


def test_a_system_of_another_account_is_denied_and_the_rest_goes_on(tmp_path: Path) -> None:
    east, west = TWO_ACCOUNTS
    nothing = Account(east.app_id, east.app_secret, ())
    with serving(tmp_path / "data", accounts=(nothing, west)) as site:
        run = collect(site)
        assert calls(site) == (3, FOR_WEST), "once for each inventory endpoint"
        assert run.summary.failure_kinds == {FailureKind.ACCOUNT} and not run.summary.stops


def test_missing_credentials_of_one_fail_its_own_systems_only(two: Site) -> None:
    path = fleet_file(
        two.data_dir.parent / "fleet.toml", east={"app_secret": None, "app_secret_env": "NOT_SET"}
    )
    settings = settings_for(two.simulator, two.url, two.data_dir, fleet_file=path)
    pipeline, summary = open_pipeline(settings), Summary()
    pipeline.ledger.now = two.clock
    list(pipeline.collect(Wanted(HISTORY, FIRST, LAST, pipeline.system_ids), summary))
    assert calls(two) == (0, FOR_WEST) and summary.calls == FOR_WEST
    (stop,) = summary.stops
    assert stop.kind is FailureKind.ACCOUNT and stop.message.startswith("account east: the variable")
    with pytest.raises(NotConfiguredError, match="account east"):
        list(pipeline.collect(Wanted(HISTORY, FIRST, LAST, (EAST,)), Summary()))
    pipeline.ledger.close()


@pytest.mark.parametrize("most", [1, 9])
def test_max_calls_is_a_budget_of_both_together(two: Site, most: int) -> None:
    run = collect(two, max_calls=most)
    assert sum(calls(two)) == run.summary.calls == most
    (stop,) = run.summary.stops
    assert "--max-calls" in stop.message, "said once"


def test_a_system_of_no_account_is_refused_before_anything_is_spent(two: Site) -> None:
    pipeline = two.pipeline(fleet_file=fleet_file(two.data_dir.parent / "fleet.toml"))
    with pytest.raises(NotConfiguredError, match="no account has the system NOBODY"):
        list(pipeline.collect(Wanted(HISTORY, FIRST, LAST, (EAST, "NOBODY")), Summary()))
    pipeline.ledger.close()
    assert two.calls == 0


def test_a_retention_horizon_is_found_while_another_account_is_exhausted(tmp_path: Path) -> None:
    first, last = date(2024, 3, 4), date(2024, 3, 18)
    small = {"monthly_calls": 4, "reserved_calls": 0}
    spent = []
    path = fleet_file(tmp_path / "fleet.toml", east=small)
    for name, chosen in (("both", (EAST, WEST)), ("west", (WEST,))):
        with serving(tmp_path / name, accounts=TWO_ACCOUNTS, retention_days=6) as site:
            site.collect(first, last, (DAILY, HOURS), fleet_file=path, system_ids=chosen)
            spent.append(calls(site))
    assert spent[0] == (4, spent[1][1])
    assert spent[1][0] == 0


def test_a_plan_needs_no_credentials(two: Site) -> None:
    path = fleet_file(
        two.data_dir.parent / "fleet.toml", east={"app_secret": None, "app_secret_env": "NOT_SET"}
    )
    pipeline = two.pipeline(fleet_file=path)
    lines = pipeline.plan(Wanted((get_table("systems"),), FIRST, LAST, pipeline.system_ids))
    pipeline.ledger.close()
    assert {(line.system_id, pipeline.account_of(line.system_id).name) for line in lines} == {
        (EAST, "east"),
        (WEST, "west"),
    }
