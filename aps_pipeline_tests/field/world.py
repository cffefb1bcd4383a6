"""A small API that a test can change at will: figures by day, and answers that are replaced by rule.

It shares nothing with the simulator: no signature is checked, and every figure follows from `Roof.kwh`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from aps_pipeline.config import Settings
from aps_pipeline.ingest import Pipeline, Wanted
from aps_pipeline.tables import get_table
from aps_pipeline.wiring import open_pipeline
from aps_pipeline_tests.clocks import Clock
from aps_pipeline_tests.sites import Run, client_for, with_clients

HOUSE_1, HOUSE_2 = "HOUSE00000000001", "HOUSE00000000002"
NOW = datetime.fromisoformat("2026-11-27T10:00:00+00:00")

_PATH = re.compile(
    r"/user/api/v2/systems/(?:(details|inverters|meters|summary|energy)/([^/]+)"
    r"|([^/]+)/devices/(ecu|meter|inverter)/(.+)/([^/]+))$"
)


def _kwh(eid: str, day: date) -> float:
    """The energy of one panel on a day: about 2 kWh, of two decimals, another one each day."""
    return round(1.5 + (day.toordinal() * 7 + sum(map(ord, eid))) % 97 / 100, 2)


@dataclass
class Roof:
    """A system: ECUs with the inverters below them (two channels each), and meters."""

    sid: str = HOUSE_1
    ecus: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"203000000001": ("701000000011", "701000000012")}
    )
    meters: tuple[str, ...] = ()
    zone: str = "Europe/Paris"
    create_date: date = date(2024, 1, 1)
    first_day: date | None = None
    """The first day with data, if it is another than `create_date`."""
    kwh: Callable[[str, date], float | None] = _kwh
    """Energy of each panel of an ECU on a day; None where nothing was uploaded."""

    def day(self, day: date, eid: str = "") -> float:
        """Energy of a system or of one of its ECUs on a day; what was not uploaded counts as 0."""
        if day < (self.first_day or self.create_date):
            return 0.0
        ecus = [eid] if eid else list(self.ecus)
        return round(sum((self.kwh(e, day) or 0.0) * 2 * len(self.ecus[e]) for e in ecus), 2)


@dataclass(frozen=True)
class WorldRequest:
    """What was asked: `endpoint` such as `batch`, `level`, the system, the device, and `date_range`."""

    endpoint: str
    level: str
    sid: str
    device: str
    when: str

    @property
    def kind(self) -> str:
        return f"{self.endpoint}/{self.level}".strip("/")


Rule = Callable[[WorldRequest], Any]
"""Gives an answer instead: a code, a dict (the envelope), bytes, or status, headers and bytes; None: none."""


@dataclass
class World:
    """The API, its clock and a data directory. `rules` may change between runs."""

    url: str
    clock: Clock
    data_dir: Path
    roofs: dict[str, Roof]
    rules: list[Rule] = field(default_factory=list)
    requests: list[WorldRequest] = field(default_factory=list)
    date_header: Clock | None = None
    """The clock of the server, where it is another."""

    def counts(self, since: int = 0) -> Counter[str]:
        """The requests from number `since` on, by kind."""
        return Counter(request.kind for request in self.requests[since:])

    def asked(self, kind: str, since: int = 0) -> list[WorldRequest]:
        return [request for request in self.requests[since:] if request.kind == kind]

    def settings(self, **overrides: Any) -> Settings:
        chosen: dict[str, Any] = {
            "app_id": "app0",
            "app_secret": "secret0secret",
            "base_url": self.url,
            "system_ids": tuple(self.roofs),
            "data_dir": self.data_dir,
            "calls_per_second": 2000,
            "monthly_calls": 100_000,
            "reserved_calls": 0,
        }
        return Settings(_env_file=None, **chosen | overrides)  # type: ignore[call-arg]

    def pipeline(self, **overrides: Any) -> Pipeline:
        settings = self.settings(**overrides)
        pipeline = with_clients(
            open_pipeline(settings), *(partial(client_for, settings, each) for each in settings.accounts)
        )
        pipeline.ledger.now = self.clock
        return pipeline

    def collect(self, first: date, last: date, tables: Sequence[str], **wanted: Any) -> Run:
        """One whole run; `wanted` are fields of Wanted, `settings` a dict of settings."""
        pipeline = self.pipeline(**wanted.pop("settings", {}))
        ids = wanted.pop("system_ids", pipeline.system_ids)
        run = Run()
        try:
            chosen = Wanted(tuple(map(get_table, tables)), first, last, ids, **wanted)
            run.results.extend(pipeline.collect(chosen, run.summary))
        finally:
            pipeline.ledger.close()
        return run

    def answer(self, request: WorldRequest) -> Any:
        for rule in self.rules:
            if (found := rule(request)) is not None:
                return found
        return self.answer_of(request)

    def answer_of(self, request: WorldRequest) -> Any:
        """The answer without the rules, for a rule that changes it."""
        roof = self.roofs.get(request.sid)
        if roof is None:
            return 2004
        today = (self.date_header or self.clock)().astimezone(ZoneInfo(roof.zone)).date()
        return scripted(request, roof, today)


def scripted(request: WorldRequest, roof: Roof, today: date) -> Any:  # noqa: PLR0912 - a table of answers
    """What the API says of a roof on a day, where no rule says otherwise."""
    match request.kind:
        case "details":
            return _ok(
                {
                    "sid": roof.sid,
                    "create_date": str(roof.create_date),
                    "capacity": "5.00",
                    "type": 1,
                    "timezone": roof.zone,
                    "ecu": list(roof.ecus),
                    "light": 1,
                }
            )
        case "inverters":
            return _ok(
                [
                    {
                        "eid": eid,
                        "type": 0,
                        "timezone": roof.zone,
                        "inverter": [{"uid": uid, "type": "DS3"} for uid in uids],
                    }
                    for eid, uids in roof.ecus.items()
                ]
            )
        case "meters":
            return _ok(list(roof.meters)) if roof.meters else 1001
    start = roof.first_day or roof.create_date
    if request.endpoint in ("energy", "ecu") and request.level in ("daily", "monthly", "yearly"):
        spans = _spans(request, start, today)
        return _ok([f"{sum(roof.day(d, request.device) for d in days):.2f}" for days in spans])
    if request.endpoint == "meter" and request.level in ("daily", "monthly", "yearly"):
        spans = _spans(request, start, today)
        sums = [sum(roof.day(d) for d in days) for days in spans]
        labels = [
            str(days[0].year)
            if request.level == "yearly"
            else f"{days[0].month:02d}"
            if request.level == "monthly"
            else f"{days[0].day:02d}"
            for days in spans
        ]
        return _ok({"time": labels} | _flows(sums))
    if not request.when:
        return 4001
    day = date.fromisoformat(request.when)
    if day > today or day < start:
        return 1001
    total = roof.day(day, request.device if request.device in roof.ecus else "")
    hours = [round(total / 4, 2)] * 3 + [round(total - 3 * round(total / 4, 2), 2)]
    by_hour = [0.0] * 10 + hours + [0.0] * 10
    match request.kind:
        case "energy/hourly" | "ecu/hourly":
            return _ok([f"{v:.2f}" for v in by_hour])
        case "meter/hourly":
            return _ok({"time": [f"{h:02d}" for h in range(24)]} | _flows(by_hour))
        case "batch/energy":
            kwh = roof.kwh(request.device, day)
            if kwh is None:
                return 1001
            return _ok({"energy": [f"{uid}-{n}-{kwh}" for uid in roof.ecus[request.device] for n in (1, 2)]})
        case "batch/power":
            kwh = roof.kwh(request.device, day)
            if kwh is None:
                return 1001
            labels = [f"{10 + n // 12:02d}:{n % 12 * 5:02d}" for n in range(48)]
            watts = f"{kwh * 1000 / 4:.0f}"
            return _ok(
                {
                    "time": labels,
                    "power": {
                        f"{uid}-{n}": [watts] * len(labels)
                        for uid in roof.ecus[request.device]
                        for n in (1, 2)
                    },
                }
            )
    return 4001


def _flows(produced: Sequence[float]) -> dict[str, list[str]]:
    """A house that uses 3 units of every 10 itself and buys nothing."""
    return {
        "produced": [f"{v:.3f}" for v in produced],
        "consumed": [f"{v * 0.3:.3f}" for v in produced],
        "imported": ["0.000" for _ in produced],
        "exported": [f"{v - float(f'{v * 0.3:.3f}'):.3f}" for v in produced],
    }


def _spans(request: WorldRequest, start: date, today: date) -> list[list[date]]:
    """The days of each entry of a list, up to today."""
    if request.level == "daily":
        first = date.fromisoformat(f"{request.when}-01")
        days = [first + timedelta(days=n) for n in range(31)]
        return [[d] for d in days if d.month == first.month and d <= today]
    every = [
        start.replace(month=1, day=1) + timedelta(days=n)
        for n in range((today - start.replace(month=1, day=1)).days + 1)
    ]
    if request.level == "yearly":
        return [[d for d in every if d.year == y] for y in range(start.year, today.year + 1)]
    year = int(request.when)
    last = today.month if year == today.year else 12
    return [
        [d for d in every if (d.year, d.month) == (year, m)] or [date(year, m, 1)] for m in range(1, last + 1)
    ]


def _ok(data: Any) -> dict[str, Any]:
    return {"code": 0, "data": data}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world: World
    lock: Lock

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        found = _PATH.search(parts.path)
        status, headers, body = 404, {}, b"<html>404</html>"
        if found:
            endpoint = found[1] or ("batch" if found[5].startswith("batch") else found[4])
            if found[5] and found[5].startswith("summary"):
                endpoint += "_summary"
            request = WorldRequest(
                endpoint,
                query.get("energy_level", ""),
                found[2] or found[3],
                found[6] or "",
                query.get("date_range", ""),
            )
            with self.lock:
                self.world.requests.append(request)
                answer = self.world.answer(request)
            status, headers, body = _rendered(answer)
        now = (self.world.date_header or self.world.clock)()
        head = [
            f"HTTP/1.1 {status} -",
            f"Date: {formatdate(now.timestamp(), usegmt=True)}",
            f"Content-Length: {len(body)}",
            *(f"{k}: {v}" for k, v in headers.items()),
        ]
        self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def _rendered(answer: Any) -> tuple[int, dict[str, str], bytes]:
    match answer:
        case int():
            return 200, {}, json.dumps({"code": answer, "data": None}).encode()
        case dict():
            return 200, {}, json.dumps(answer).encode()
        case bytes():
            return 200, {}, answer
        case _:
            status, headers, body = answer
            return status, headers, body


@contextmanager
def world(data_dir: Path, *roofs: Roof, now: datetime = NOW) -> Iterator[World]:
    """An API with those roofs (one, unless told otherwise) on a free loopback port."""
    chosen = roofs or (Roof(),)
    found = World("", Clock(now), data_dir, {roof.sid: roof for roof in chosen})
    handler = type("Handler", (_Handler,), {"world": found, "lock": Lock()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def two_houses() -> tuple[Roof, Roof]:
    """Two systems with two inverters each, producing every day."""
    first = Roof()
    return first, replace(first, sid=HOUSE_2, ecus={"203000000002": ("701000000021", "701000000022")})
