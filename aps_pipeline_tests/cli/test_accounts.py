"""Two accounts at the command line: a line of quota for each, and an exit code that all of them decide."""

from __future__ import annotations

import select
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline_tests.cli.conftest import Shell
from aps_pipeline_tests.sites import EAST, TWO_ACCOUNTS, WEST, Site, fleet_file, serving

RANGE = ("--from", "2025-03-25", "--to", "2025-03-27")
COMPLETE, USAGE, INCOMPLETE, ACCOUNT = 0, 2, 3, 4
SECRETS = [account.app_secret for account in TWO_ACCOUNTS]

pytestmark = pytest.mark.usefixtures("without_marts")


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Site]:
    """A simulator of two accounts whose clock runs."""
    with serving(tmp_path / "kept", now=None, signing_clock=None, accounts=TWO_ACCOUNTS) as site:
        yield site


def written(site: Site, **changes: dict[str, Any]) -> dict[str, str]:
    """The environment with such a fleet file."""
    return {"APS_FLEET_FILE": str(fleet_file(site.data_dir.parent / "fleet.toml", **changes))}


def counted(site: Site) -> list[int]:
    return [site.simulator.counts_of(account.app_id).total for account in TWO_ACCOUNTS]


def test_one_exhausted_ends_incomplete_with_the_data_of_the_other(aps: Shell, live: Site) -> None:
    small = written(live, east={"monthly_calls": 6, "reserved_calls": 0})
    run = aps("backfill", *RANGE, **small)
    assert run.returncode == INCOMPLETE, run.stderr
    assert "east: 0 calls left until" in run.stdout and "west: 99," in run.stdout
    assert "stopped early: account east: 6 of 6 calls used" in run.stderr
    east, west = counted(live)
    assert east == 6 and west > 6
    query = "select distinct system_id from core.system_hourly_energy"
    assert aps.json("sql", query, **small) == [{"system_id": WEST}]

    outcome = aps.json("backfill", *RANGE, **small)
    assert (outcome["exit_code"], outcome["calls"], outcome["quota"]) == (INCOMPLETE, 0, None)
    assert outcome["stop"] == outcome["stops"][0] and len(outcome["stops"]) == 1
    assert [(each["name"], each["used"], each["left"] == 0) for each in outcome["quotas"]] == [
        ("east", 6, True),
        ("west", west, False),
    ]
    assert aps("backfill", *RANGE, **written(live)).returncode == COMPLETE


@pytest.mark.usefixtures("without_warehouse")
def test_status_and_plan_show_every_account(aps: Shell, live: Site) -> None:
    small = written(live, east={"monthly_calls": 5, "reserved_calls": 2})
    aps("backfill", *RANGE, "--tables", "systems,inverters,meters", **small)
    shown = aps("status", **small).stdout
    assert "east: quota" in shown and "3 used of 3, 0 left, 2 reserved for other tools" in shown
    assert "west: quota" in shown
    status = aps.json("status", **small)
    assert status["quota"] is None
    assert [(each["name"], each["used"]) for each in status["quotas"]] == [("east", 3), ("west", 3)]

    plan = aps.json("plan", *RANGE, **small)
    of_system = {
        sid: sum(n["calls"] for n in plan["tables"] if n["system_id"] == sid) for sid in (EAST, WEST)
    }
    assert [each["calls"] for each in plan["quotas"]] == [of_system[EAST], of_system[WEST]]
    assert plan["calls"] == sum(of_system.values())
    assert plan["forecast"]["current_plan"]["months"] == -(-of_system[EAST] // 3), "the last account decides"
    assert plan["forecast"]["current_plan"]["monthly_calls"] == 5 + 100_000
    shown = aps("plan", *RANGE, **small).stdout
    assert f"east: {of_system[EAST]} calls needed, 0 of 3 left" in shown and "accounts of" in shown


def test_the_only_account_keeps_its_quota_in_json(aps: Shell) -> None:
    status = aps.json("status")
    assert status["quotas"] == [{"name": ""} | status["quota"]]


@pytest.mark.usefixtures("without_warehouse")
@pytest.mark.parametrize("bad", ["wrong0secret", None])
def test_a_refused_account_decides_the_exit_code(aps: Shell, live: Site, bad: str | None) -> None:
    change = {"app_secret": bad} | ({} if bad else {"app_secret_env": "NOT_SET"})
    run = aps("backfill", *RANGE, **written(live, east=change))
    assert run.returncode == ACCOUNT
    assert "account east: " in run.stderr and "Traceback" not in run.stderr
    assert counted(live)[0] == 0 and counted(live)[1] > 0
    doctor = aps("doctor", **written(live, east=change))
    assert doctor.returncode == (COMPLETE if bad else USAGE) and "credentials of west" in doctor.stdout


def test_doctor_asks_one_system_of_each_account(aps: Shell, live: Site) -> None:
    assert aps("doctor", "--call", **written(live)).returncode == COMPLETE
    assert counted(live) == [1, 1]


def test_no_secret_of_any_account_in_anything_printed_or_kept(aps: Shell, live: Site) -> None:
    broken = written(live, east={"monthly_calls": "x"})
    runs = [aps("status", **broken), aps("backfill", *RANGE, **written(live)), aps("status", **written(live))]
    assert [run.returncode for run in runs] == [USAGE, COMPLETE, COMPLETE]
    kept = [path.read_text("latin-1") for path in live.data_dir.rglob("*") if path.is_file()]
    for text in (*kept, *(run.stdout + run.stderr for run in runs)):
        assert not [secret for secret in SECRETS if secret in text]


def test_a_simulator_of_two_accounts_says_how_to_ask_it(tmp_path: Path) -> None:
    command = "from aps_pipeline.cli import main; main()"
    words = [sys.executable, "-c", command, "simulate", "--port", "0", "--accounts", "2"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert select.select([process.stdout], [], [], 60)[0]
            said = "".join(iter(process.stdout.readline, "Ctrl-C stops it.\n"))
        finally:
            process.terminate()
    entries = said.partition("<<END\n")[2].partition("END\n")[0]
    path = tmp_path / "accounts.toml"
    path.write_text(entries)
    assert [len(each["system_ids"].split(",")) for each in tomllib.loads(entries)["accounts"]] == [2, 1]
    assert "export APS_FLEET_FILE=accounts.toml" in said
