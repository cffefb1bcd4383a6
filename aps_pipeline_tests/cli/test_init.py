"""`aps init`: keys are proved with up to three calls, and nothing is written before."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import typer

from aps_pipeline.errors import Exit
from aps_pipeline.simulator import Fault
from aps_pipeline.site import read_roof_file, read_tariff_file
from aps_pipeline_tests.cli.conftest import Shell
from aps_pipeline_tests.sites import Site

KEYS = ("APS_APP_ID", "APS_APP_SECRET", "APS_SYSTEM_IDS")
NO_KEYS = dict.fromkeys(KEYS, "")


@pytest.fixture
def folder(live: Site) -> Path:
    return live.data_dir.parent


def test_it_writes_settings_that_work_alone(aps: Shell, live: Site, folder: Path) -> None:
    run = aps("init")
    assert run.returncode == 0, run.stderr
    assert live.simulator.counts.total == 3
    assert live.simulator.app_secret not in run.stdout + run.stderr
    first = live.simulator.fleet.systems[0]
    assert first.sid in run.stdout and first.ecus[0].inverters[0].uid in (folder / "roof.yaml").read_text()
    env = folder / ".env"
    assert os.name != "posix" or stat.S_IMODE(env.stat().st_mode) == 0o600
    roof = read_roof_file(folder / "roof.yaml")
    assert set(roof.systems) == set(live.simulator.fleet.system_ids)
    assert read_tariff_file(folder / "tariffs.yaml").tariffs == ()
    doctor = aps("doctor", "--call", **NO_KEYS, APS_BASE_URL="", APS_DATA_DIR="")
    assert doctor.returncode == 0, doctor.stdout
    assert "App Id and App Secret are right" in " ".join(doctor.stdout.split())
    assert live.simulator.counts.total == 4


def test_the_richest_profile_that_the_quota_carries_is_chosen(aps: Shell, live: Site, folder: Path) -> None:
    found = aps.json("init", APS_MONTHLY_CALLS="1000")
    calls = found["calls_a_month"]
    assert list(calls) == ["lean", "standard", "full"]
    chosen = [name for name, count in calls.items() if count <= 900][-1]
    assert found["profile"] == chosen and f"APS_PROFILE={chosen}\n" in (folder / ".env").read_text()
    small = aps.json("init", "--force", APS_MONTHLY_CALLS=str(100 + calls["lean"]))
    assert small["profile"] == "lean"
    assert live.simulator.counts.total == 4  # what is held is not asked again
    assert aps.json("init", "--force", APS_MONTHLY_CALLS="110")["profile"] == "lean"


def test_keys_that_are_refused_are_written_nowhere(aps: Shell, folder: Path) -> None:
    run = aps("init", APS_APP_SECRET="Zk9qR7hush12")
    assert run.returncode == Exit.ACCOUNT
    assert "APS_APP_SECRET" in run.stderr and "nothing was written" in run.stderr
    assert "Zk9qR7hush12" not in run.stdout + run.stderr
    assert not any((folder / name).exists() for name in (".env", "roof.yaml", "tariffs.yaml"))


def test_what_is_there_stays(aps: Shell, folder: Path) -> None:
    (folder / ".env").write_text("APS_REVISION_DAYS=7\n")
    (folder / "roof.yaml").write_text("systems: {}\n")
    run = aps("init")
    assert run.returncode == Exit.USAGE and "--force" in run.stderr
    assert (folder / ".env").read_text() == "APS_REVISION_DAYS=7\n"
    run = aps("init", "--force")
    assert run.returncode == 0, run.stderr
    assert "APS_REVISION_DAYS=7\n" in (folder / ".env").read_text()
    assert (folder / "roof.yaml").read_text() == "systems: {}\n"


def test_a_person_is_asked_and_nobody_else(aps: Shell, live: Site, folder: Path) -> None:
    run = aps("init", **NO_KEYS)
    assert run.returncode == Exit.USAGE and all(name in run.stderr for name in KEYS)
    hidden: list[bool] = []
    simulator = live.simulator
    answers = iter((simulator.app_id, f" {simulator.app_secret} ", ", ".join(simulator.fleet.system_ids)))

    def prompt(_: str, *, hide_input: bool) -> Any:
        hidden.append(hide_input)
        return next(answers)

    with mock.patch.object(sys.stdin, "isatty", lambda: True), mock.patch.object(typer, "prompt", prompt):
        run = aps("init", **NO_KEYS)
    assert run.returncode == 0, run.stderr
    assert hidden == [False, True, False]
    assert f"APS_APP_SECRET={simulator.app_secret}\n" in (folder / ".env").read_text()


def test_several_accounts_are_set_up_by_hand(aps: Shell, folder: Path) -> None:
    fleet = folder / "fleet.toml"
    fleet.write_text('[[accounts]]\nname="a"\napp_id="x"\napp_secret="y"\nsystem_ids=["A000000000000001"]\n')
    run = aps("init", APS_FLEET_FILE=str(fleet), APS_SYSTEM_IDS="")
    assert run.returncode == Exit.USAGE and "APS_FLEET_FILE" in run.stderr


def test_doctor_says_what_its_call_proved(aps: Shell) -> None:
    told = aps.json("doctor", "--call", APS_APP_SECRET="Zk9qR7hush12")
    (what, good, why) = told["findings"][-1]
    assert (what, good) == ("proof", False) and "APS_APP_SECRET" in why
    run = aps("doctor", "--call", APS_APP_SECRET="Zk9qR7hush12")
    assert run.returncode == Exit.ACCOUNT and "incomplete" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("fault", "code"), [("1001", Exit.ACCOUNT), ("5000", Exit.REMOTE), ("2005", Exit.INCOMPLETE)]
)
def test_what_is_no_fault_of_the_keys_is_not_called_so(
    aps: Shell, live: Site, folder: Path, fault: str, code: Exit
) -> None:
    live.simulator.faults.append(Fault(fault))
    run = aps("init")
    assert run.returncode == code, run.stderr
    assert "Traceback" not in run.stderr and "keys" not in run.stderr
    assert not (folder / ".env").exists()
