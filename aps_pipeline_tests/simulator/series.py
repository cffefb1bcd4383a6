"""What is asked about at every level, as decimals by name, whatever the endpoint and the dialect call it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aps_pipeline.simulator import Simulator
from aps_pipeline.simulator.fleet import System
from aps_pipeline_tests.simulator.caller import body

Series = dict[str, list[Decimal]]

FLOWS = ("produced", "consumed", "imported", "exported")
SPANS = ("today", "month", "year", "lifetime")
_ENERGY = {"meter": "period"}


@dataclass(frozen=True)
class Thing:
    """A system, ECU, meter or inverter that energies are asked about."""

    kind: str
    sid: str
    device: str = ""

    def path(self, what: str) -> str:
        what = _ENERGY.get(self.kind, what) if what == "energy" else what
        return f"{self.sid}/devices/{self.kind}/{what}/{self.device}" if self.device else f"{what}/{self.sid}"


def things(system: System, *kinds: str) -> list[Thing]:
    """Everything of a system, or only those kinds."""
    found = [Thing("system", system.sid), *(Thing("ecu", system.sid, ecu.request_id) for ecu in system.ecus)]
    found += [Thing("meter", system.sid, ecu.request_id) for ecu in system.ecus if ecu.meter]
    found += [Thing("inverter", system.sid, inv.uid) for ecu in system.ecus for inv in ecu.inverters]
    return [thing for thing in found if not kinds or thing.kind in kinds]


def number(value: Any) -> Decimal:
    """A value of any dialect; what is absent adds nothing."""
    return Decimal(0) if value in (None, "") else Decimal(str(value))


def good(sim: Simulator, path: str, level: str = "", date_range: str = "") -> Any:
    """The data of an answer, None where there is no data; nothing else may come."""
    answer = body(sim, path, level, date_range)
    assert answer["code"] in (0, 1001), (path, level, date_range, answer)
    return answer["data"] if answer["code"] == 0 else None


def series(sim: Simulator, thing: Thing, level: str, date_range: str) -> Series:
    """The lists of a level by flow or channel, or under `energy`; none where there is no data."""
    found = good(sim, thing.path("energy"), level, date_range)
    if isinstance(found, list):
        found = {"energy": found}
    names = {"energy", *FLOWS, *(f"e{n}" for n in range(1, 5))}
    return {n: [*map(number, v)] for n, v in (found or {}).items() if n in names and v is not None}


def slots(sim: Simulator, thing: Thing, day: str) -> tuple[list[str], Series]:
    """The labels of a day and the energies of its slots, named as in `series`."""
    found = good(sim, thing.path("energy"), "minutely", day) or {}
    energies = found.get("energy")
    if thing.kind == "inverter":
        energies = {n[3:]: v for n, v in found.items() if n.startswith("dc_e") and v is not None}
    elif thing.kind == "ecu":
        energies = {} if energies is None else {"energy": energies}
    labels = found.get("t" if thing.kind == "inverter" else "time", [])
    return labels, {name: [*map(number, column)] for name, column in (energies or {}).items()}


def spans(sim: Simulator, thing: Thing) -> dict[str, dict[str, Decimal]]:
    """today, month, year and lifetime of a summary, by the names of `series`; absent ones are left out."""
    found = good(sim, thing.path("summary")) or {}
    if thing.kind == "meter":
        return {s: {flow: number(found[s][flow]) for flow in FLOWS} for s in SPANS if found.get(s)}
    if thing.kind == "inverter":
        texts = {s: {f"e{n}": found.get(f"{s[0]}{n}") for n in range(1, 5)} for s in ("day", *SPANS[1:3])}
        texts = {
            "today": texts["day"],
            **texts,
            "lifetime": {f"e{n}": found.get(f"t{n}") for n in range(1, 5)},
        }
        return {s: {n: number(v) for n, v in texts[s].items() if v is not None} for s in SPANS}
    return {s: {"energy": number(found[s])} for s in SPANS if s in found and found[s] is not None}


def by_label(labels: list[str], values: list[Decimal]) -> list[Decimal]:
    """Sums by the hour of the label."""
    sums = [Decimal(0)] * 24
    for label, value in zip(labels, values, strict=True):
        sums[int(label[:2])] += value
    return sums
