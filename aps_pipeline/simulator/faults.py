"""What can go wrong on purpose: which calls, and what becomes of their answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Lock

from aps_pipeline.simulator.request import MESSAGES, Route
from aps_pipeline.simulator.weather import digest

KINDS = {
    "html": "a page of HTML with HTTP 200",
    "truncate": "Content-Length promises more than is sent, then the connection closes",
    "badjson": "JSON that breaks off",
    "short": "the first list of the data is one too short",
    "long": "the first list of the data is one too long",
    "slow": "the answer waits for that number of seconds",
    "drip": "the answer comes byte by byte, one in that number of seconds",
    "reset": "the connection closes without an answer",
    "redirect": "302 to another host",
    "huge": "a gzip body of more than 64 MiB",
    "otherid": "details of another sid",
}
DRIP_SECONDS = 0.05

_SPEC = re.compile(
    r"(?P<kind>[^:@~*]+)(?P<numbers>(:[^:@~*]+)*)(@(?P<at>[^~*]+))?(~(?P<date>[^*]+))?(\*(?P<times>\d+))?"
)
_STATUS = re.compile(r"http[45][0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `kind`: an API code (`"5000"`), an HTTP status (`"http500"`), or a key of KINDS. `share` 0–1 of the
    matching calls are hit, at most `times` of them. A call matches when `endpoint` is part of its name
    (`ecu_energy`, `inverter_batch/power`) or of its path, and `date_range` part of its `date_range`.
    `seconds` is for `slow` and `drip`. Only calls with a valid signature and within the limits are hit.
    Raises ValueError.
    """

    kind: str
    share: float = 1.0
    endpoint: str = ""
    date_range: str = ""
    times: int | None = None
    seconds: float = DRIP_SECONDS

    def __post_init__(self) -> None:
        if self.kind not in KINDS and self.code is None and self.status is None:
            known = ", ".join(KINDS)
            raise ValueError(
                f"unknown fault {self.kind!r}: an API code, http400 to http599, or one of {known}"
            )
        if not 0 <= self.share <= 1 or not 0 <= self.seconds < float("inf"):
            raise ValueError(f"fault {self.kind}: the share is 0 to 1, the seconds are finite")

    @classmethod
    def parse(cls, spec: str) -> Fault:
        """Read a fault from `KIND[:SECONDS][:SHARE][@ENDPOINT][~DATE][*TIMES]`; raises ValueError.

        Only `slow` has SECONDS, and must have them. `5000:0.05` is code 5000 for 5 % of all calls;
        `slow:2:0.1` two seconds for a tenth; `http500@ecu_energy/hourly~2025-03*2` HTTP 500 for the first two
        calls of hourly ECU energy in March 2025.
        """
        match = _SPEC.fullmatch(spec)
        if match is None:
            raise ValueError(f"not a fault: {spec!r}; write KIND[:SHARE][@ENDPOINT][~DATE][*TIMES]")
        kind, slow = match["kind"], match["kind"] == "slow"
        numbers: list[float] = []
        for text in match["numbers"].split(":")[1:]:
            try:
                numbers.append(float(text))
            except ValueError:
                raise ValueError(f"not a fault: {spec!r}; {text!r} is not a number") from None
        if not slow <= len(numbers) <= slow + 1:
            raise ValueError(f"not a fault: {spec!r}; it has {len(numbers)} numbers")
        return cls(
            kind,
            share=numbers[-1] if len(numbers) > slow else 1.0,
            endpoint=match["at"] or "",
            date_range=match["date"] or "",
            times=int(match["times"]) if match["times"] else None,
            seconds=numbers[0] if slow else DRIP_SECONDS,
        )

    @property
    def code(self) -> int | None:
        """The API code that it answers with, if it is one."""
        return int(self.kind) if self.kind.isdecimal() and int(self.kind) in MESSAGES else None

    @property
    def status(self) -> int | None:
        """The HTTP status that it answers with, if it is one."""
        return int(self.kind[4:]) if _STATUS.fullmatch(self.kind) else None

    def matches(self, route: Route, path: str) -> bool:
        """Tell whether the fault is meant for that call."""
        at_home = self.kind != "otherid" or route.endpoint == "system_details"
        named = self.endpoint in route.name or self.endpoint in path
        return at_home and named and self.date_range in route.date_range


class Faults:
    """The faults in force, in order; may change while calls come. Safe for threads.

    Whether a fault hits its nth matching call depends on the seed, the fault and n alone.
    """

    def __init__(self, seed: int, faults: Iterable[Fault] = ()) -> None:
        self._seed = seed
        self._lock = Lock()
        self._active: list[_Active] = [_Active(fault) for fault in faults]

    def append(self, fault: Fault) -> None:
        """Put a fault in force."""
        with self._lock:
            self._active.append(_Active(fault))

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._active.clear()

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([active.fault for active in self._active])

    def __len__(self) -> int:
        return len(self._active)

    def next_for(self, route: Route, path: str) -> Fault | None:
        """Count this call and choose the fault that hits it; None when all goes well."""
        chosen = None
        with self._lock:
            for active in self._active:
                fault = active.fault
                if not fault.matches(route, path):
                    continue
                active.seen += 1
                is_spent = fault.times is not None and active.hits >= fault.times
                hits = digest(self._seed, "fault", fault, active.seen) < fault.share * 2.0**128
                if hits and not is_spent and chosen is None:
                    active.hits += 1
                    chosen = fault
        return chosen


@dataclass(slots=True)
class _Active:
    """A fault and how often it has matched and hit."""

    fault: Fault
    seen: int = 0
    hits: int = 0
