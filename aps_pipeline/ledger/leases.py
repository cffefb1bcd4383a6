"""Which process a call in flight belongs to, and whether that process still lives.

A process beats in the ledger while it has calls in flight. On PostgreSQL both the beat and its age are taken
from the clock of the database, so hosts need not agree on the time. An SQLite ledger lies on one machine, and
that machine's clock serves.
"""

from __future__ import annotations

import logging
import os
import platform
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import psutil
import sqlalchemy as sa

from aps_pipeline.ledger.errors import LedgerError
from aps_pipeline.ledger.schema import calls, processes
from aps_pipeline.wording import count_of

BEAT_SECONDS = 30.0
"""How often a process with calls in flight says that it lives."""

LEASE = timedelta(seconds=90)
"""After so long without a beat, a process has lost its calls."""

_FORGOTTEN = timedelta(days=1)
"""Beats as old as this are of no use to anybody."""

_logger = logging.getLogger(__name__)


def this_process() -> str:
    """Host, process id and start time: unlike the id alone, not used twice."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> str:
    return f"{platform.node()}|{pid}|{psutil.Process(pid).create_time():.2f}"


def is_dead(owner: str) -> bool:
    """Tell whether a process of this host has ended; of other hosts nothing is seen from here."""
    host, pid, started = owner.rsplit("|", 2)
    if host != platform.node():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != started
    except psutil.NoSuchProcess:
        return True


def database_time(tx: sa.Connection, now: datetime) -> datetime:
    """Read the clock by which beats are written and judged; `now` is what this machine says."""
    if tx.dialect.name != "postgresql":
        return now
    found = tx.execute(sa.select(sa.func.clock_timestamp(type_=processes.c.beat_utc.type))).scalar_one()
    assert isinstance(found, datetime)  # noqa: S101 - a clock gives a time
    return found


def is_gone(owner: str, sent: datetime, beat: datetime | None, now: datetime, database_now: datetime) -> bool:
    """Tell whether the process that reserved a call at `sent` can no longer finish it.

    One that never beat, such as one of an older release, is judged by when it sent the call.
    """
    silent = now - sent if beat is None else database_now - beat
    return silent > LEASE or is_dead(owner)


def in_flight_query(
    *conditions: sa.ColumnElement[bool],
) -> sa.Select[tuple[int, str, str, datetime, datetime]]:
    """Select calls with the last beat of their owner; None where it never beat."""
    columns = (calls.c.call_id, calls.c.state, calls.c.owner, calls.c.sent_utc, processes.c.beat_utc)
    beats = calls.outerjoin(processes, processes.c.owner == calls.c.owner)
    return sa.select(*columns).select_from(beats).where(*conditions)


def write_beat(tx: sa.Connection, now: datetime) -> None:
    """Say that this process lives, and forget processes that nobody waits for any more."""
    beat = {"beat_utc": database_time(tx, now)}
    mine = processes.c.owner == this_process()
    if not tx.execute(sa.update(processes).where(mine).values(**beat)).rowcount:
        tx.execute(sa.delete(processes).where(processes.c.beat_utc < beat["beat_utc"] - _FORGOTTEN))
        tx.execute(sa.insert(processes).values(owner=this_process(), **beat))


class Heartbeat:
    """Beats every 30 s while calls are in flight; ends by itself when none is, or when it is stopped."""

    def __init__(self, beat: Callable[[], None]) -> None:
        self._beat = beat
        self._flying: set[int] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    @property
    def is_beating(self) -> bool:
        """Whether the process beats by itself, so that nobody else need do it."""
        with self._lock:
            return self._thread is not None

    def start(self, call_id: int) -> None:
        """Count a call as in flight from now on."""
        with self._lock:
            self._flying.add(call_id)
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="aps-heart", daemon=True)
                self._thread.start()

    def end(self, call_id: int) -> None:
        """Count a call as ended."""
        with self._lock:
            self._flying.discard(call_id)

    def stop(self) -> None:
        """Beat no more."""
        self._stopped.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(BEAT_SECONDS):
            with self._lock:
                if not self._flying:
                    self._thread = None
                    return
            try:
                self._beat()
            except LedgerError as error:  # the next beat may get through; until then others judge by the last
                _logger.info("this process could not say that it lives: %s", error)
        with self._lock:
            self._thread = None


class LeaseLog:
    """Says in the log, once for each process, what it keeps others waiting for and what it left behind."""

    def __init__(self) -> None:
        self._logged: set[tuple[str, str]] = set()

    def log_waiting(self, owner: str, request: object) -> None:
        """Another process asks the same."""
        if owner != this_process():
            sentence = f"waiting: {_process_text(owner)} is making a call that is needed here ({request})"
            self._log_once("waiting", owner, sentence)

    def log_taken_over(self, owner: str, count: int) -> None:
        """Log that calls of a process that is gone were closed as lost."""
        why = "has ended" if is_dead(owner) else f"has given no sign of life for {LEASE.seconds} s"
        lost = f"{count_of(count, 'call')} that it had in flight will be made again where needed"
        sentence = f"{_process_text(owner)} {why}: {lost}"
        self._log_once("gone", owner, sentence)

    def _log_once(self, what: str, owner: str, sentence: str) -> None:
        if (what, owner) not in self._logged:
            self._logged.add((what, owner))
            _logger.warning(sentence)


def _process_text(owner: str) -> str:
    host, pid, _ = owner.rsplit("|", 2)
    return f"process {pid} on {host}"
