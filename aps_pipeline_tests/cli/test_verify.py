"""`aps verify`: what it shows of the checks, and what it ends with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from aps_pipeline.cli import verify
from aps_pipeline.errors import Exit
from aps_pipeline.warehouse import CheckResult
from aps_pipeline_tests.cli.conftest import Shell
from aps_pipeline_tests.sites import Site

PASSED = CheckResult("unique_key systems", "error", 0, (), "keys in several rows", "Rebuild.")
ROWS = ({"system_id": "[/red]\x1b[2J", "row_count": 2}, {"system_id": None, "row_count": 2})
ERROR = replace(PASSED, name="unique_key ecus", failing=7, sample=ROWS)
WARNING = replace(ERROR, name="rejected_items", severity="warning", failing=1, sample=ROWS[:1])


def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *results: CheckResult
) -> tuple[int, str]:
    class Closed:
        def close(self) -> None: ...

    monkeypatch.setattr(verify, "open_warehouse", lambda _: Closed())
    monkeypatch.setattr(verify, "run_checks", lambda _: list(results))
    return verify.verify(as_json=False), capsys.readouterr().out


@pytest.mark.parametrize(
    ("results", "code", "sentence"),
    [
        ((PASSED,), Exit.COMPLETE, "1 checks passed"),
        ((PASSED, WARNING), Exit.COMPLETE, "1 checks passed, 0 failed, 1 gave a warning"),
        ((PASSED, WARNING, ERROR), Exit.REFUSED, "1 checks passed, 1 failed, 1 gave a warning"),
    ],
)
def test_only_errors_fail(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    results: tuple[CheckResult, ...],
    code: Exit,
    sentence: str,
) -> None:
    ended, text = shown(monkeypatch, capsys, *results)
    assert ended == code
    assert text.splitlines()[-1] == sentence


def test_a_kind_that_passes_is_one_line_and_what_fails_stands_alone() -> None:
    other = replace(PASSED, name="unique_key meters")
    assert [name for name, _ in verify.check_lines([PASSED, other])] == ["unique_key (2 tables)"]
    assert [name for name, _ in verify.check_lines([PASSED, ERROR, other])] == [
        "unique_key ecus",
        "unique_key (2 other tables)",
    ]
    assert [name for name, _ in verify.check_lines([PASSED, ERROR])] == [
        "unique_key ecus",
        "unique_key systems",
    ]


def test_samples_are_text_and_steer_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text = shown(monkeypatch, capsys, WARNING, ERROR)
    assert "unique_key ecus: 7 rows, 2 are shown" in text
    assert "rejected_items: 1 row\n" in text
    assert r"[/red]\x1b[2J" in text and "\x1b[2J" not in text
    assert text.index("unique_key ecus: ") < text.index("rejected_items: ")


def test_verify_reads_the_warehouse_as_it_is(aps: Shell, live: Site) -> None:
    missing = aps("verify")
    assert (missing.returncode, "run `aps backfill` first" in missing.stderr) == (Exit.USAGE, True)
    assert not Path(live.data_dir).exists() or not list(Path(live.data_dir).glob("*.duckdb"))
    aps("backfill", "--from", "2025-03-25", "--to", "2025-03-25", "--tables", "system_daily_energy")
    path, spent = Path(live.data_dir, "warehouse.duckdb"), live.simulator.counts.received
    before = path.read_bytes()
    sound = aps("verify")
    assert sound.returncode == Exit.COMPLETE, sound.stdout + sound.stderr
    assert path.read_bytes() == before
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE core.system_daily_energy SET call_id = 999999")
    told = aps("verify", "--json")
    found = json.loads(told.stdout)
    assert told.returncode == found["exit_code"] == Exit.REFUSED
    assert found["errors"] == 1
    (failing,) = [each for each in found["checks"] if not each["passed"] and each["severity"] == "error"]
    assert failing["name"] == "known_call system_daily_energy"
    assert failing["failing"] > 0 and failing["sample"][0]["call_id"] == 999999
    assert aps("verify").returncode == Exit.REFUSED
    assert live.simulator.counts.received == spent
