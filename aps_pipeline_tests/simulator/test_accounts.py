"""Several accounts on one server: each with its systems, its secret, its quota and its counts."""

from __future__ import annotations

import pytest

from aps_pipeline.simulator import Account, FleetError, Simulator, demo_fleet, split_accounts
from aps_pipeline_tests.simulator.caller import PREFIX, frozen, signed

ONE, TWO = split_accounts(demo_fleet(), 2, quota=3)


@pytest.fixture
def two() -> Simulator:
    return Simulator(now=frozen, accounts=(ONE, TWO))


def code(sim: Simulator, account: Account, sid: str, **changed: str) -> int | None:
    target = f"{PREFIX}details/{sid}"
    credentials = {"app_id": account.app_id, "secret": account.app_secret}
    return sim.reply("GET", target, signed(sim, target, **credentials | changed)).code


def test_the_systems_are_dealt_in_turn() -> None:
    assert ONE.system_ids + TWO.system_ids == tuple(demo_fleet().system_ids[n] for n in (0, 2, 1))
    assert ONE.app_id != TWO.app_id and ONE.app_secret != TWO.app_secret
    for number in (0, 4):
        with pytest.raises(FleetError, match="1 to 3 accounts"):
            split_accounts(demo_fleet(), number)


def test_an_account_may_ask_about_its_own_systems_only(two: Simulator) -> None:
    assert {code(two, ONE, sid) for sid in ONE.system_ids} == {0}
    assert code(two, TWO, ONE.system_ids[0]) == 2004, "no permission, as for a system that nobody has"


def test_each_account_has_its_own_secret(two: Simulator) -> None:
    assert code(two, ONE, ONE.system_ids[0], secret=TWO.app_secret) == 4000
    assert code(two, ONE, ONE.system_ids[0], app_id="nobody".ljust(32, "0")) == 4000
    assert two.counts.received == 2 and two.counts.total == 0
    assert two.counts_of(ONE.app_id).received == 1 and two.counts_of(ONE.app_id).total == 0


def test_each_account_has_its_own_quota_and_counts(two: Simulator) -> None:
    assert [code(two, ONE, ONE.system_ids[0]) for _ in range(5)] == [0, 0, 0, 2005, 2005]
    assert code(two, TWO, TWO.system_ids[0]) == 0
    assert two.counts_of(ONE.app_id).by_code == {0: 3, 2005: 2}
    assert two.counts_of(TWO.app_id).total == 1
    assert two.counts.total == 6


def test_accounts_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(FleetError, match="same App Id"):
        Simulator(accounts=(ONE, ONE))
    with pytest.raises(FleetError, match="no system of the fleet"):
        Simulator(accounts=(Account("a", "b", ("X0",)),))
