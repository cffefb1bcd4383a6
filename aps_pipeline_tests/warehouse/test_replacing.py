"""Readers only ever see a whole file, whatever happens to builders."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline import warehouse
from aps_pipeline.atomic import remove_leftovers
from aps_pipeline.warehouse import builder
from aps_pipeline_tests.warehouse.conftest import Plant
from aps_pipeline_tests.warehouse.lean import only_marts

DAY = date(2024, 3, 5)


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts("daily_production", "panel_daily"):
        yield


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def test_a_reader_in_a_loop_never_sees_an_error_or_a_part(plant: Plant) -> None:
    """Every build adds the same number of rows to two tables; a reader must see them equal, and only grow."""
    day = iter(range(1, 29))
    plant.total("daily", date(2024, 1, next(day)), 1.0)
    plant.panels(date(2024, 1, 1), {"E1/I1/1": 1.0})
    plant.build()
    stop, seen, faults = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            try:
                with warehouse.open_warehouse(plant.path) as connection:
                    panels = "SELECT count(*) FROM mart.panel_daily"
                    sql = f"SELECT count(*), ({panels}) FROM core.system_daily_energy"
                    seen.append(connection.execute(sql).fetchone())
            except Exception as error:  # noqa: BLE001 - every fault is reported below
                faults.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(5):
        d = date(2024, 1, next(day))
        plant.total("daily", d, 1.0)
        plant.panels(d, {"E1/I1/1": 1.0})
        plant.build()
    stop.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert all(left == right for left, right in seen)
    assert len(set(seen)) > 2
    assert names(plant.path) == ["warehouse.duckdb"]


def test_an_open_reader_keeps_what_it_opened(plant: Plant) -> None:
    plant.build()
    with warehouse.open_warehouse(plant.path) as before:
        plant.total("daily", DAY, 1.0)
        plant.build()
        with warehouse.open_warehouse(plant.path) as after:
            counts = [
                c.execute("SELECT count(*) FROM core.system_daily_energy").fetchone() for c in (before, after)
            ]
    assert counts == [(0,), (1,)]


def test_builders_at_once_do_not_disturb_one_another(plant: Plant) -> None:
    plant.total("daily", DAY, 1.0)
    plant.write()
    faults = []

    def work() -> None:
        try:
            for _ in range(2):
                warehouse.build(plant.path, plant.lake, plant.ledger)
        except Exception as error:  # noqa: BLE001 - every fault is reported below
            faults.append(error)

    builders = [threading.Thread(target=work) for _ in range(2)]
    for thread in builders:
        thread.start()
    for thread in builders:
        thread.join()
    assert faults == []
    assert names(plant.path) == ["warehouse.duckdb"]
    assert plant.query("SELECT energy_kwh FROM mart.daily_production") == [{"energy_kwh": 1.0}]


def test_a_killed_build_leaves_the_old_file_and_is_cleaned_after_an_hour(plant: Plant) -> None:
    plant.total("daily", DAY, 1.0)
    plant.build()
    old = plant.path.read_bytes()
    script = """
import sys, time
from pathlib import Path
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger
from aps_pipeline.warehouse import builder
root = Path(sys.argv[1])
def wait(connection, described):
    print("half way", flush=True)
    time.sleep(60)
builder.add_columns = wait
builder.build(root / "data" / "warehouse.duckdb", Lake(str(root / "lake")), Ledger(f"sqlite:///{root}/ledger.sqlite"))
"""
    command = [sys.executable, "-c", script, str(plant.path.parents[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half way\n"
        process.send_signal(signal.SIGKILL)
    assert plant.path.read_bytes() == old
    left = names(plant.path)
    assert len(left) > 1

    remove_leftovers(plant.path)
    assert names(plant.path) == left, "another builder may still be at work"
    an_hour_on = time.time() + 3601
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: an_hour_on)
        plant.build()
    assert names(plant.path) == ["warehouse.duckdb"]


def test_a_fault_on_the_way_leaves_the_old_file(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.build()
    old = plant.path.read_bytes()

    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(builder, "add_columns", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        plant.build()
    assert plant.path.read_bytes() == old
    assert names(plant.path) == ["warehouse.duckdb"]
