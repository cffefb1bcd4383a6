"""Identity and calendar: whose an answer is, since when there are figures, and when a local day ends."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aps_pipeline.periods import day_end_utc, zone
from aps_pipeline.warehouse import open_warehouse
from aps_pipeline.wiring import build_warehouse
from aps_pipeline_tests.field.world import NOW, Roof, Rule, World, WorldRequest, scripted, world
from aps_pipeline_tests.warehouse.lean import only_marts


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts("local_days"):
        yield


def built(api: World, **settings: object) -> Path:
    """The path of a warehouse of what was collected."""
    pipeline = api.pipeline(**settings)
    chosen = api.settings(**settings)
    build_warehouse(chosen, pipeline, force=True)
    pipeline.ledger.close()
    return chosen.warehouse_path


MAIN, VIRTUAL = "2030000001236", "002405253708"
JOINED = f"{MAIN}-{VIRTUAL}"
SHARED = {JOINED: ("701000000011", "701000000012-002405253708")}
"""A shared ECU; uids below it may have hyphens of their own."""
TABLES = [
    "ecus", "inverters", "meters", "inverter_batch_energy", "ecu_daily_energy", "ecu_hourly_energy",
    "meter_daily_energy",
]  # fmt: skip


def asks_by(eid: str) -> Rule:
    """ECUs and meters are asked by that id, else 4000; the scripted roof knows them by the joined one."""

    def rule(request: WorldRequest) -> Any:
        if not request.device or request.endpoint not in ("ecu", "batch", "meter"):
            return None
        if request.device != eid:
            return 4000
        roof = Roof(ecus=SHARED, meters=(JOINED,))
        return scripted(replace(request, device=JOINED), roof, NOW.date())

    return rule


def listing(details: str, inverters: str, meters: str) -> Rule:
    """The spelling of the shared ECU in each list."""

    def rule(request: WorldRequest) -> Any:
        spelling = {"details": details, "inverters": inverters, "meters": meters}.get(request.kind)
        roof = Roof(ecus={spelling: SHARED[JOINED]}, meters=(spelling,)) if spelling else None
        return roof and scripted(request, roof, NOW.date())

    return rule


def ids(data_dir: Path) -> dict[str, set[str]]:
    """The ids of ECUs and meters in every table of the lake."""
    frames = {f.name: pd.read_parquet(f) for f in (data_dir / "lake" / "core").iterdir()}
    return {
        name: set(frame[column])
        for name, frame in frames.items()
        for column in ("ecu_id", "meter_id")
        if column in frame
    }


@pytest.mark.parametrize(
    "spellings", [(JOINED, JOINED, JOINED), (JOINED, VIRTUAL, VIRTUAL), (VIRTUAL, JOINED, JOINED)]
)
def test_a_shared_ecu_is_asked_by_its_virtual_id(tmp_path: Path, spellings: tuple[str, str, str]) -> None:
    """D1: the joined id gives 4000; either spelling may stand in any list, and both are one device."""
    with world(tmp_path / "data", Roof(ecus=SHARED, meters=(JOINED,))) as api:
        api.rules = [listing(*spellings), asks_by(VIRTUAL)]
        run = api.collect(date(2026, 11, 1), date(2026, 11, 10), TABLES)
        assert not run.summary.failures and not run.summary.stops
        assert {r.device for r in api.requests if r.device} == {VIRTUAL}
        found = ids(api.data_dir)
        assert found.keys() >= {name for name in TABLES if name != "systems"}
        assert set.union(*found.values()) == {VIRTUAL}
        ecus = pd.read_parquet(api.data_dir / "lake/core/ecus").iloc[0]
        assert ecus["listed_as"] == JOINED and ecus["gone_utc"] is pd.NaT
        batch = pd.read_parquet(api.data_dir / "lake/core/inverter_batch_energy")
        assert set(batch["inverter_id"]) == set(SHARED[JOINED])
        since = len(api.requests)
        api.collect(date(2026, 11, 1), date(2026, 11, 10), TABLES)
        assert len(api.requests) == since


def test_answers_to_the_joined_id_are_not_bought_again(tmp_path: Path) -> None:
    """A ledger of an older release: some servers answered the joined id, and those answers stay."""
    days = date(2026, 11, 1), date(2026, 11, 10)
    with world(tmp_path / "data", Roof(ecus=SHARED, meters=(JOINED,))) as api:
        api.rules = [asks_by(VIRTUAL)]
        api.collect(*days, TABLES)
        kept = api.settings().data_dir / "ledger.sqlite"
        with closing(sqlite3.connect(kept)) as ledger:
            changed = ledger.execute("UPDATE calls SET device_id = ? WHERE device_id = ?", (JOINED, VIRTUAL))
            assert changed.rowcount > 10
            ledger.commit()
        shutil.rmtree(api.data_dir / "lake")
        since = len(api.requests)
        run = api.collect(days[0], days[1] + timedelta(days=1), [t for t in TABLES if "batch" in t])
        assert [r.when for r in api.requests[since:]] == ["2026-11-11"]
        assert run.summary.complete == run.summary.partitions
        assert ids(api.data_dir)["inverter_batch_energy"] == {VIRTUAL}


HISTORY_TABLES = [
    "system_yearly_energy", "system_monthly_energy", "system_daily_energy", "inverter_batch_energy"
]  # fmt: skip


@pytest.mark.parametrize(
    ("created", "since"),
    [
        (date(2025, 2, 15), date(2024, 12, 4)),  # a year more
        (date(2025, 2, 15), date(2025, 1, 14)),  # in the same year
        (date(2025, 2, 15), date(2025, 2, 3)),  # in the same month
        (date(2025, 1, 2), date(2024, 12, 30)),
    ],
)
def test_what_lies_before_registration_is_asked_in_the_same_run(
    tmp_path: Path, created: date, since: date
) -> None:
    """A3: lists of years, months and days show energy from before it."""
    now, days = datetime(2025, 3, 1, 12, tzinfo=UTC), (date(2023, 1, 1), date(2025, 2, 28))
    with world(tmp_path / "data", Roof(create_date=created, first_day=since), now=now) as api:
        run = api.collect(*days, HISTORY_TABLES)
        assert not run.summary.failures
        batch = sorted(r.when for r in api.asked("batch/energy"))
        assert batch == [str(since + timedelta(days=n)) for n in range((days[1] - since).days + 1)]
        assert min(r.when for r in api.asked("energy/monthly")) == str(since.year)
        assert min(r.when for r in api.asked("energy/daily")) == str(since)[:7]
        years = pd.read_parquet(api.data_dir / "lake/core/system_yearly_energy")
        assert list(years["year"]) == list(range(since.year, 2026)) and (years["energy_kwh"] > 0).all()
        since_call = len(api.requests)
        api.collect(*days, HISTORY_TABLES)
        assert len(api.requests) == since_call
        covered = [c for c in api.pipeline().coverage() if c.table.name == "inverter_batch_energy"]
        assert min(c.first.first for c in covered) == since


def test_nothing_is_asked_before_the_range(tmp_path: Path) -> None:
    now, roof = (
        datetime(2025, 3, 1, 12, tzinfo=UTC),
        Roof(create_date=date(2025, 2, 15), first_day=date(2024, 11, 4)),
    )
    with world(tmp_path / "data", roof, now=now) as api:
        api.collect(date(2024, 12, 20), date(2025, 2, 28), HISTORY_TABLES)
        assert min(r.when for r in api.asked("energy/daily")) == "2024-12"
        assert min(r.when for r in api.asked("batch/energy")) == "2024-12-20"


@pytest.mark.parametrize("name", ["America/Havana", "Atlantic/Azores"])
def test_sql_and_python_have_one_calendar(tmp_path: Path, name: str) -> None:
    """D3: DuckDB's own rules move these clocks at another hour."""
    with world(tmp_path / "data", Roof(zone=name)) as api:
        api.collect(date(2024, 1, 1), date(2026, 11, 26), ["system_daily_energy"])
        with closing(open_warehouse(built(api))) as connection:
            rows = connection.execute(
                "SELECT date, epoch_us(end_utc), epoch_us(final_utc) FROM mart.local_days"
            ).fetchall()
    ends = {day: int(day_end_utc(day, zone(name)).timestamp()) * 1_000_000 for day, *_ in rows}
    assert len(ends) > 1000
    assert {day: end for day, end, _ in rows} == ends
    assert {final - end for _, end, final in rows} == {5 * 86_400_000_000}
