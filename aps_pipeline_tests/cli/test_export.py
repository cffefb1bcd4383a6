"""`aps export`: the forms that Home Assistant and PVOutput take."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from aps_pipeline.cli import export
from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline.periods import zone
from aps_pipeline.warehouse.exports import DayOfEnergy, HourOfEnergy
from aps_pipeline_tests.warehouse.conftest import Plant

DAY = date(2024, 3, 5)
STATISTIC_ID = re.compile(r"(?!.+__)(?!_)[\da-z_]+(?<!_):(?!_)[\da-z_]+(?<!_)")
"""The form of an external id in Home Assistant."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a warehouse, of which each test gets a copy."""
    plant = Plant(tmp_path_factory.mktemp("original"))
    plant.system()
    plant.hours(DAY, [None, 0.0, 0.5] + [None] * 21)
    plant.total("daily", DAY, 0.5)
    plant.build()
    plant.ledger.close()
    return plant.path.parents[1]


@pytest.fixture
def built(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("APS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_home_assistant_gets_metadata_and_hours_with_their_sum(built: Path) -> None:
    assert export.write_homeassistant_file("S1", DAY, DAY, built / "s.json", False) == 0
    found = json.loads((built / "s.json").read_text("utf-8"))
    assert found["stats"] == [
        {"start": "2024-03-05T01:00:00+01:00", "state": 0.0, "sum": 0.0},
        {"start": "2024-03-05T02:00:00+01:00", "state": 0.5, "sum": 0.5},
    ]
    assert found["metadata"]["statistic_id"] == "aps_pipeline:energy_s1"
    assert (found["metadata"]["source"], found["metadata"]["unit_of_measurement"]) == ("aps_pipeline", "kWh")


@pytest.mark.parametrize("system_id", ["AZ12419C3DFF", "a-b", "--x__Y--"])
def test_ids_are_such_as_home_assistant_takes(system_id: str) -> None:
    metadata = export.homeassistant_statistics(system_id, [], zone("UTC"))["metadata"]
    assert STATISTIC_ID.fullmatch(metadata["statistic_id"])


@pytest.mark.parametrize("name", ["Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Madrid"])
def test_every_start_is_the_top_of_an_hour(name: str) -> None:
    midnight = datetime(2024, 3, 5, tzinfo=zone(name)).astimezone(UTC)
    hours = [HourOfEnergy(midnight + timedelta(hours=n), 0.1, 0.1) for n in range(24)]
    starts = [each["start"] for each in export.homeassistant_statistics("S1", hours, zone(name))["stats"]]
    assert [datetime.fromisoformat(start) for start in starts] == [hour.start_utc for hour in hours]
    assert all(start[13:19] == ":00:00" for start in starts)


def test_pvoutput_gets_watt_hours_in_batches_of_30(built: Path) -> None:
    days = [DayOfEnergy(DAY + timedelta(days=n), 1.2345) for n in range(61)]
    lines = export.pvoutput_batches(days)
    assert [line.count(";") + 1 for line in lines] == [30, 30, 1]
    assert lines[2] == "20240504,1234"
    assert export.write_pvoutput_file("S1", DAY, DAY, built / "p.txt", False) == 0
    assert (built / "p.txt").read_text("utf-8") == "20240305,500\n"


def test_nothing_to_export_is_said_and_makes_no_file(built: Path) -> None:
    for make in (export.write_homeassistant_file, export.write_pvoutput_file):
        with pytest.raises(NotConfiguredError, match="no whole day of S2 from 2024-03-05"):
            make("S2", DAY, DAY, built / "out", False)
    assert not (built / "out").exists()
