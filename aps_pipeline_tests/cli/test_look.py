"""What doctor warns of, and files and ranges that stop nothing but themselves."""

from __future__ import annotations

import os

import pytest

from aps_pipeline_tests.cli.conftest import Shell
from aps_pipeline_tests.sites import Site

DAY = ("--from", "2025-03-25", "--to", "2025-03-25", "--tables", "system_daily_energy")
SECRET = "Zk9qR7hush12"


@pytest.mark.skipif(os.name != "posix", reason="a mode says nothing here")
def test_doctor_warns_of_secrets_that_others_can_read(aps: Shell, live: Site) -> None:
    env = live.data_dir.parent / ".env"
    env.write_text("APS_MONTHLY_CALLS=7\n")
    env.chmod(0o644)
    told = aps.json("doctor")
    assert told["warnings"] == [["secrets", "other users of this machine can read .env: chmod 600 .env"]]
    assert aps("doctor").returncode == 0
    env.chmod(0o600)
    assert aps.json("doctor")["warnings"] == []


def test_a_bad_roof_file_stops_no_collecting(aps: Shell, live: Site) -> None:
    """C8's sibling: every command ended with 2 before."""
    roof, tariffs = live.data_dir.parent / "roof.yaml", live.data_dir.parent / "tariffs.yaml"
    roof.write_text(f"systems: {{{SECRET}: [")
    tariffs.write_text("co2_kg_per_kwh: 0.4")
    files = {"APS_ROOF_FILE": str(roof), "APS_TARIFF_FILE": str(tariffs)}
    run = aps("backfill", *DAY, **files)
    assert run.returncode == 0, run.stderr
    assert "APS_ROOF_FILE: " in run.stderr and "the warehouse is built without that file" in run.stderr
    assert aps.json("sql", "select * from meta.carbon", **files) == [{"co2_kg_per_kwh": 0.4, "source": None}]
    doctor, report = aps("doctor", **files), aps("report", **files)
    assert doctor.returncode == 0 and "nothing of that file is used" in " ".join(doctor.stdout.split())
    assert report.returncode == 2 and "APS_ROOF_FILE" in report.stderr
    assert not any(SECRET in each for r in (run, doctor, report) for each in (r.stdout, r.stderr))


@pytest.mark.parametrize(
    "name", ["SYSTEM_IDS", "QUOTA_ZONE", "PROFILE", "FLEET_FILE", "BASE_URL", "START_DATE"]
)
@pytest.mark.parametrize("command", ["doctor", "plan"])
def test_a_secret_in_the_wrong_setting_is_not_shown(aps: Shell, name: str, command: str) -> None:
    """D6."""
    run = aps(command, **{f"APS_{name}": f"{SECRET}=="})
    assert run.returncode == 2 and f"APS_{name}" in run.stderr
    assert SECRET not in run.stderr + run.stdout


def test_a_range_is_cut_to_what_can_exist(aps: Shell) -> None:
    run = aps("plan", "--from", "0001-01-01", "--to", "9999-12-31")
    assert run.returncode == 0 and "asked about is 2009-01-01 to " in run.stderr
    run = aps("backfill", "--from", "0001-01-01", "--to", "1999-12-31")
    assert run.returncode == 2 and "no system is that old" in run.stderr
