"""The twelve endpoints of the manual (chapter 3): which one a path is, and whom it asks about."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

PREFIXES = ("/user/api/v2", "/installer/api/v2")

_OF_SYSTEM = {
    "details": "system_details",
    "inverters": "system_inverters",
    "meters": "system_meters",
    "summary": "system_summary",
    "energy": "system_energy",
}
_OF_DEVICE = {
    "ecu/summary": "ecu_summary",
    "ecu/energy": "ecu_energy",
    "meter/summary": "meter_summary",
    "meter/period": "meter_period",
    "inverter/summary": "inverter_summary",
    "inverter/energy": "inverter_energy",
    "inverter/batch/energy": "inverter_batch",
}
ENDPOINTS = (*_OF_SYSTEM.values(), *_OF_DEVICE.values())


@dataclass(frozen=True, slots=True)
class Route:
    """One question: `endpoint` of ENDPOINTS, the ids in its path, and its parameters as they came.

    `last_segment` is what the signature covers. A parameter that is missing is empty.
    """

    endpoint: str
    sid: str
    device: str
    last_segment: str
    level: str = ""
    date_range: str = ""

    @property
    def name(self) -> str:
        """`ecu_energy/hourly`: the endpoint, and its level where there is one."""
        return f"{self.endpoint}/{self.level}" if self.level else self.endpoint


def route(path: str, query: str, prefix: str) -> Route | None:
    """The question of a path and a query under a prefix; None where the API has no such page."""
    if not path.startswith(prefix + "/systems/"):
        return None
    match path[len(prefix) + 1 :].split("/"):
        case ["systems", kind, sid] if kind in _OF_SYSTEM and sid:
            endpoint, device = _OF_SYSTEM[kind], ""
        case ["systems", sid, "devices", *kinds, device] if "/".join(kinds) in _OF_DEVICE and sid and device:
            endpoint = _OF_DEVICE["/".join(kinds)]
        case _:
            return None
    level, date_range = (_only(query, name) for name in ("energy_level", "date_range"))
    return Route(endpoint, unquote(sid), unquote(device), path.rpartition("/")[2], level, date_range)


def _only(query: str, name: str) -> str:
    """The one value of a parameter; empty when it is missing, and nonsense when it is given twice."""
    values = [value for key, value in parse_qsl(query, keep_blank_values=True) if key == name]
    return values[0] if len(values) == 1 else "\x00".join(values)
