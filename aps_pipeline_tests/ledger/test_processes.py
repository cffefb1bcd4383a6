"""Many processes on one ledger, and some of them killed."""

from __future__ import annotations

import os
import platform
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from filelock import FileLock

from aps_pipeline.ledger import CallEnd, CallState, InFlightError, Ledger, QuotaAccount, leases
from aps_pipeline.ledger.leases import LEASE, is_gone, this_process
from aps_pipeline_tests.clocks import NOW, Clock
from aps_pipeline_tests.ledger import racing
from aps_pipeline_tests.ledger.helpers import give_to, request, states

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
    assert len(states(ledger)) == limit == ledger.get_quota(racing.account_of(limit)).used
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
    ledger: Ledger, ledger_url: str, account: QuotaAccount
) -> None:
    with a_process_with_a_call(ledger_url) as process:
        assert states(ledger) == ["in_flight"]
        assert not ledger.close_lost_calls(), "it lives"
        with pytest.raises(InFlightError):
            ledger.reserve(request(), account)
        kill(process)
    assert states(ledger) == ["in_flight"]
    assert list(ledger.close_lost_calls().values()) == [1]
    assert states(ledger) == ["lost"] and ledger.get_quota(account).used == 1
    assert not ledger.close_lost_calls()
    ledger.reserve(request(), account)
    assert ledger.get_quota(account).used == 2


def test_the_call_of_a_dead_process_does_not_block_the_question(
    ledger: Ledger, ledger_url: str, account: QuotaAccount
) -> None:
    with a_process_with_a_call(ledger_url) as process:
        kill(process)
    ledger.reserve(request(), account)
    assert states(ledger) == ["lost", "in_flight"] and ledger.get_quota(account).used == 2


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
def test_who_is_gone(
    ledger: Ledger, ledger_url: str, account: QuotaAccount, owner: str, is_lost: bool
) -> None:
    give_to(ledger_url, ledger.reserve(request(), account).call_id, owner)
    assert ledger.close_lost_calls() == ({owner: 1} if is_lost else {})


ELSEWHERE = "another-host|1|1.00"


def beat(url: str, owner: str, moment: str) -> None:
    """Let another process have beaten then, by the clock of the database."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"INSERT INTO processes (owner, beat_utc) VALUES (:owner, {moment})"), {"owner": owner}
        )
    engine.dispose()


def test_a_process_on_another_host_that_never_beat_is_gone_when_its_lease_is_over(
    ledger: Ledger, ledger_url: str, account: QuotaAccount, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    give_to(ledger_url, ledger.reserve(request(), account).call_id, ELSEWHERE)
    clock.instant += LEASE
    assert not ledger.close_lost_calls() and not caplog.records
    clock.turn(seconds=1)
    assert ledger.close_lost_calls() == {ELSEWHERE: 1}
    assert len(caplog.records) == 1 and "process 1 on another-host has given no sign" in caplog.text


def test_one_that_beats_keeps_its_call_however_long_it_takes(
    ledger: Ledger, ledger_url: str, account: QuotaAccount, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    give_to(ledger_url, ledger.reserve(request(), account).call_id, ELSEWHERE)
    clock.turn(days=1)
    now = "now()" if "postgres" in ledger_url else f"'{clock().replace(tzinfo=None)}'"
    beat(ledger_url, ELSEWHERE, now)
    assert not ledger.close_lost_calls()
    for _ in range(3):
        with pytest.raises(InFlightError):
            ledger.reserve(request(), account)
    assert len(caplog.records) == 1 and "waiting: process 1 on another-host" in caplog.text


def test_one_that_stopped_beating_loses_its_call(
    ledger: Ledger, ledger_url: str, account: QuotaAccount, clock: Clock
) -> None:
    give_to(ledger_url, ledger.reserve(request(), account).call_id, ELSEWHERE)
    if "postgres" in ledger_url:  # whose own clock decides, whatever that of a host says
        beat(ledger_url, ELSEWHERE, "now() - interval '91 seconds'")
    else:
        beat(ledger_url, ELSEWHERE, f"'{clock().replace(tzinfo=None)}'")
        clock.turn(seconds=91)
    ledger.reserve(request(), account)
    assert states(ledger) == ["lost", "in_flight"]


def test_a_process_beats_while_a_call_is_in_flight_and_no_longer(
    ledger_url: str, account: QuotaAccount, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.02)
    beats: list[int] = []
    write = leases.write_beat

    def counted(tx: sa.Connection, now: datetime) -> None:
        write(tx, now)
        beats.append(1)

    monkeypatch.setattr(leases, "write_beat", counted)
    ledger = Ledger(ledger_url, now=clock)
    call_id = ledger.reserve(request(), account).call_id
    assert wait_until(lambda: len(beats) >= 4)
    ledger.finish(call_id, CallEnd(CallState.FAILED))
    assert wait_until(lambda: not ledger._heart.is_beating)
    ledger.reserve(request(2), account)
    assert ledger._heart.is_beating
    ledger.close()
    assert not ledger._heart.is_beating


def wait_until(holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def test_this_process_is_not_gone() -> None:
    later = NOW + LEASE + timedelta(seconds=1)
    assert not is_gone(this_process(), NOW, None, NOW, NOW)
    assert is_gone(this_process(), NOW, None, later, later)
    assert not is_gone(this_process(), NOW, later, later, later)
