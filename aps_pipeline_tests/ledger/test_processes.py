"""Many processes on one ledger, and some of them killed."""

from __future__ import annotations

import os
import platform
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from aps_pipeline.ledger import Account, InFlightError, Ledger
from aps_pipeline.ledger.owners import LEASE, is_gone, this_process
from aps_pipeline_tests.clocks import NOW, Clock
from aps_pipeline_tests.ledger import racing
from aps_pipeline_tests.ledger.helpers import give_to, question, states

WORKERS = 3


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        yield pool


def race(pool: ProcessPoolExecutor, what: Callable[[str, int, int], Any], url: str, number: int) -> list[Any]:
    running = [pool.submit(what, url, worker, number) for worker in range(WORKERS)]
    return [each.result(60) for each in running]


def test_processes_together_never_exceed_the_quota(workers: ProcessPoolExecutor, ledger_url: str) -> None:
    limit = 61
    made = race(workers, racing.spend, ledger_url, limit)
    assert sum(made) == limit, made
    ledger = Ledger(ledger_url, now=Clock(NOW))
    assert len(states(ledger)) == limit == ledger.quota(racing.account_of(limit)).used
    ledger.close()


def test_opening_waits_for_the_process_that_makes_the_ledger(tmp_path: Path) -> None:
    """SQLite refuses the switch to WAL at once while another process writes, whatever the timeout."""
    path = tmp_path / "ledger.sqlite"
    with ThreadPoolExecutor(1) as other, closing(sqlite3.connect(path, isolation_level=None)) as making:
        with FileLock(f"{path}.lock"):
            making.execute("BEGIN IMMEDIATE")
            opening = other.submit(Ledger, f"sqlite:///{path}", Clock(NOW))
            wait([opening], timeout=0.5)
            assert not opening.done()
            making.execute("COMMIT")
        opening.result(60).close()


def test_processes_together_ask_each_question_once(workers: ProcessPoolExecutor, ledger_url: str) -> None:
    made = race(workers, racing.ask_the_same, ledger_url, 25)
    ledger = Ledger(ledger_url, now=Clock(NOW))
    assert states(ledger) == ["answered"] * 25 and sum(made) == 25
    ledger.close()


def test_the_first_answer_decides_for_every_process(workers: ProcessPoolExecutor, ledger_url: str) -> None:
    Ledger(ledger_url).close()
    taken = race(workers, racing.first_answer, ledger_url, 0)
    assert len(set(taken) - {""}) == 1, taken
    ledger = Ledger(ledger_url)
    assert set(taken) - {""} == {str(ledger.is_simulated())}
    ledger.close()


@contextmanager
def a_process_with_a_call(url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has written the row of a call, and is asking."""
    command = [sys.executable, "-m", racing.__name__, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline().strip().isdigit()
        try:
            yield process
        finally:
            process.kill()


def kill(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)


def test_a_row_survives_kill_9_and_is_settled_as_lost_but_counted(
    ledger: Ledger, ledger_url: str, account: Account
) -> None:
    with a_process_with_a_call(ledger_url) as process:
        assert states(ledger) == ["in_flight"]
        assert ledger.settle() == 0, "it lives"
        with pytest.raises(InFlightError):
            ledger.reserve(question(), account)
        kill(process)
    assert states(ledger) == ["in_flight"]
    assert ledger.settle() == 1
    assert states(ledger) == ["lost"] and ledger.quota(account).used == 1
    assert ledger.settle() == 0
    ledger.reserve(question(), account)
    assert ledger.quota(account).used == 2


def test_the_call_of_a_dead_process_does_not_block_the_question(
    ledger: Ledger, ledger_url: str, account: Account
) -> None:
    with a_process_with_a_call(ledger_url) as process:
        kill(process)
    ledger.reserve(question(), account)
    assert states(ledger) == ["lost", "in_flight"] and ledger.quota(account).used == 2


@pytest.mark.parametrize(
    ("owner", "is_lost"),
    [
        (f"{platform.node()}|{os.getpid()}|1.00", True),
        (f"{platform.node()}|999999999|1.00", True),
        ("another-host|1|1.00", False),
        ("a|host|with|bars|1|1.00", False),
    ],
    ids=["its number is used again", "no such process", "another host", "an odd name"],
)
def test_who_is_gone(ledger: Ledger, ledger_url: str, account: Account, owner: str, is_lost: bool) -> None:
    give_to(ledger_url, ledger.reserve(question(), account), owner)
    assert ledger.settle() == int(is_lost)


def test_a_process_on_another_host_is_gone_when_its_lease_is_over(
    ledger: Ledger, ledger_url: str, account: Account, clock: Clock
) -> None:
    give_to(ledger_url, ledger.reserve(question(), account), "another-host|1|1.00")
    clock.instant += LEASE
    assert ledger.settle() == 0
    clock.turn(seconds=1)
    assert ledger.settle() == 1


def test_this_process_is_not_gone() -> None:
    assert not is_gone(this_process(), NOW, NOW)
    assert is_gone(this_process(), NOW, NOW + LEASE + timedelta(seconds=1))
