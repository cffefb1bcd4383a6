"""`Simulator`: check a request, look up its system, and reply; here, or in a process of its own."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from threading import Thread

from aps_pipeline.simulator.accounts import APP_ID, Account, AccountState, Counts, RequestLog, check_accounts
from aps_pipeline.simulator.demo import healthy_fleet
from aps_pipeline.simulator.faults import Fault, Faults
from aps_pipeline.simulator.fleet import Fleet
from aps_pipeline.simulator.history import History, Moment
from aps_pipeline.simulator.printing import QUIRKS, apply_quirks
from aps_pipeline.simulator.replies import Reply, answer, error, page, spoil_data, spoil_reply, wrap
from aps_pipeline.simulator.request import (
    LEVELS,
    NO_PERMISSION,
    PREFIXES,
    REFUSED,
    ApiError,
    Route,
    SimRequest,
    find_route,
)
from aps_pipeline.simulator.server import open_server

DEFAULT_APP_ID = "simulator".ljust(32, "0")
DEFAULT_APP_SECRET = "simulated123"  # noqa: S105 - opens nothing but a simulator

Clock = Callable[[], datetime]


class Simulator:
    """An APsystems OpenAPI with one account that may see every system of a fleet, or with several.

    Without a `fleet` it has that of `demo.healthy_fleet`.
    `now` gives the aware time at which it answers, the real time by default; `signing_clock` the time that
    timestamps of requests are compared with, the same by default: give it to stop the time of answers only.
    `quota` calls a month in China, `requests_per_second`, `max_in_flight`: no limit by default, and one for
    each account. `accounts` replace `app_id`, `app_secret` and `quota`.
    `latency` seconds are added to every call. `retention_days` is how far back 5-minute and hourly values
    reach. `quirks`, names of `printing.QUIRKS`, are added to those of every system. Raises ValueError for
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
        self.accounts = check_accounts(accounts, self.fleet) or (only,)
        self.app_id, self.app_secret = self.accounts[0].app_id, self.accounts[0].app_secret
        self.seed, self.prefix, self.latency = seed, prefix, latency
        self.retention_days = retention_days
        self.faults = Faults(seed, faults)
        self.now: Clock = now or (lambda: datetime.now(UTC))
        self.signing_clock: Clock = signing_clock or self.now
        self.history = History(self.fleet, seed)
        self._accounts = {
            a.app_id: AccountState(a, requests_per_second, max_in_flight) for a in self.accounts
        }
        self._log = RequestLog()

    @property
    def counts(self) -> Counts:
        """The requests so far, by endpoint and by code of the answer."""
        return self._log.counts

    def counts_of(self, app_id: str) -> Counts:
        """Count the requests of one account; `received` are those in its name, signed or not."""
        return self._accounts[app_id].log.counts

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(path, query) of every request in the order in which they came."""
        return self._log.requests

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Serve from a thread of its own until the context ends; yields `http://127.0.0.1:PORT`."""
        with open_server(self, port) as server:
            thread = Thread(target=server.serve_forever, args=(0.02,), name="aps-simulator", daemon=True)
            thread.start()
            try:
                yield server.url
            finally:
                server.shutdown()
                thread.join()

    def serve_forever(self, port: int, ready: Callable[[str], None] | None = None) -> None:
        """Serve until Ctrl-C; calls `ready` with the URL once connections are accepted."""
        with suppress(KeyboardInterrupt), open_server(self, port) as server:
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
        """Reply to one request; `target` is path and query, `pause` waits for that many seconds."""
        path, _, query = target.partition("?")
        account = self._accounts.get(headers.get(APP_ID, ""))
        logs = (self._log, account.log) if account else (self._log,)
        for log in logs:
            log.note_request(path, query)
        if method != "GET":
            return page(405, "Method Not Allowed", (("Allow", "GET"),))
        route = find_route(path, query, self.prefix)
        if route is None:
            return page(404, "HTTP Status 404 – Not Found")
        now_ms = int(self.signing_clock().timestamp() * 1000)
        if account is None or not account.signatures.accepts(method, route.last_segment, headers, now_ms):
            return error(self.seed, target, REFUSED)
        for log in logs:
            log.note_signed(route.endpoint)
        reply = self._reply_within_limits(account, route, target, pause)
        if reply.code is not None:
            for log in logs:
                log.note_code(reply.code)
        return reply

    def _reply_within_limits(
        self, account: AccountState, route: Route, target: str, pause: Callable[[float], object]
    ) -> Reply:
        """Reply to a signed call: within the limits, after its latency, spoilt by a fault."""
        try:
            with account.limits.call(self.now()):
                fault = self.faults.next_for(route, target.partition("?")[0])
                wait = self.latency + (fault.seconds if fault and fault.kind == "slow" else 0.0)
                if wait > 0:
                    pause(wait)
                return spoil_reply(fault, self._answer(account, route, target, fault), target)
        except ApiError as refusal:
            return error(self.seed, target, refusal.code)

    def _answer(self, account: AccountState, route: Route, target: str, fault: Fault | None) -> Reply:
        if fault and fault.code is not None:
            return error(self.seed, target, fault.code)
        system = self.fleet.system(route.sid)
        try:
            if system is None or route.sid not in account.account.system_ids:
                raise ApiError(NO_PERMISSION)
            now = Moment.at(self.now(), system.timezone)
            if now.today < system.create_date:
                raise ApiError(NO_PERMISSION)
            data = answer(SimRequest(route, system, self.history, now, self.retention_days))
        except ApiError as refusal:
            return error(self.seed, target, refusal.code)
        other_sid = next((sid for sid in self.fleet.system_ids if sid != route.sid), "X000000000000000")
        envelope = {"code": 0, "data": spoil_data(fault, data, other_sid)}
        level = route.level if route.endpoint in LEVELS else ""
        return wrap(self.seed, target, 0, apply_quirks((*system.quirks, *self.quirks), level, envelope))


@contextmanager
def serving_apart(fleet: Fleet, seed: int) -> Iterator[tuple[str, Callable[[], int]]]:
    """Serve a fleet until the context ends, or this process does; yields the URL and a count of signed calls.

    It uses another core than those whom it answers. Raises OSError if it does not start.
    """
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101 - both are pipes
        lines = process.stdout
        pickle.dump((fleet, seed), process.stdin)
        process.stdin.flush()
        url = lines.readline().decode().strip()
        if not url:
            raise OSError("the simulator did not start")

        def count_calls() -> int:
            assert process.stdin is not None  # noqa: S101 - as above
            process.stdin.write(b"\n")
            process.stdin.flush()
            return int(lines.readline())

        try:
            yield url, count_calls
        finally:
            process.stdin.close()


def main() -> None:
    """Serve the fleet that comes through standard input; each line after it asks for the calls so far."""
    fleet, seed = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    simulator = Simulator(fleet=fleet, seed=seed)
    with simulator.serving() as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        for _ in sys.stdin.buffer:
            sys.stdout.write(f"{simulator.counts.total}\n")
            sys.stdout.flush()
