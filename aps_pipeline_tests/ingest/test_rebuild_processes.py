"""A rebuild in several processes: the same bytes and results, and nothing that outlives it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

import psutil
import pytest

from aps_pipeline.errors import Exit
from aps_pipeline.ingest import PartitionResult, Summary, rebuild
from aps_pipeline.lake import StorageError
from aps_pipeline_tests.sites import Site

pytestmark = pytest.mark.slow

FIRST, LAST = date(2024, 2, 25), date(2024, 3, 8)
TABLES = ("system_hourly_energy", "ecu_hourly_energy", "system_daily_energy")


@pytest.fixture
def filled(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(rebuild, "_FEWEST", 5)
    site.collect(FIRST, LAST, TABLES)
    return site


def _rebuild(site: Site, processes: int) -> tuple[list[PartitionResult], Summary, dict[str, str]]:
    shutil.rmtree(site.data_dir / "lake")
    pipeline, summary = site.pipeline(), Summary()
    with closing(pipeline.ledger), closing(pipeline.rebuild(summary, processes=processes)) as results:
        return list(results), summary, site.digest()


def test_it_writes_what_one_process_writes(filled: Site) -> None:
    before = filled.digest()
    one, several = _rebuild(filled, 1), _rebuild(filled, 2)
    assert several == one
    assert several[2] == before
    assert len({result.table for result in several[0]}) > len(TABLES)


def test_one_broken_body_stops_only_its_partition(filled: Site) -> None:
    pipeline = filled.pipeline()
    entries = pipeline.ledger.entries("system_energy", "hourly")
    call_id = next(each.answered for (_, _, key), each in entries.items() if key == "2024-03-01")
    pipeline.ledger.close()
    with closing(sqlite3.connect(filled.data_dir / "ledger.sqlite")) as raw:
        raw.execute("UPDATE bodies SET body = x'00' WHERE call_id = ?", (call_id,))
        raw.commit()
    copy = filled.data_dir.with_name("copy")
    shutil.copytree(filled.data_dir, copy)
    one = _rebuild(filled, 1)
    shutil.rmtree(filled.data_dir)
    copy.rename(filled.data_dir)
    several = _rebuild(filled, 2)
    assert several == one
    broken = [(result.table.name, result.key) for result in several[0] if result.failures]
    assert ("system_hourly_energy", "2024-03-01") in broken
    assert {key for _, key in broken} == {"2024-03-01"}
    assert several[1].exit_code is Exit.REFUSED


def test_what_cannot_be_written_is_raised_as_in_one_process(filled: Site) -> None:
    folder = filled.data_dir / "lake" / "core" / "ecu_hourly_energy"
    shutil.rmtree(folder)
    folder.write_text("in the way")
    pipeline = filled.pipeline()
    with (
        closing(pipeline.ledger),
        closing(pipeline.rebuild(Summary(), processes=2)) as results,
        pytest.raises(StorageError, match="ecu_hourly_energy"),
    ):
        list(results)


def test_a_process_that_is_killed_ends_the_rebuild_in_a_sentence(filled: Site) -> None:
    pipeline = filled.pipeline()
    with (
        closing(pipeline.ledger),
        closing(pipeline.rebuild(Summary(), processes=2)) as results,
        pytest.raises(rebuild.ProcessLostError, match="run the same command again"),
    ):
        for _ in results:
            for each in _workers():
                with suppress(psutil.NoSuchProcess):  # the first that is killed ends the others
                    each.kill()


def _workers() -> list[psutil.Process]:
    """Find the processes that the fork server has forked."""
    return [child for server in psutil.Process().children() for child in server.children()]


SCRIPT = """
import os
import signal
import sys
from aps_pipeline.cli import main
from aps_pipeline.ingest import rebuild
rebuild._FEWEST = 5
rebuild.os.cpu_count = lambda: 2
if early := int(os.environ.get("SIGNAL_WHILE_IT_STARTS", "0")):
    from multiprocessing import forkserver
    connect = forkserver.connect_to_new_process
    def connect_and_interrupt(fds):
        connected = connect(fds)
        os.kill(os.getpid(), early)
        return connected
    forkserver.connect_to_new_process = connect_and_interrupt
sys.argv = ["aps", "rebuild"]
if __name__ == "__main__":
    main()
"""


def _start_command(site: Site, tmp_path: Path, early: int = 0) -> subprocess.Popen[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "APS_DATA_DIR": str(site.data_dir), "SIGNAL_WHILE_IT_STARTS": str(int(early))},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_waits_until_a_process_has_started(
    filled: Site, tmp_path: Path, number: signal.Signals
) -> None:
    run = _start_command(filled, tmp_path, number)
    try:
        _, said = run.communicate(timeout=60)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == Exit.INCOMPLETE
    assert "Traceback" not in said and "run the same command again" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_command(filled: Site, tmp_path: Path, number: signal.Signals) -> None:
    run = _start_command(filled, tmp_path)
    started = psutil.Process(run.pid)
    deadline = time.monotonic() + 60
    while not any(server.children() for server in started.children()) and time.monotonic() < deadline:
        time.sleep(0.02)
    found = started.children(recursive=True)
    assert len(found) >= 2
    os.killpg(run.pid, number) if number is signal.SIGINT else run.send_signal(number)
    _, said = run.communicate(timeout=60)
    _, alive = psutil.wait_procs(found, timeout=30)
    assert not alive
    if number is not signal.SIGKILL:
        assert run.returncode == Exit.INCOMPLETE
        assert "Traceback" not in said and "run the same command again" in said
    assert not list((filled.data_dir / "lake").rglob("*.tmp"))
