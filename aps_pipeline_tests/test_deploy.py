"""What runs at home for years: three commands a day, whatever one of them does."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
import yaml

from aps_pipeline.cli import app

HOME = Path(__file__).parent.parent / "deploy" / "home"


def _run(tmp_path: Path, codes: dict[str, int]) -> tuple[int, list[str]]:
    log, fake = tmp_path / "log", tmp_path / "aps"
    cases = "".join(f"{name}) exit {code};; " for name, code in codes.items())
    fake.write_text(f'#!/bin/sh\necho "$*" >> {log}\ncase $1 in {cases}esac\n')
    fake.chmod(0o755)
    run = subprocess.run(
        [HOME / "daily.sh"], env={"APS_COMMAND": str(fake), "PATH": "/usr/bin:/bin"}, check=False
    )
    return run.returncode, log.read_text().splitlines()


@pytest.mark.parametrize(
    ("codes", "ends_with"),
    [
        ({}, 0),
        ({"refresh": 3}, 0),
        ({"refresh": 8}, 8),
        ({"refresh": 3, "report": 7}, 7),
        ({"refresh": 4, "alerts": 2}, 4),
    ],
)
def test_every_step_runs_and_the_first_failure_is_told(
    tmp_path: Path, codes: dict[str, int], ends_with: int
) -> None:
    code, commands = _run(tmp_path, codes)
    assert code == ends_with
    assert commands == ["refresh", "report", "alerts --send"]
    assert {each.split()[0] for each in commands} <= typer.main.get_command(app).commands.keys()  # type: ignore[attr-defined]


def test_the_unit_and_the_container_run_that_script(tmp_path: Path) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(HOME / "aps.service")
    assert unit["Service"]["ExecStart"].endswith("deploy/home/daily.sh")
    timer = configparser.ConfigParser(interpolation=None)
    timer.read(HOME / "aps.timer")
    assert timer["Timer"]["Persistent"] == "true"
    service = yaml.safe_load((HOME / "compose.yaml").read_text("utf-8"))["services"]["daily"]
    root = (HOME / service["build"]["context"]).resolve()
    dockerfile = (root / service["build"]["dockerfile"]).read_text("utf-8")
    for line in dockerfile.splitlines():
        if line.startswith("COPY "):
            assert all((root / word).exists() for word in line.split()[1:-1]), line
    assert "daily.sh" in service["command"][-1]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_takes_the_time() -> None:
    when = re.search(r"^OnCalendar=(.*)$", (HOME / "aps.timer").read_text("utf-8"), re.MULTILINE)
    assert when
    run = subprocess.run(
        ["systemd-analyze", "calendar", when[1]], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
