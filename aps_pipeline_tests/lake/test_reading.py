"""Whatever reads Parquet reads the lake; damage counts as missing."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pytest

from aps_pipeline.lake import Lake, LakeState, StorageError
from aps_pipeline.tables import REJECTED_ITEMS
from aps_pipeline_tests.lake.helpers import DAYS, HOURS, SYSTEMS, days, hours, rejected

DATES = [date(2024, 3, 4), date(2024, 3, 5), date(2024, 12, 31)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(str(tmp_path / "lake"))
    for day in DATES:
        lake.write(HOURS, (day.isoformat(),), hours(day), "i")
    return lake


def folder(lake: Lake, name: str = "system_hourly_energy") -> Path:
    return Path(lake.url) / "core" / name


def test_it_reads_itself(lake: Lake) -> None:
    rows = lake.read(HOURS)
    assert rows.schema.equals(HOURS.schema, check_metadata=True)
    expected = [
        row
        for day in DATES
        for row in hours(day).sort_by([("system_id", "ascending"), ("hour", "ascending")]).to_pylist()
    ]
    assert rows.to_pylist() == expected


def test_a_table_without_files_is_empty(lake: Lake) -> None:
    assert lake.read(SYSTEMS).schema.equals(SYSTEMS.schema) and lake.files(SYSTEMS) == []
    assert lake.origin(SYSTEMS, ()) is None


def test_pandas_reads_the_folder(lake: Lake) -> None:
    frame = pd.read_parquet(folder(lake))
    assert len(frame) == 144
    assert sorted(frame["date"].astype(str).unique()) == [day.isoformat() for day in DATES]
    assert frame["energy_kwh"].isna().sum() == 6
    assert str(frame["start_utc"].dtype).endswith("UTC]")
    one = pd.read_parquet(folder(lake), filters=[("date", "==", "2024-03-05")])
    assert len(one) == 48


def test_pyarrow_reads_the_folder(lake: Lake) -> None:
    found = ds.dataset(folder(lake), partitioning="hive").to_table(filter=ds.field("date") == "2024-03-05")
    assert found.num_rows == 48


def test_tables_of_two_folder_columns(lake: Lake) -> None:
    lake.write(REJECTED_ITEMS, ("inverter_batch_energy", "2024-03-05"), rejected(), "i")
    assert lake.read(REJECTED_ITEMS).to_pylist() == rejected().to_pylist()
    frame = pd.read_parquet(folder(lake, "rejected_items"))
    assert frame.iloc[0]["source_table"] == "inverter_batch_energy"


def test_partitions_of_months(lake: Lake) -> None:
    lake.write(DAYS, ("2024-03",), days(), "i")
    assert lake.read(DAYS).to_pylist() == days().to_pylist()
    assert (
        pd.read_parquet(folder(lake, "system_daily_energy"))["month"].astype(str).tolist() == ["2024-03"] * 2
    )


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1" + b"x" * 100, b"x" * 1000], ids=["empty", "short", "no end", "other"]
)
def test_a_damaged_file_counts_as_missing(lake: Lake, content: bytes) -> None:
    Path(lake.path(HOURS, ("2024-03-05",))).write_bytes(content)
    assert lake.origin(HOURS, ("2024-03-05",)) is None
    with pytest.raises(StorageError):
        lake.read(HOURS)
    lake.write(HOURS, ("2024-03-05",), hours(), "i")
    assert lake.read(HOURS).num_rows == 144


def test_a_file_cut_short_counts_as_missing(lake: Lake) -> None:
    path = Path(lake.path(HOURS, ("2024-03-05",)))
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        assert lake.origin(HOURS, ("2024-03-05",)) is None


def test_a_partition_is_removed(lake: Lake) -> None:
    lake.remove(HOURS, ("2024-03-05",))
    lake.remove(HOURS, ("2024-03-05",))
    assert lake.origin(HOURS, ("2024-03-05",)) is None and len(lake.files(HOURS)) == 2
    assert len(pd.read_parquet(folder(lake))) == 96


def test_other_files_are_not_partitions(lake: Lake) -> None:
    (folder(lake) / "date=2024-03-05" / "note.txt").write_text("mine")
    (folder(lake) / "README").write_text("mine")
    assert len(lake.files(HOURS)) == 3 and lake.read(HOURS).num_rows == 144


def test_staging_leftovers_are_cleaned_once_they_are_old(lake: Lake) -> None:
    staging = Path(lake.url) / ".staging"
    old, young = staging / "old.parquet", staging / "young.parquet"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    lake.clean()
    assert not old.exists() and young.exists(), "somebody may be writing that one"


def test_cleaning_needs_no_lake(tmp_path: Path) -> None:
    Lake(str(tmp_path / "none")).clean()
    assert not (tmp_path / "none").exists()


def test_the_state_shows_what_was_written_and_removed(lake: Lake) -> None:
    def state() -> LakeState:
        found = lake.state()
        assert found
        return found

    staging = Path(lake.url) / ".staging"
    for path in (*Path(lake.url, "core").rglob("*"), Path(lake.url, "core")):
        os.utime(path, (1000, 1000))
    assert state() == LakeState(3, 1000 * 10**9)
    lake.clean()
    (staging / "young.parquet").write_bytes(b"half")
    assert state() == LakeState(3, 1000 * 10**9), "what is not renamed in yet is no part of it"
    begun = time.time_ns() - 10**9
    lake.remove(HOURS, ("2024-03-05",))
    assert state().partitions == 2 and state().changed_ns > begun
    os.utime(folder(lake) / "date=2024-03-05", (1000, 1000))
    lake.write(HOURS, ("2024-03-04",), hours(DATES[0]), "i")
    assert state().partitions == 2 and state().changed_ns > begun


def test_a_lake_without_files_has_a_state_too(tmp_path: Path) -> None:
    assert Lake(str(tmp_path / "none")).state() == LakeState(0, 0)


def test_a_lake_that_cannot_be_listed_is_said(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("aps_pipeline.lake.listing.os.scandir", broken)
    with pytest.raises(StorageError, match="Input/output"):
        lake.state()
