"""A run without trouble: the fewest calls there can be, and the values that were served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from aps_pipeline.simulator import Simulator
from aps_pipeline_tests.simulator.caller import data, panels
from aps_pipeline_tests.sites import (
    EAST,
    EAST_ECU,
    WEST,
    WEST_BARN,
    WEST_ECU,
    Site,
    a_fleet,
    fewest_calls,
    serving,
)

FIRST, LAST = date(2024, 2, 27), date(2024, 3, 6)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """After one run; nobody changes it."""
    with serving(tmp_path_factory.mktemp("clean") / "data") as site:
        run = site.collect(FIRST, LAST)
        assert run.summary.complete == run.summary.partitions
        assert run.summary.calls == site.calls
        yield site


@pytest.fixture(scope="module")
def oracle(collected: Site) -> Simulator:
    """The same history, asked without the program."""
    return Simulator(a_fleet(), now=collected.clock)


def test_it_makes_the_fewest_calls(collected: Site) -> None:
    assert collected.calls == fewest_calls(collected.simulator.fleet, FIRST, LAST)
    assert len(set(collected.simulator.requests)) == collected.calls


def test_a_second_run_makes_none_and_changes_no_byte(collected: Site) -> None:
    before, calls = collected.digest(), collected.calls
    run = collected.collect(FIRST, LAST, app_id=None, app_secret=None)
    assert collected.calls == calls, "and it needs no credentials"
    assert run.summary.calls == 0 and run.summary.complete == run.summary.partitions
    assert collected.digest() == before


def test_nothing_is_asked_from_before_a_system_was_there(collected: Site) -> None:
    asked = [query for path, query in collected.simulator.requests if WEST in path and "date_range" in query]
    assert min(query[-10:] for query in asked if "hourly" in query) == "2024-03-03"
    assert not [query for query in asked if query.endswith("=2024-02")]


@pytest.mark.parametrize("sid", [EAST, WEST])
def test_hours_are_those_served(collected: Site, oracle: Simulator, sid: str) -> None:
    frame = collected.frame("system_hourly_energy", system_id=sid, date="2024-03-05").sort_values("hour")
    assert frame["hour"].tolist() == list(range(24))
    assert frame["energy_kwh"].tolist() == [
        float(text) for text in data(oracle, f"energy/{sid}", "hourly", "2024-03-05")
    ]


@pytest.mark.parametrize(
    ("table", "level", "key", "label"),
    [
        ("system_daily_energy", "daily", "2024-02", "date"),
        ("system_daily_energy", "daily", "2024-03", "date"),
        ("system_monthly_energy", "monthly", "2024", "month"),
        ("system_yearly_energy", "yearly", "", "year"),
    ],
)
def test_sums_are_those_served(
    collected: Site, oracle: Simulator, table: str, level: str, key: str, label: str
) -> None:
    frame = collected.frame(table, system_id=EAST).sort_values(label)
    frame = frame[frame[label].astype(str).str.startswith(key)]
    served = [float(text) for text in data(oracle, f"energy/{EAST}", level, key)]
    assert frame["energy_kwh"].tolist() == served
    assert sum(served) > 0


@pytest.mark.parametrize(("sid", "eid"), [(EAST, EAST_ECU), (WEST, WEST_ECU), (WEST, WEST_BARN)])
def test_panels_are_those_served(collected: Site, oracle: Simulator, sid: str, eid: str) -> None:
    frame = collected.frame("inverter_batch_energy", ecu_id=eid, date="2024-03-05")
    served = data(oracle, f"{sid}/devices/inverter/batch/energy/{eid}", "energy", "2024-03-05")["energy"]
    found = zip(frame["inverter_id"], frame["channel"], frame["energy_kwh"], strict=True)
    assert {(uid, n): kwh for uid, n, kwh in found} == {k: float(v) for k, v in panels(served).items()}


def test_the_inventory_is_that_served(collected: Site) -> None:
    systems = collected.frame("systems").set_index("system_id")
    assert systems.loc[EAST, "timezone"] == "Asia/Kathmandu"
    assert systems.loc[WEST, "create_date"] == date(2024, 3, 3)
    assert float(systems.loc[EAST, "capacity_kw"]) == pytest.approx(2.4)
    assert set(collected.frame("ecus")["ecu_id"]) == {EAST_ECU, WEST_ECU, WEST_BARN}
    assert set(collected.frame("inverters", ecu_id=EAST_ECU)["inverter_id"]) == {
        "702000000111",
        "902000000112",
    }
    assert collected.frame("meters")["meter_id"].tolist() == [EAST_ECU]


def test_every_row_names_the_call_it_came_from(collected: Site) -> None:
    pipeline = collected.pipeline()
    calls = {row["call_id"]: row for portion in pipeline.ledger.iter_calls() for row in portion}
    pipeline.ledger.close()
    frame = collected.frame("system_hourly_energy")
    for system_id, day, call_id in frame[["system_id", "date", "call_id"]].drop_duplicates().to_numpy():
        call = calls[call_id]
        assert (call["system_id"], call["period"], call["level"]) == (system_id, str(day), "hourly")


def test_final_is_what_was_asked_after_the_revision_days(collected: Site) -> None:
    daily = collected.frame("system_daily_energy", system_id=EAST).sort_values("date")
    final = pd.Series(daily["is_final"].to_numpy(), daily["date"].astype(str))
    assert final["2024-03-14"] and not final["2024-03-15"], "asked on the 20th, after 5 days of revision"
    assert not collected.frame("system_monthly_energy")["is_final"].iloc[-1]


def test_no_secret_is_kept(collected: Site) -> None:
    files = [path for path in collected.data_dir.rglob("*") if path.is_file()]
    assert files
    pipeline = collected.pipeline()
    ids = [row["call_id"] for portion in pipeline.ledger.iter_calls() for row in portion]
    kept = "".join(pipeline.ledger.read_bodies(ids).values())
    pipeline.ledger.close()
    assert "authorization_code" in kept and "VISITOR0CODE" not in kept
    assert collected.simulator.app_secret not in kept
    for path in files:
        assert collected.simulator.app_secret.encode() not in path.read_bytes()


def test_a_wider_range_costs_only_what_is_new(site: Site) -> None:
    site.collect(FIRST, date(2024, 2, 28))
    site.collect(FIRST, date(2024, 3, 1))
    east, west = 3 + 4 * 2 + 2 + 1 + 1, 3 + 0 + 1 + 1 + 1
    assert site.calls == east + west, "the west was registered later in that month and year"


def test_an_installer_key_works_by_setting(tmp_path: Path) -> None:
    with serving(tmp_path / "data", prefix="/installer/api/v2") as site:
        run = site.collect(LAST, LAST, api_prefix="/installer/api/v2")
        assert run.summary.complete == run.summary.partitions and site.calls > 0
        assert {path.split("/")[1] for path, _ in site.simulator.requests} == {"installer"}
        wrong = site.collect(FIRST, FIRST)
        assert wrong.summary.failures and wrong.summary.complete < wrong.summary.partitions
