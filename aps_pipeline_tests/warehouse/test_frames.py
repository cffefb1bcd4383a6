"""The warehouse in a notebook."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import aps_pipeline
from aps_pipeline import warehouse
from aps_pipeline_tests.warehouse.conftest import Plant

DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)
DAYS = "SELECT date, energy_kwh FROM core.system_daily_energy ORDER BY date"


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    shared_plant.total("daily", DAY, 1.5)
    shared_plant.total("daily", NEXT_DAY, None)
    shared_plant.slots(DAY, {"12:00": 0.1})
    shared_plant.build()
    return shared_plant


def test_a_result_is_a_frame_in_which_absent_is_not_zero(built: Plant) -> None:
    with aps_pipeline.open_warehouse(built.path) as opened:
        frame = opened.df(DAYS)
        slots = opened.df("SELECT end_utc FROM core.ecu_power")
    assert list(frame["date"]) == [pd.Timestamp(DAY), pd.Timestamp(NEXT_DAY)]
    assert frame["energy_kwh"].iloc[0] == 1.5
    assert frame["energy_kwh"].isna().tolist() == [False, True]
    assert slots["end_utc"].iloc[0] == pd.Timestamp("2024-03-05T11:00:00Z")


def test_without_a_path_it_is_that_of_the_settings(built: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APS_DATA_DIR", str(built.path.parent))
    with aps_pipeline.open_warehouse() as opened:
        assert opened.path == built.path
        assert len(opened.df(DAYS)) == 2


def test_one_opened_warehouse_answers_many_queries_until_it_is_closed(built: Plant) -> None:
    with aps_pipeline.open_warehouse(str(built.path)) as opened:
        assert len(opened.df(DAYS)) == len(opened.df(DAYS)) == 2
    with pytest.raises((duckdb.Error, warehouse.QueryError)):
        opened.df(DAYS)


@pytest.mark.parametrize("sql", ["DROP TABLE core.systems", "SELECT 1; SELECT 2", "FROM '/etc/passwd'"])
def test_it_only_reads_the_warehouse(built: Plant, sql: str) -> None:
    before = built.path.read_bytes()
    with aps_pipeline.open_warehouse(built.path) as opened, pytest.raises(warehouse.QueryError):
        opened.df(sql)
    assert built.path.read_bytes() == before


def test_no_warehouse_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(warehouse.NoWarehouseError, match="run `aps backfill` first"):
        aps_pipeline.open_warehouse(tmp_path / "w.duckdb")


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import aps_pipeline, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert {"duckdb", "pandas", "pyarrow", "pydantic"}.isdisjoint(loaded)
    assert {name for name in loaded if name.startswith("aps_pipeline.")} == set()
