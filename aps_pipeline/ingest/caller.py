"""Make many calls at once, those of every account side by side."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from aps_pipeline.ingest.fetch import AccountSession, CallOutcome, PendingRequest
from aps_pipeline.ingest.journal import BodyCheck
from aps_pipeline.ingest.results import StopReason
from aps_pipeline.ledger import InFlightError

_log = logging.getLogger(__name__)

_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.2, 2.0


class Caller:
    """Asks the requests of a run, each in the session that its system belongs to, and says how each ended.

    Each session has `threads` calls under way at most.
    """

    def __init__(self, sessions: Mapping[str, AccountSession], threads: int) -> None:
        self._sessions, self._threads = sessions, threads

    @property
    def stops(self) -> list[StopReason]:
        """Why sessions, or kinds of their calls, have ended early, each reason once."""
        stops = (stop for session in self._sessions.values() for stop in session.stops)
        return list(dict.fromkeys(stops))

    @property
    def notes(self) -> list[str]:
        """What is to be said of the accounts, each sentence once."""
        notes = (note for session in self._sessions.values() for note in session.notes)
        return list(dict.fromkeys(notes))

    def close(self) -> None:
        """End the run of every account."""
        for session in dict.fromkeys(self._sessions.values()):
            session.close()

    def can_ask(self, system_id: str) -> bool:
        """Tell whether calls may still be made for a system."""
        return self._sessions[system_id].stop is None

    def results(self, asks: Iterable[PendingRequest], judge: BodyCheck) -> Iterator[CallOutcome]:
        """Ask everything; results come as they end, and `judge` sees each good body before the ledger does.

        Closing the iterator stops retries and lets the calls in flight end. Raises NotConfiguredError.
        """
        lines = self._lines(asks)
        try:
            yield from _results(lines, judge)
        except BaseException:
            for line in lines:
                line.session.give_up()  # the listener has gone: no more retries
            raise
        finally:
            for line in lines:
                line.pool.shutdown(wait=False, cancel_futures=True)
            for line in lines:
                line.pool.shutdown()

    def _lines(self, asks: Iterable[PendingRequest]) -> list[_Line]:
        lines: dict[AccountSession, _Line] = {}
        for ask in asks:
            session = self._sessions[ask.request.system_id]
            if session not in lines:
                session.open()
                lines[session] = _Line(session, self._threads)
            lines[session].queue.append(ask)
        return list(lines.values())


class _Line:
    """The asks of one session that wait in line, and how many are under way.

    It has threads of its own, so that an account that is slow or told to wait holds up no other.
    """

    def __init__(self, session: AccountSession, threads: int) -> None:
        self.session, self._most = session, 2 * threads
        self.queue: deque[PendingRequest] = deque()
        self.elsewhere: deque[PendingRequest] = deque()
        """What another process is asking."""
        self.under_way = 0
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="aps-call")

    def start(self, judge: BodyCheck, ended: _Ended) -> None:
        """Begin as many as may be under way; each is put into `ended` when it has ended."""
        while self.queue and self.under_way < self._window:
            ask = self.queue.popleft()
            self.under_way += 1
            future = self.pool.submit(self.session.ask, ask, judge)
            future.add_done_callback(lambda future, ask=ask: ended.put((self, ask, future)))  # type: ignore[misc]

    @property
    def _window(self) -> int:
        # Calls go alone until one is answered: wrong credentials cost one call, not one a thread.
        return self._most if self.session.is_answered else 1


_Ended = SimpleQueue[tuple[_Line, PendingRequest, Future[CallOutcome]]]


def _results(lines: list[_Line], judge: BodyCheck) -> Iterator[CallOutcome]:
    ended: _Ended = SimpleQueue()
    pause, is_said = _FIRST_POLL_SECONDS, False
    while True:
        for line in lines:
            line.start(judge, ended)
        if any(line.under_way for line in lines):
            line, ask, future = ended.get()
            line.under_way -= 1
            rival = future.exception()
            if isinstance(rival, InFlightError):
                line.elsewhere.append(ask)
                is_said = is_said or _say_waiting(rival)
                continue
            pause = _FIRST_POLL_SECONDS
            yield future.result()
        elif any(line.elsewhere for line in lines):
            threading.Event().wait(pause)  # another process is asking: look again
            pause = min(2 * pause, _LONGEST_POLL_SECONDS)
            for line in lines:
                line.queue, line.elsewhere = line.elsewhere, deque()
        else:
            return


def _say_waiting(error: InFlightError) -> bool:
    """Say at once what is waited for, since nothing else is to be seen meanwhile."""
    _log.warning(
        "another process has been asking %s since %s UTC: waiting for its answer",
        error.request,
        f"{error.since:%Y-%m-%d %H:%M:%S}",
    )
    return True
