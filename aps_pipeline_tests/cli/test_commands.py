"""The commands as a user meets them: output, `--json`, and the contract's exit codes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aps_pipeline.simulator import Fault
from aps_pipeline_tests.cli.conftest import Shell
from aps_pipeline_tests.sites import Site

DAYS = ("--from", "2025-03-31", "--to", "2025-04-02")
COMPLETE, USAGE, INCOMPLETE, ACCOUNT, REFUSED, STORAGE, REMOTE = 0, 2, 3, 4, 5, 7, 8

pytestmark = pytest.mark.usefixtures("without_marts")
only_calls = pytest.mark.usefixtures("without_warehouse")


def _one_sentence(run: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in run.stderr
    return run.stderr.strip().splitlines()[-1]


def test_a_backfill_from_first_call_to_sql(aps: Shell, live: Site) -> None:
    first = aps.process("backfill", *DAYS)
    assert first.returncode == COMPLETE, first.stderr
    assert "backfill complete" in first.stdout
    spent = live.simulator.counts.total
    again = aps.json("backfill", *DAYS)
    assert (again["exit_code"], again["calls"]) == (COMPLETE, 0)
    assert live.simulator.counts.total == spent == again["quota"]["used"]

    rows = aps.json(
        "sql", "select count(*) as n, count(distinct date) as days from core.system_hourly_energy"
    )
    assert rows == [{"n": len(live.simulator.fleet.system_ids) * 3 * 24, "days": 3}]
    assert "10" in aps("sql", "select 10 as ten").stdout

    status = aps.json("status")
    assert status["quota"]["used"] == spent
    assert sum(kind.get("answered", 0) + kind.get("no_data", 0) for kind in status["calls"]) == spent
    tables = {row["name"]: row for row in aps.json("tables")}
    assert tables["system_hourly_energy"]["calls"] == len(live.simulator.fleet.system_ids)
    inverters = [i for s in live.simulator.fleet.systems for e in s.ecus for i in e.inverters]
    assert tables["inverter_dc_telemetry"]["calls"] == len(inverters)
    assert tables["inverter_dc_telemetry"]["companions"] == ["inverter_ac_telemetry"]
    assert (tables["meter_power"]["profile"], tables["meter_daily_energy"]["profile"]) == ("full", "lean")
    rebuilt = aps.json("rebuild")
    assert (rebuilt["exit_code"], rebuilt["calls"]) == (COMPLETE, 0)
    assert live.simulator.counts.total == spent


def test_the_warehouse_is_built_again_only_when_something_has_changed(aps: Shell, live: Site) -> None:
    words = ("backfill", "--from", "2025-03-25", "--to", "2025-03-26", "--tables", "system_daily_energy")
    path = Path(live.data_dir, "warehouse.duckdb")
    assert aps.json(*words)["calls"] > 0
    built = path.stat().st_ino
    assert aps.json(*words)["exit_code"] == COMPLETE
    assert path.stat().st_ino == built
    path.unlink()
    aps(*words)
    built = path.stat().st_ino
    assert aps.json("rebuild")["exit_code"] == COMPLETE
    assert path.stat().st_ino != built


@only_calls
def test_a_plan_is_what_the_backfill_then_costs(aps: Shell, live: Site) -> None:
    early = aps("plan", *DAYS)
    assert early.returncode == COMPLETE and "or more" in early.stdout
    aps("backfill", *DAYS, "--tables", "systems,inverters,meters")
    known = live.simulator.counts.total
    plan = aps.json("plan", *DAYS)
    assert live.simulator.counts.total == known
    assert plan["calls"] == sum(line["calls"] for line in plan["tables"]) > 0
    assert plan["forecast"]["current_plan"]["months"] == 0
    shown = aps("plan", *DAYS, APS_MONTHLY_CALLS="60", APS_RESERVED_CALLS="40").stdout
    assert "inverter_batch_energy" in shown and "quota months" in shown and "1,000,000" in shown
    assert aps.json("backfill", *DAYS)["calls"] == plan["calls"]
    assert "nothing is missing" in aps("plan", *DAYS).stdout


@only_calls
def test_refresh_takes_the_revision_window(aps: Shell, live: Site) -> None:
    outcome = aps.json("refresh", "--tables", "system_daily_energy")
    assert outcome["exit_code"] == COMPLETE
    assert outcome["calls"] > 0
    assert aps.json("refresh", "--tables", "system_daily_energy")["calls"] == 0


def test_a_refresh_takes_the_tables_of_its_profile(aps: Shell) -> None:
    def collected(profile: str, *words: str) -> set[str]:
        assert aps.json("refresh", *words, APS_PROFILE=profile)["exit_code"] == COMPLETE
        found = aps.json("sql", "select distinct endpoint || ' ' || level as kind from meta.calls")
        return {row["kind"].strip() for row in found}

    lean = {"system_details", "system_inverters", "system_meters", "inverter_batch energy"}
    lean |= {f"{kind}_energy {by}" for kind in ("system", "meter") for by in ("daily", "monthly", "yearly")}
    assert collected("lean") == lean
    standard = {"inverter_batch power", "system_energy hourly", "meter_energy hourly"}
    assert collected("lean", "--profile", "standard") == lean | standard
    assert {"inverter_energy minutely", "ecu_summary", "meter_energy minutely"} < collected("full")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2025-02-30", "--to", "2025-03-01"), "2025-02-30"),
        (("--from", "2025-03-02", "--to", "2025-03-01"), "ends (2025-03-01) before"),
        (("--from", "2999-01-01", "--to", "2999-01-02"), "future"),
        ((*DAYS, "--tables", "system_weekly_energy"), "did you mean system_"),
        ((*DAYS, "--tables", "rejected_items"), "inverter_batch_energy"),
        ((*DAYS, "--systems", "../etc"), "not an APsystems id"),
        ((*DAYS, "--profile", "fat"), "there are: lean, standard, full"),
        ((*DAYS, "--profile", "lean", "--tables", "systems"), "give one of them"),
    ],
)
def test_wrong_arguments_end_with_usage_and_no_call(
    aps: Shell, live: Site, words: tuple[str, ...], said: str
) -> None:
    run = aps("backfill", *words)
    assert run.returncode == USAGE
    assert said in _one_sentence(run)
    assert live.simulator.counts.received == 0


@only_calls
@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"APS_APP_SECRET": "not-the-secret"}, ACCOUNT, "APS_APP_SECRET"),
        ({"APS_APP_SECRET": ""}, USAGE, "APS_APP_SECRET not set"),
        ({"APS_SYSTEM_IDS": ""}, USAGE, "APS_SYSTEM_IDS"),
        ({"APS_SYSTEM_IDS": "0000UNKNOWN"}, ACCOUNT, "APS_SYSTEM_IDS"),
        ({"APS_BASE_URL": "http://example.com"}, USAGE, "use https"),
        ({"APS_BASE_URL": "http://127.0.0.1:9"}, REMOTE, "APS_BASE_URL"),
        ({"APS_API_PREFIX": "/wrong/api"}, REMOTE, "APS_API_PREFIX"),
        ({"APS_DATA_DIR": "/dev/null/data"}, STORAGE, "/dev/null/data"),
        ({"APS_MONTHLY_CALLS": "many"}, USAGE, "APS_MONTHLY_CALLS"),
        ({"APS_MONTHLY_CALLS": "110"}, INCOMPLETE, "come back after"),
    ],
)
def test_trouble_ends_with_its_code_and_what_to_do(
    aps: Shell, changes: dict[str, str], code: int, said: str
) -> None:
    run = aps("backfill", *DAYS, **changes)
    assert run.returncode == code, run.stderr
    assert said in _one_sentence(run)


@only_calls
@pytest.mark.parametrize(
    ("fault", "code"),
    [("html", REMOTE), ("truncate", REMOTE), ("badjson", REFUSED), ("reset", REMOTE), ("redirect", REMOTE),
     ("short", REFUSED), ("long", REFUSED), ("4001", REFUSED), ("2004", ACCOUNT), ("2005", INCOMPLETE),
     ("7001", INCOMPLETE), ("5000", REMOTE)],
)  # fmt: skip
def test_a_bad_answer_is_named_and_healed_by_exactly_the_missing_call(
    aps: Shell, live: Site, fault: str, code: int
) -> None:
    words = ("backfill", "--from", "2025-03-25", "--to", "2025-03-25", "--tables", "system_hourly_energy")
    one = (*words, "--systems", live.simulator.fleet.system_ids[0])
    live.simulator.faults.append(Fault(fault, endpoint="system_energy"))
    bad = aps(*one)
    assert bad.returncode == code, bad.stderr
    assert "Traceback" not in bad.stderr
    assert not list(Path(live.data_dir).glob("lake/core/system_hourly_energy/**/*.parquet"))
    live.simulator.faults.clear()
    before = live.simulator.counts.received
    healed = aps.json(*one, APS_MONTHLY_CALLS="200000")
    rests = fault in ("2004", "7001")
    assert healed["exit_code"] == (code if rests else COMPLETE)
    assert live.simulator.counts.received - before == (0 if rests else 1)


@only_calls
def test_what_is_left_is_said_and_is_what_the_next_run_makes(aps: Shell, live: Site) -> None:
    aps("backfill", *DAYS, "--tables", "systems,inverters,meters")
    stopped = aps("backfill", *DAYS, "--max-calls", "4")
    assert stopped.returncode == INCOMPLETE and "--max-calls" in _one_sentence(stopped)
    again = aps.json("backfill", *DAYS, "--max-calls", "4")
    left = again["calls_missing"]
    assert f"{left + 4:,} calls still needed" in stopped.stderr
    rest = aps.json("backfill", *DAYS)
    assert (rest["exit_code"], rest["calls"], rest["calls_missing"]) == (COMPLETE, left, 0)


def test_no_secret_in_anything_printed_or_kept(aps: Shell, live: Site) -> None:
    live.simulator.faults.append(Fault("4000", endpoint="system_energy"))
    said = aps("backfill", *DAYS)
    said_json = aps("backfill", *DAYS, "--json")
    secret = live.simulator.app_secret
    for text in (said.stdout, said.stderr, said_json.stdout, said_json.stderr):
        assert secret not in text
    for path in Path(live.data_dir).rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes()


def test_sql_cannot_write_or_reach_files(aps: Shell) -> None:
    assert aps("sql", "select 1").returncode == USAGE  # no warehouse yet
    aps("backfill", "--from", "2025-03-25", "--to", "2025-03-25", "--tables", "system_daily_energy")
    for query in ("drop table core.systems", "select * from read_text('/etc/hostname')", "selec 1"):
        run = aps("sql", query)
        assert run.returncode == USAGE
        assert "Traceback" not in run.stderr


def test_doctor_names_what_is_missing(aps: Shell, live: Site) -> None:
    assert aps("doctor").returncode == COMPLETE
    assert live.simulator.counts.received == 0
    run = aps.process("doctor", APS_APP_ID="")
    assert run.returncode == USAGE
    assert "APS_APP_ID" in run.stdout
    assert aps("doctor", "--call").returncode == COMPLETE


def test_commands_work_where_dagster_is_not_installed(aps: Shell) -> None:
    days = ("--from", "2024-03-05", "--to", "2024-03-05", "--tables", "system_daily_energy")
    code = (
        "import sys; sys.modules['dagster'] = None\n"
        "import importlib, pkgutil, aps_pipeline.cli as cli\n"
        "for each in pkgutil.iter_modules(cli.__path__):\n"
        "    importlib.import_module(f'aps_pipeline.cli.{each.name}')\n"
        f"for words in {[('plan', *days), ('backfill', *days), ('status',)]}:\n"
        "    sys.argv[1:] = words\n"
        "    try:\n"
        "        cli.main()\n"
        "    except SystemExit as end:\n"
        "        if end.code:\n"
        "            raise\n"
        "    print('ended', words[0])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=aps.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=aps.site.data_dir.parent,
    )
    assert (run.returncode, "dagster" in run.stderr) == (0, False), run.stderr
    ended = [line.removeprefix("ended ") for line in run.stdout.splitlines() if line.startswith("ended ")]
    assert ended == ["plan", "backfill", "status"]
