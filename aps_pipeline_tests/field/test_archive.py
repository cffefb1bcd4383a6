"""The archive is for ever: it has versions, and what is damaged is named, mended and in nobody's way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.cli import main
from aps_pipeline.ledger import LedgerError, opening
from aps_pipeline_tests.field.world import World, two_houses, world

ENERGY = ("system_daily_energy", "inverter_batch_energy")
FIRST, LAST = date(2026, 11, 10), date(2026, 11, 12)


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "data", *two_houses()) as found:
        yield found


def aps(of: World, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """`aps` in a process of its own, whose clock is the machine's."""
    found = subprocess.run(
        [sys.executable, "-c", "from aps_pipeline.cli import main; main()", *words],
        env={**environment_of(of), **changes},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=of.data_dir.parent,
    )
    assert "Traceback" not in found.stderr, found.stderr
    return found


def environment_of(of: World) -> dict[str, str]:
    return {
        "APS_BASE_URL": of.url,
        "APS_APP_ID": "app0",
        "APS_APP_SECRET": "secret0secret",
        "APS_SYSTEM_IDS": ",".join(of.roofs),
        "APS_DATA_DIR": str(of.data_dir),
        "APS_MONTHLY_CALLS": "100000",
        "APS_CALLS_PER_SECOND": "2000",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }


def ledger_file(of: World) -> Path:
    return of.data_dir / "ledger.sqlite"


def run_sql(of: World, *statements: str) -> None:
    with closing(sqlite3.connect(ledger_file(of))) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def remove_ledger(of: World) -> None:
    for each in of.data_dir.glob("ledger.sqlite*"):
        each.unlink()


def empty_file(of: World) -> None:
    remove_ledger(of)
    ledger_file(of).touch()


def empty_tables(of: World) -> None:
    tables = ("revisions", "news", "figures", "refusals", "bodies", "calls", "quotas")
    run_sql(of, *(f"DELETE FROM {table}" for table in tables))


class TestALedgerThatIsGone:
    """B6."""

    @pytest.mark.parametrize("lose", [remove_ledger, empty_file, empty_tables])
    @pytest.mark.parametrize(
        "words",
        [("backfill", "--from", "2026-11-10", "--to", "2026-11-10"), ("rebuild",), ("status",)],
        ids=lambda words: words[0],
    )
    def test_beside_a_full_lake_is_refused_before_a_call(
        self, houses: World, lose: object, words: tuple[str, ...]
    ) -> None:
        houses.collect(FIRST, LAST, ENERGY)
        lose(houses)  # type: ignore[operator]
        before, lake = len(houses.requests), files_of(houses)
        refused = aps(houses, *words)
        assert refused.returncode == 7, refused.stderr
        assert "is gone or empty" in refused.stderr and "move the lake away" in refused.stderr
        assert len(houses.requests) == before and files_of(houses) == lake
        if lose is not empty_tables:
            assert not ledger_file(houses).exists() or not ledger_file(houses).stat().st_size

    def test_is_begun_anew_once_the_lake_is_moved_away(self, houses: World) -> None:
        houses.collect(FIRST, LAST, ENERGY)
        remove_ledger(houses)
        with pytest.raises(LedgerError, match="is gone or empty"):
            houses.pipeline()
        (houses.data_dir / "lake").rename(houses.data_dir / "old")
        run = houses.collect(FIRST, LAST, ENERGY)
        assert run.summary.complete == run.summary.partitions

    def test_a_run_that_made_no_call_is_no_full_lake(self, houses: World) -> None:
        houses.collect(FIRST, LAST, ("systems", *ENERGY), max_calls=0)
        run = houses.collect(FIRST, LAST, ENERGY)
        assert run.summary.calls and run.summary.complete == run.summary.partitions


def files_of(of: World) -> dict[str, bytes]:
    core = of.data_dir / "lake" / "core"
    return {str(p.relative_to(core)): p.read_bytes() for p in sorted(core.rglob("*.parquet"))}


class TestALedgerOfAnotherTime:
    """B5."""

    def test_that_lacks_a_column_is_refused_before_a_call(self, houses: World) -> None:
        houses.collect(FIRST, LAST, ENERGY)
        run_sql(houses, "ALTER TABLE calls DROP COLUMN error")
        before = len(houses.requests)
        refused = aps(houses, "backfill", "--from", "2026-11-01", "--to", "2026-11-02")
        assert refused.returncode == 7 and "error" in refused.stderr
        assert len(houses.requests) == before


class TestALockedLedger:
    """D5."""

    @pytest.fixture(autouse=True)
    def _hurried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(opening, "PATIENCE_SECONDS", 0.3)

    @pytest.mark.parametrize("journal", ["wal", "delete"])
    @pytest.mark.parametrize("begin", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
    def test_is_busy_with_exit_code_6(
        self, houses: World, monkeypatch: pytest.MonkeyPatch, journal: str, begin: str
    ) -> None:
        houses.collect(FIRST, LAST, ENERGY)
        for name, value in environment_of(houses).items():
            monkeypatch.setenv(name, value)
        words = ["backfill", "--from", "2026-10-01", "--to", "2026-10-01", "--tables", ENERGY[0]]
        monkeypatch.setattr(sys, "argv", ["aps", *words])
        with closing(sqlite3.connect(ledger_file(houses), isolation_level=None)) as other:
            other.execute(f"PRAGMA journal_mode={journal}")
            other.execute(begin)
            began = time.monotonic()
            with pytest.raises(SystemExit) as ended:
                main()
            assert ended.value.code == 6
            assert time.monotonic() - began < 15
