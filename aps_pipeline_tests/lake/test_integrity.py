"""Files of the lake that are not what was written there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aps_pipeline.lake import FileFault, Lake
from aps_pipeline.tables import REJECTED_ITEMS, TABLES
from aps_pipeline_tests.lake.helpers import DAYS, HOURS, days, hours, rejected

KEY = ("2024-03-05",)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    found = Lake(str(tmp_path / "lake"))
    found.write(HOURS, KEY, hours(), "inputs")
    found.write(DAYS, ("2024-03",), days(), "inputs")
    found.write(REJECTED_ITEMS, ("inverter_batch_energy", *KEY), rejected(), "inputs")
    return found


def faults(lake: Lake, *, ends_only: bool = False) -> list[FileFault]:
    found = lake.check_files(TABLES.values(), ends_only=ends_only)
    return [fault for _, fault in found if fault is not None]


def test_what_was_written_is_sound_wherever_it_lies(lake: Lake, tmp_path: Path) -> None:
    assert not faults(lake) and len(list(lake.check_files(TABLES.values()))) == 3
    shutil.copytree(tmp_path / "lake", tmp_path / "moved")
    assert not faults(Lake(str(tmp_path / "moved")))


def test_every_byte_counts(lake: Lake) -> None:
    path = Path(lake.path(HOURS, KEY))
    content = path.read_bytes()
    for at in range(0, len(content), max(1, len(content) // 60)):
        changed = bytearray(content)
        changed[at] ^= 0x01
        path.write_bytes(changed)
        assert [fault.path for fault in faults(lake)] == [str(path)], at
    for length in (0, 4, 11, 12, 500, len(content) - 1):
        path.write_bytes(content[:length])
        assert len(faults(lake)) == 1, length
        assert len(faults(lake, ends_only=True)) == 1, length
    path.write_bytes(content + b"PAR1")
    assert len(faults(lake)) == 1


def test_the_file_of_another_partition_is_seen_in_the_footer(lake: Lake) -> None:
    other = ("2024-03-06",)
    Path(lake.path(HOURS, other)).parent.mkdir()
    shutil.copyfile(lake.path(HOURS, KEY), lake.path(HOURS, other))
    assert lake.origin(HOURS, other) is None and lake.read_partition(HOURS, other) is None
    (fault,) = faults(lake)
    assert (fault.values, fault.reason) == (other, "it is the file of system_hourly_energy/date=2024-03-05")


def test_a_file_of_the_first_release_is_sound_as_long_as_it_can_be_read(lake: Lake) -> None:
    path = Path(lake.path(HOURS, KEY))
    rows = pq.ParquetFile(path).read()
    kept = {name: value for name, value in rows.schema.metadata.items() if name.startswith(b"aps.inputs")}
    pq.write_table(rows.replace_schema_metadata(kept), path)
    assert not faults(lake)
    found = lake.origin(HOURS, KEY)
    assert found is not None and found.inputs == "inputs"
    path.write_bytes(path.read_bytes()[:-400] + b"\0" * 200 + path.read_bytes()[-200:])
    assert len(faults(lake)) == 1


@pytest.mark.parametrize(
    "folder",
    ["date=2024-13-05", "date=2024-03", "day=2024-03-05", "date=2024-03-05/bucket=1", "x"],
)
def test_where_no_partition_belongs(lake: Lake, folder: str) -> None:
    stray = Path(lake.path(HOURS, KEY)).parents[1] / folder / "part-0.parquet"
    stray.parent.mkdir()
    shutil.copyfile(lake.path(HOURS, KEY), stray)
    (fault,) = faults(lake, ends_only=True)
    assert (fault.path, fault.values) == (str(stray), None)
    aside = lake.set_aside(fault)
    assert Path(aside).is_file() and not stray.exists() and not faults(lake)
    assert lake.read(HOURS).num_rows == 48


def test_one_partition_is_read_with_the_columns_of_its_folder(lake: Lake) -> None:
    rows = lake.read_partition(HOURS, KEY)
    assert rows is not None and rows.equals(lake.read(HOURS))
    assert lake.read_partition(HOURS, ("2024-03-09",)) is None


def test_a_lake_has_rows_or_none(tmp_path: Path, lake: Lake) -> None:
    assert lake.has_rows() and not Lake(str(tmp_path / "other")).has_rows()
    empty = Lake(str(tmp_path / "empty"))
    empty.write(HOURS, KEY, hours().slice(0, 0), "none")
    assert not empty.has_rows()
    Path(empty.path(HOURS, KEY)).write_bytes(b"")
    assert empty.has_rows(), "one that was cut may have held some"
