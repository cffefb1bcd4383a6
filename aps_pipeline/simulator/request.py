"""One request: its endpoint, devices and period (manual 3), and the errors that it can meet (manual 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

from aps_pipeline.periods import LIFETIME, Grain, Period
from aps_pipeline.simulator.fleet import Ecu, Inverter, System
from aps_pipeline.simulator.history import History, Moment

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
    """One request: `endpoint` of ENDPOINTS, the ids in its path, and its parameters as they came.

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


def find_route(path: str, query: str, prefix: str) -> Route | None:
    """Find the request of a path and a query under a prefix; None where the API has no such page."""
    if not path.startswith(prefix + "/systems/"):
        return None
    match path[len(prefix) + 1 :].split("/"):
        case ["systems", kind, sid] if kind in _OF_SYSTEM and sid:
            endpoint, device = _OF_SYSTEM[kind], ""
        case ["systems", sid, "devices", *kinds, device] if "/".join(kinds) in _OF_DEVICE and sid and device:
            endpoint = _OF_DEVICE["/".join(kinds)]
        case _:
            return None
    given = parse_qsl(query, keep_blank_values=True)
    level, date_range = (
        "\x00".join(value for key, value in given if key == name)  # one given twice is nonsense
        for name in ("energy_level", "date_range")
    )
    return Route(endpoint, unquote(sid), unquote(device), path.rpartition("/")[2], level, date_range)


NO_DATA = 1001
NO_PERMISSION = 2004
QUOTA_USED_UP = 2005
REFUSED = 4000
BAD_PARAMETER = 4001
TOO_MANY = 7002
BUSY = 7003

MESSAGES = {
    1000: "Data exception.",
    1001: "No data.",
    2000: "Application account exception.",
    2001: "Invalid application account.",
    2002: "The application account is not authorized.",
    2003: "Application account authorization expires.",
    2004: "The application account has no permission.",
    2005: "The access limit of the application account was exceeded.",
    3000: "Access token exception.",
    3001: "Missing Access token.",
    3002: "Unable to verify Access token.",
    3003: "Access token timeout.",
    3004: "Refresh token timeout.",
    4000: "Request parameter exception.",
    4001: "Invalid request parameter.",
    5000: "Internal server exception.",
    6000: "Communication exception.",
    7000: "Server access restriction exception.",
    7001: "Server access limit exceeded.",
    7002: "Too many requests, please request later.",
    7003: "The system is busy, please request later.",
}

_GRAIN = {
    "minutely": Grain.DAY,
    "hourly": Grain.DAY,
    "daily": Grain.MONTH,
    "monthly": Grain.YEAR,
    "yearly": Grain.LIFETIME,
    "power": Grain.DAY,
    "energy": Grain.DAY,
}
_SYSTEM_LEVELS = ("hourly", "daily", "monthly", "yearly")
LEVELS = {
    "system_energy": _SYSTEM_LEVELS,
    "ecu_energy": ("minutely", *_SYSTEM_LEVELS),
    "meter_period": ("minutely", *_SYSTEM_LEVELS),
    "inverter_energy": ("minutely", *_SYSTEM_LEVELS),
    "inverter_batch": ("power", "energy"),
}
_T = TypeVar("_T")
_EXPIRING = ("minutely", "hourly", "power")


class ApiError(Exception):
    """An answer with a code other than 0 (manual 4.1)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class SimRequest:
    """One request of an account that may make it, at one moment.

    `retention_days` is how far back 5-minute and hourly values reach; None is for ever.
    """

    route: Route
    system: System
    history: History
    now: Moment
    retention_days: int | None = None

    @property
    def ecu(self) -> Ecu:
        """The ECU that the request names. Raises ApiError 4001, and 4000 for another id of a shared one."""
        device, ecu = self.route.device, self.system.ecu(self.route.device)
        shared = (each.eid for each in self.system.ecus if each.eid != each.request_id)
        if ecu is None and any(device in (eid, eid.rpartition("-")[0]) for eid in shared):
            raise ApiError(REFUSED)
        return _find(ecu)

    @property
    def ecus(self) -> tuple[Ecu, ...]:
        """The ECU that the request names, or all of the system. Raises ApiError 4001."""
        return (self.ecu,) if self.route.device else self.system.ecus

    @property
    def meter(self) -> Ecu:
        """The meter ECU that the request names. Raises ApiError 4001."""
        ecu = self.ecu
        return _find(ecu if ecu.meter else None)

    @property
    def inverter(self) -> tuple[Ecu, Inverter]:
        """The inverter that the request names and its ECU, past ones included. Raises ApiError 4001."""
        ecu, inverter = _find(self.system.inverter(self.route.device))
        known = inverter.since <= self.now.today or inverter.is_listed(self.now.today)
        return ecu, _find(inverter if known else None)

    def period(self) -> Period:
        """Read the period of the request.

        Raises ApiError: 4001 for a level or a date that the endpoint does not know, 1001 for the future, for
        times before the system was created, and for what is no longer kept.
        """
        level = self.route.level
        if level not in LEVELS[self.route.endpoint]:
            raise ApiError(BAD_PARAMETER)
        if _GRAIN[level] is Grain.LIFETIME:
            return LIFETIME
        try:
            period = Period.parse(_GRAIN[level], self.route.date_range)
        except ValueError as error:
            raise ApiError(BAD_PARAMETER) from error
        if period.first > self.now.today or period.last < self.system.create_date:
            raise ApiError(NO_DATA)
        kept = self.retention_days
        if level in _EXPIRING and kept is not None and self.now.today - period.last > timedelta(days=kept):
            raise ApiError(NO_DATA)
        return period


def _find(thing: _T | None) -> _T:
    if thing is None:
        raise ApiError(BAD_PARAMETER)
    return thing
