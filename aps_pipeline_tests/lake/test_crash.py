"""A writer that is killed: readers never see half a file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from aps_pipeline.lake import Lake
from aps_pipeline_tests.lake.helpers import HOURS, hours

KEY = ("2024-03-05",)
WRITE_FOR_EVER = """
import sys
from aps_pipeline.lake import Lake
from aps_pipeline_tests.lake.helpers import HOURS, hours
lake, tables = Lake(sys.argv[1]), [hours(scale=s) for s in (1.0, 2.0)]
n = 0
while True:
    lake.write(HOURS, ("2024-03-05",), tables[n % 2], f"{n % 2}")
    n += 1
"""


def test_readers_see_one_file_or_the_other_and_never_a_broken_one(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    lake.write(HOURS, KEY, hours(scale=1.0), "0")
    whole = {str(n): hours(scale=scale)["energy_kwh"].to_pylist()[0] for n, scale in enumerate((1.0, 2.0))}
    path, seen, chance = Path(lake.path(HOURS, KEY)), set(), random.Random(5)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path / "lake")])
        begun = path.stat().st_ino
        deadline = time.monotonic() + 30
        while path.stat().st_ino == begun and time.monotonic() < deadline:
            time.sleep(0.005)
        end = time.monotonic() + 0.2 + chance.random() / 20
        while time.monotonic() < end:
            table = pq.ParquetFile(path).read()
            inputs = table.schema.metadata[b"aps.inputs"].decode()
            assert table.num_rows == 48
            assert max(v or 0 for v in table["energy_kwh"].to_pylist()) == whole[inputs]
            seen.add(inputs)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait(30)
        found = lake.origin(HOURS, KEY)
        assert found and found.rows == 48
    assert seen == {"0", "1"}
    leftovers = list((tmp_path / "lake/.staging").iterdir())
    for leftover in leftovers:
        os.utime(leftover, (1, 1))
    lake.clean()
    assert not list((tmp_path / "lake/.staging").iterdir())
    assert len(lake.files(HOURS)) == 1 and lake.read(HOURS).num_rows == 48
