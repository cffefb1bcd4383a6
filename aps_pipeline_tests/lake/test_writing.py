"""What reaches a file, and what must not."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aps_pipeline.lake import InvalidRowsError, Lake, StorageError
from aps_pipeline.tables import REJECTED_ITEMS, TABLES, empty
from aps_pipeline_tests.lake.helpers import (
    DAYS,
    HOURS,
    MONTHS,
    SYSTEMS,
    YEARS,
    days,
    hours,
    rejected,
    table_of,
)

KEY = ("2024-03-05",)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_one_partition_is_one_file_in_one_directory(lake: Lake, tmp_path: Path) -> None:
    assert lake.write(HOURS, KEY, hours(), "i") == 48
    file = tmp_path / "lake/core/system_hourly_energy/date=2024-03-05/part-0.parquet"
    assert file.is_file() and lake.path(HOURS, KEY) == str(file)
    assert [path for path in (tmp_path / "lake").rglob("*") if path.is_file()] == [file]


@pytest.mark.parametrize(
    ("table", "values", "folder"),
    [
        (DAYS, ("2024-03",), "system_daily_energy/month=2024-03"),
        (MONTHS, ("2024",), "system_monthly_energy/year=2024"),
        (YEARS, (), "system_yearly_energy"),
        (SYSTEMS, (), "systems"),
        (
            REJECTED_ITEMS,
            ("inverter_batch_energy", "2024-03-05"),
            "rejected_items/source_table=inverter_batch_energy/date=2024-03-05",
        ),
    ],
)
def test_folders(lake: Lake, tmp_path: Path, table: Any, values: tuple[str, ...], folder: str) -> None:
    lake.write(table, values, empty(table), "i")
    assert (tmp_path / "lake/core" / folder / "part-0.parquet").is_file()


def test_the_file_is_sorted_compressed_and_says_what_it_holds(lake: Lake) -> None:
    lake.write(HOURS, KEY, hours(), "these answers")
    file = pq.ParquetFile(lake.path(HOURS, KEY))
    rows = file.read()
    keys = list(zip(rows["system_id"].to_pylist(), rows["hour"].to_pylist(), strict=True))
    assert keys == sorted(keys) and "date" not in rows.schema.names, "it stands in the folder"
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    field = rows.schema.field("energy_kwh")
    assert field.metadata[b"unit"] == b"kWh" and b"absent" not in field.metadata
    assert field.metadata[b"description"].startswith(b"Energy produced")
    assert rows.schema.metadata[b"description"] == HOURS.description.encode()
    assert rows.schema.metadata[b"aps.inputs"] == b"these answers"
    assert not rows.schema.field("system_id").nullable and field.nullable


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_of_every_table_describes_itself_in_the_file(lake: Lake, table: Any) -> None:
    folders = {"day": ("2024-03-05",), "month": ("2024-03",), "year": ("2024",), "lifetime": ()}
    values = folders[table.partition_grain]
    lake.write(table, (("inverter_batch_energy", *values) if table.side_of else values), empty(table), "i")
    (path,) = lake.files(table)
    schema = pq.read_schema(path)
    for column in table.columns:
        if column.name not in table.folder_columns:
            metadata = schema.field(column.name).metadata
            assert metadata[b"description"].decode() == column.meaning
            assert metadata.get(b"unit", b"").decode() == column.unit


def test_the_same_rows_are_the_same_bytes_in_any_order(lake: Lake) -> None:
    lake.write(HOURS, KEY, hours(), "i")
    before = Path(lake.path(HOURS, KEY)).read_bytes()
    shuffled = hours().take(pa.array([*range(30, 48), *range(30)]))
    for rows in (shuffled, pa.concat_tables([hours().slice(0, 5), hours().slice(5)])):
        lake.write(HOURS, KEY, rows, "i")
        assert Path(lake.path(HOURS, KEY)).read_bytes() == before
    lake.write(HOURS, KEY, hours(), "other inputs")
    assert Path(lake.path(HOURS, KEY)).read_bytes() != before


@pytest.mark.parametrize(("zone", "language"), [("Asia/Tokyo", "tr_TR.UTF-8"), ("America/New_York", "C")])
def test_the_same_rows_are_the_same_bytes_on_any_machine(
    lake: Lake, tmp_path: Path, zone: str, language: str
) -> None:
    lake.write(HOURS, KEY, hours(), "i")
    code = (
        "import sys; from aps_pipeline.lake import Lake; from aps_pipeline_tests.lake.helpers import *;"
        "Lake(sys.argv[1]).write(HOURS, ('2024-03-05',), hours(), 'i')"
    )
    environment = {
        **os.environ,
        "TZ": zone,
        "LC_ALL": language,
        "PYTHONHASHSEED": "7",
        "OMP_NUM_THREADS": "1",
    }
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "other")], env=environment, check=True)
    other = Path(Lake(str(tmp_path / "other")).path(HOURS, KEY))
    assert other.read_bytes() == Path(lake.path(HOURS, KEY)).read_bytes()


def _with(rows: pa.Table, name: str, values: list[Any]) -> pa.Table:
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, rows.schema.field(at), pa.array(values, rows.schema.field(at).type))


BAD_ROWS = {
    "a key twice": (HOURS, KEY, pa.concat_tables([hours(), hours()])),
    "a key absent": (HOURS, KEY, _with(hours(), "system_id", [None] * 48)),
    "a call absent": (HOURS, KEY, _with(hours(), "call_id", [None] * 48)),
    "another day": (HOURS, KEY, hours(date(2024, 3, 6))),
    "some of another day": (HOURS, KEY, pa.concat_tables([hours(), hours(date(2024, 3, 6))])),
    "a month of another": (DAYS, ("2024-04",), days()),
    "a day of another month": (DAYS, ("2024-03",), days(date(2024, 2, 29))),
    "a month of another year": (MONTHS, ("2023",), table_of(MONTHS, [("A", date(2024, 1, 1), 1.0, True, 7)])),
    "rejected by another table": (REJECTED_ITEMS, ("systems", "2024-03-05"), rejected()),
    "a column too few": (HOURS, KEY, hours().drop_columns(["energy_kwh"])),
    "another type": (HOURS, KEY, hours().set_column(2, "hour", pa.array([1] * 48, pa.int64()))),
    "another order": (HOURS, KEY, hours().select(HOURS.schema.names[::-1])),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_rows_that_break_the_declaration_are_refused(lake: Lake, name: str) -> None:
    table, values, rows = BAD_ROWS[name]
    with pytest.raises(InvalidRowsError):
        lake.write(table, values, rows, "i")
    assert lake.files(table) == []


def test_a_bad_write_leaves_the_older_file(lake: Lake) -> None:
    lake.write(HOURS, KEY, hours(), "i")
    with pytest.raises(InvalidRowsError):
        lake.write(HOURS, KEY, hours(date(2024, 3, 6)), "i")
    found = lake.origin(HOURS, KEY)
    assert found and (found.inputs, found.rows) == ("i", 48)


@pytest.mark.parametrize("where", ["/proc/nowhere/lake", "/dev/null/lake", "/sys/lake"])
def test_a_directory_that_cannot_be_written_is_said(where: str) -> None:
    lake = Lake(where)
    with pytest.raises(StorageError, match=where):
        lake.write(HOURS, KEY, hours(), "i")


@pytest.mark.parametrize("url", ["ftp://host/x", "s3://", "nonsense://x"])
def test_an_address_that_cannot_be_used_is_said(url: str) -> None:
    with pytest.raises(StorageError):
        Lake(url)


def test_a_failed_write_leaves_no_half_file(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.write(HOURS, KEY, hours(), "i")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="No space"):
            lake.write(HOURS, KEY, hours(scale=2), "j")
    found = lake.origin(HOURS, KEY)
    assert found and found.inputs == "i"


def test_file_and_directories_are_synced(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (synced.append(str(Path(f"/proc/self/fd/{fd}").readlink())), real(fd))
    )
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")
    lake.write(HOURS, KEY, hours(), "i")
    assert ".staging" in synced[0]
    assert synced[1].endswith("date=2024-03-05") and synced[2].endswith("system_hourly_energy")
