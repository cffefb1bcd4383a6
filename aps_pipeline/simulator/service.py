"""The API as a function: from method, target and headers to a reply. HTTP itself is in `server.py`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from aps_pipeline.simulator.accounts import Account, Desk, checked
from aps_pipeline.simulator.answers import answer
from aps_pipeline.simulator.asking import LEVELS, NO_PERMISSION, REFUSED, ApiError, Ask
from aps_pipeline.simulator.demo import healthy_fleet
from aps_pipeline.simulator.faults import Fault, Faults
from aps_pipeline.simulator.fleet import Fleet, System
from aps_pipeline.simulator.history import History, Moment
from aps_pipeline.simulator.limits import Counts, Ledger
from aps_pipeline.simulator.quirks import QUIRKS, spoken
from aps_pipeline.simulator.replies import Reply, enveloped, error, page, spoil_data, spoil_reply
from aps_pipeline.simulator.routes import PREFIXES, Route, route
from aps_pipeline.simulator.server import listening
from aps_pipeline.simulator.signature import APP_ID

DEFAULT_APP_ID = "simulator".ljust(32, "0")
DEFAULT_APP_SECRET = "simulated123"  # noqa: S105 - opens nothing but a simulator

Clock = Callable[[], datetime]


class Simulator:
    """An APsystems OpenAPI with one account that may ask about every system of a fleet, or with several.

    Without a `fleet` it has that of `demo.healthy_fleet`.
    `now` tells the aware time at which it answers, the real time by default; `signing_clock` the time that
    timestamps of requests are compared with, the same by default: give it where only the answers stand still.
    `quota` calls a month in China, `requests_per_second`, `max_in_flight`: no limit by default, and one for
    each account. `accounts` stand in for `app_id`, `app_secret` and `quota`.
    `latency` seconds are added to every call. `retention_days` is how far back 5-minute and hourly values
    reach. `quirks`, names of `quirks.QUIRKS`, are added to those of every system. Raises ValueError for
    another prefix than the two of the API, an unknown quirk, and a clock of naive times.
    """

    def __init__(
        self,
        fleet: Fleet | None = None,
        *,
        app_id: str = DEFAULT_APP_ID,
        app_secret: str = DEFAULT_APP_SECRET,
        seed: int = 1,
        now: Clock | None = None,
        quota: int | None = None,
        requests_per_second: float | None = None,
        max_in_flight: int | None = None,
        latency: float = 0.0,
        faults: Iterable[Fault] = (),
        prefix: str = PREFIXES[0],
        retention_days: int | None = None,
        signing_clock: Clock | None = None,
        quirks: Iterable[str] = (),
        accounts: Iterable[Account] = (),
    ) -> None:
        if prefix not in PREFIXES:
            raise ValueError(f"the prefix is one of {', '.join(PREFIXES)}, not {prefix!r}")
        self.quirks = tuple(quirks)
        if strange := set(self.quirks) - QUIRKS.keys():
            raise ValueError(f"quirks are {', '.join(QUIRKS)}, not {sorted(strange)}")
        if any(clock().tzinfo is None for clock in (now, signing_clock) if clock):
            raise ValueError("the clock of a simulator tells aware times")
        self.fleet = fleet or healthy_fleet()
        only = Account(app_id, app_secret, self.fleet.system_ids, quota)
        self.accounts = checked(accounts, self.fleet) or (only,)
        self.app_id, self.app_secret = self.accounts[0].app_id, self.accounts[0].app_secret
        self.seed, self.prefix, self.latency = seed, prefix, latency
        self.retention_days = retention_days
        self.faults = Faults(seed, faults)
        self.now: Clock = now or _real_time
        self.signing_clock: Clock = signing_clock or self.now
        self.history = History(self.fleet, seed)
        self._desks = {a.app_id: Desk(a, requests_per_second, max_in_flight) for a in self.accounts}
        self._ledger = Ledger()

    @property
    def counts(self) -> Counts:
        """What has been asked so far, by endpoint and by code of the answer."""
        return self._ledger.counts

    def counts_of(self, app_id: str) -> Counts:
        """The same of one account; `received` are the requests in its name, signed or not."""
        return self._desks[app_id].ledger.counts

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(path, query) of every request in the order in which they came."""
        return self._ledger.requests

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Serves from a thread of its own, and stops at the end; yields `http://127.0.0.1:PORT`."""
        with listening(self, port) as server, server.in_thread():
            yield server.url

    def serve_forever(self, port: int, ready: Callable[[str], None] | None = None) -> None:
        """Serves until Ctrl-C; calls `ready` with the URL once connections are accepted."""
        with suppress(KeyboardInterrupt), listening(self, port) as server:
            if ready:
                ready(server.url)
            server.serve_forever(0.2)

    def reply(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        pause: Callable[[float], object] = time.sleep,
    ) -> Reply:
        """The reply to one request; `target` is path and query, `pause` waits for so many seconds."""
        path, _, query = target.partition("?")
        desk = self._desks.get(headers.get(APP_ID, ""))
        ledgers = (self._ledger, desk.ledger) if desk else (self._ledger,)
        for ledger in ledgers:
            ledger.received(path, query)
        if method != "GET":
            return page(405, "Method Not Allowed", (("Allow", "GET"),))
        asked = route(path, query, self.prefix)
        if asked is None:
            return page(404, "HTTP Status 404 – Not Found")
        now_ms = int(self.signing_clock().timestamp() * 1000)
        if desk is None or not desk.signatures.accepts(method, asked.last_segment, headers, now_ms):
            return error(self.seed, target, REFUSED)
        for ledger in ledgers:
            ledger.accepted(asked.endpoint)
        reply = self._limited(desk, asked, target, pause)
        if reply.code is not None:
            for ledger in ledgers:
                ledger.answered(reply.code)
        return reply

    def _limited(self, desk: Desk, asked: Route, target: str, pause: Callable[[float], object]) -> Reply:
        """The reply to a signed call: within the limits, after its latency, spoilt by a fault."""
        try:
            with desk.limits.call(self.now()):
                fault = self.faults.next_for(asked, target.partition("?")[0])
                wait = self.latency + (fault.seconds if fault and fault.kind == "slow" else 0.0)
                if wait > 0:
                    pause(wait)
                return spoil_reply(fault, self._answered(desk, asked, target, fault), target)
        except ApiError as refusal:
            return error(self.seed, target, refusal.code)

    def _answered(self, desk: Desk, asked: Route, target: str, fault: Fault | None) -> Reply:
        if fault and fault.code is not None:
            return error(self.seed, target, fault.code)
        try:
            system, now = self._known(desk, asked.sid)
            data = answer(Ask(asked, system, self.history, now, self.retention_days))
        except ApiError as refusal:
            return error(self.seed, target, refusal.code)
        envelope = {"code": 0, "data": spoil_data(fault, data, self._other_sid(asked.sid))}
        level = asked.level if asked.endpoint in LEVELS else ""
        return enveloped(self.seed, target, 0, spoken((*system.quirks, *self.quirks), level, envelope))

    def _known(self, desk: Desk, sid: str) -> tuple[System, Moment]:
        """The system of that id and its time, once it is registered to that account. Raises ApiError 2004."""
        system = self.fleet.system(sid)
        if system is None or sid not in desk.account.system_ids:
            raise ApiError(NO_PERMISSION)
        now = Moment.at(self.now(), system.timezone)
        if now.today < system.create_date:
            raise ApiError(NO_PERMISSION)
        return system, now

    def _other_sid(self, sid: str) -> str:
        return next((other for other in self.fleet.system_ids if other != sid), "X000000000000000")


def _real_time() -> datetime:
    return datetime.now(UTC)
