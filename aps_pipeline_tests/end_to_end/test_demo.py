"""`aps demo` as a newcomer runs it: a year through Dagster, then again for nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from aps_pipeline.simulator import Simulator, demo_fleet
from aps_pipeline.warehouse import query


def _demo(folder: Path) -> dict[str, Any]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("APS_", "DAGSTER_"))}
    run = subprocess.run(
        [sys.executable, "-m", "aps_pipeline.orchestration.demo", "--json"],
        env=own,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    _knows_its_end(run.stderr)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _knows_its_end(said: str) -> None:
    """Every line of progress has the same total, and the last one has reached it."""
    counts = re.findall(r"^demo: ([\d,]+) of ([\d,]+) partitions", said, re.MULTILINE)
    done = [int(count.replace(",", "")) for count, _ in counts]
    assert done == sorted(done) and {total for _, total in counts} == {counts[-1][0]}
    steps = re.findall(r"^(\d+) of (\d+): ", said, re.MULTILINE)
    assert [(int(number), int(total)) for number, total in steps] == [
        (number, len(steps)) for number in range(1, len(steps) + 1)
    ]


def _look_at_the_roofs(warehouse: Path, year: int) -> None:
    """What goes wrong on them is seen in December, and nothing else."""
    health = query(warehouse, "FROM mart.panel_health WHERE class <> 'fine'").to_pylist()
    assert {(row["inverter_id"], row["channel"], row["class"]) for row in health} == {
        ("702000061911", 2, "dead input"),
        ("902000030115", 3, "weak"),
        *(("902000014512", channel, "offline") for channel in range(1, 5)),
    }
    gaps = query(warehouse, "SELECT ecu_id, first_date, last_date FROM mart.outages").to_pylist()
    assert gaps == [
        {"ecu_id": "000216003391", "first_date": date(year, 12, 9), "last_date": date(year, 12, 11)}
    ]
    before = query(warehouse, f"FROM mart.year_on_year WHERE month = '{year}-12-01'").to_pylist()
    assert [row["days_compared"] for row in before] == [31] * 3


def test_a_year_is_paid_for_once(tmp_path: Path) -> None:
    first = _demo(tmp_path)
    assert first["calls"] == first["calls_in_ledger"] > 2000
    again = _demo(tmp_path)
    assert again["calls"] == 0
    assert again["lake_sha256"] == first["lake_sha256"]
    assert again["calls_in_ledger"] == first["calls"]

    assert len({row["system_id"] for row in first["production"]}) == len(demo_fleet().systems) >= 3
    assert len(first["production"]) == 12 * len(demo_fleet().systems)
    assert all(row["kwh"] > 0 for row in first["production"])

    data = Path(tmp_path, first["data_dir"])
    _look_at_the_roofs(data / "warehouse.duckdb", int(first["last"][:4]))
    assert data.is_relative_to(tmp_path / "data" / "demo")
    assert not (tmp_path / "data" / "lake").exists()
    secret = Simulator(fleet=demo_fleet()).app_secret.encode()
    for path in data.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
