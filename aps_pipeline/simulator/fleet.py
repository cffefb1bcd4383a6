"""What stands on the roofs: systems, ECUs, inverters and what is wrong with them.

`history.py` computes what it produces.
Days are local to the system. `until` is always the first day that does not count any more. The inventory
changes with these days, and answers are as of the simulator's clock: the API keeps no history of it.
"""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from aps_pipeline.periods import zone
from aps_pipeline.simulator.printing import QUIRKS

STORAGE = 2
"""The type of an ECU with storage activated (manual 3.1.2)."""

_ID = re.compile(r"[0-9A-Za-z]+(-[0-9A-Za-z]+)*", re.ASCII)


class FleetError(ValueError):
    """A fleet that cannot be: a bad file, an unknown field or zone, an id that occurs twice."""


@dataclass(frozen=True, slots=True)
class Span:
    """Local days from `since` up to, not including, `until`."""

    since: date = date.min
    until: date = date.max

    def covers(self, day: date) -> bool:
        """Tell whether the span contains the day."""
        return self.since <= day < self.until


@dataclass(frozen=True, slots=True)
class PanelFault(Span):
    """A panel that gives `factor` of what it should: 0 is a dead one, 0.6 a weak one."""

    channel: int = 1
    factor: float = 0.0


@dataclass(frozen=True, slots=True)
class Inverter(Span):
    """One inverter while it is mounted; its channels look the same way.

    `azimuth` in degrees clockwise from north, `tilt` in degrees from flat, `panel_kw` per channel.
    A replaced inverter is two of them: `until` of the old uid is `since` of the new. `listed`: the days on
    which the inventory names it, where they are others than those on which it gives data.
    """

    uid: str = ""
    type: str = "DS3"
    channels: int = 2
    azimuth: float = 180.0
    tilt: float = 30.0
    panel_kw: float = 0.4
    faults: tuple[PanelFault, ...] = ()
    listed: Span | None = None

    def is_listed(self, day: date) -> bool:
        """Tell whether the inventory of that day names it."""
        return (self.listed or self).covers(day)


@dataclass(frozen=True)
class Ecu:
    """One ECU, its inverters, and the days on which it recorded nothing. With `meter` it is a meter too.

    An `eid` MAIN-VIRTUAL is the share of one home of an ECU that serves several: details list it
    like that, requests name it by VIRTUAL alone. With `is_bare` the other lists name it by VIRTUAL as well.

    `type` as the inventory tells it; None is 1 with a meter and 0 without. One with storage (type 2) may have
    no inverters; `model` and `capacity_kwh` are of the storage.
    """

    eid: str
    inverters: tuple[Inverter, ...]
    meter: bool = False
    offline: tuple[Span, ...] = ()
    type: int | None = None
    model: str = ""
    capacity_kwh: str = ""
    is_bare: bool = False

    @property
    def listed_id(self) -> str:
        """The id that lists of inverters and meters name it by."""
        return self.request_id if self.is_bare else self.eid

    @property
    def request_id(self) -> str:
        """The id that requests name it by."""
        return self.eid.rpartition("-")[2]

    @cached_property
    def channels(self) -> tuple[tuple[str, int], ...]:
        """(uid, channel) of every channel it ever had: the rows of all its arrays."""
        return tuple((inv.uid, n + 1) for inv in self.inverters for n in range(inv.channels))

    def rows(self, uid: str) -> slice:
        """Find the rows of one inverter in the arrays of this ECU."""
        before = 0
        for inverter in self.inverters:
            if inverter.uid == uid:
                return slice(before, before + inverter.channels)
            before += inverter.channels
        raise KeyError(uid)


@dataclass(frozen=True, slots=True)
class CapacityChange:
    """From `since` on the details of a system tell this capacity in kW."""

    since: date
    capacity: str


@dataclass(frozen=True)
class System:
    """One system as the details tell it (manual 3.1); `lat`, `lon` in degrees north and east.

    `capacity` in kW, by default that of the panels that are mounted; `capacity_changes` replace it from
    their day on. `quirks` are names of `printing.QUIRKS`.
    """

    sid: str
    timezone: str
    lat: float
    lon: float
    create_date: date
    ecus: tuple[Ecu, ...]
    type: int = 1
    light: int = 1
    capacity: str = ""
    authorization_code: str = ""
    capacity_changes: tuple[CapacityChange, ...] = ()
    quirks: tuple[str, ...] = ()

    @property
    def meters(self) -> tuple[str, ...]:
        """The ids of its meter ECUs."""
        return tuple(ecu.listed_id for ecu in self.ecus if ecu.meter)

    def ecu(self, asked_id: str) -> Ecu | None:
        """Find the ECU that requests name by that id."""
        return next((ecu for ecu in self.ecus if ecu.request_id == asked_id), None)

    def inverter(self, uid: str) -> tuple[Ecu, Inverter] | None:
        """Find the inverter of that id, past ones included, with the ECU that it reports to."""
        return next(((ecu, inv) for ecu in self.ecus for inv in ecu.inverters if inv.uid == uid), None)

    def capacity_text(self, day: date) -> str:
        """Print the capacity in kW as the API does on that day."""
        changes = [change for change in self.capacity_changes if change.since <= day]
        if changes:
            return max(changes, key=lambda change: change.since).capacity
        mounted = (inv for ecu in self.ecus for inv in ecu.inverters if inv.covers(day))
        return self.capacity or f"{sum(inv.channels * inv.panel_kw for inv in mounted):.2f}"


@dataclass(frozen=True)
class Fleet:
    """All systems of one account. Raises FleetError when it contradicts itself."""

    systems: tuple[System, ...]
    _by_sid: dict[str, System] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        ids = [i for system in self.systems for i in _ids_of(system)]
        twice = {i for i in ids if ids.count(i) > 1}
        listed = [ecu.eid for system in self.systems for ecu in system.ecus]
        if twice or not all(_ID.fullmatch(i) for i in (*ids, *listed)):
            raise FleetError(f"ids must be unique letters, digits and inner hyphens: {sorted(twice) or ids}")
        self._by_sid.update({system.sid: system for system in self.systems})

    @property
    def system_ids(self) -> tuple[str, ...]:
        """The ids of its systems, in order."""
        return tuple(self._by_sid)

    def system(self, sid: str) -> System | None:
        """Find the system of that id."""
        return self._by_sid.get(sid)


def _ids_of(system: System) -> list[str]:
    """List every id of a system. Raises FleetError for anything else that is wrong with it."""
    zone(system.timezone)
    inverters = [inv for ecu in system.ecus for inv in ecu.inverters]
    for inverter in inverters:
        if not 1 <= inverter.channels <= 4:
            raise FleetError(f"inverter {inverter.uid}: 1 to 4 channels, not {inverter.channels}")
        if not all(1 <= fault.channel <= inverter.channels for fault in inverter.faults):
            raise FleetError(f"inverter {inverter.uid}: a fault of a channel that it has not")
        if not all(span.since < span.until for span in (inverter, inverter.listed or Span())):
            raise FleetError(f"inverter {inverter.uid}: it ends before it begins")
    if not all(ecu.inverters or ecu.type == STORAGE for ecu in system.ecus):
        raise FleetError(f"system {system.sid}: an ECU without inverters, and not one with storage")
    if abs(system.lat) > 90 or abs(system.lon) > 180:
        raise FleetError(f"system {system.sid}: no such place")
    if strange := set(system.quirks) - QUIRKS.keys():
        raise FleetError(f"system {system.sid}: quirks are {', '.join(QUIRKS)}, not {sorted(strange)}")
    return [system.sid, *(ecu.request_id for ecu in system.ecus), *(inv.uid for inv in inverters)]


def load_fleet(path: Path | str) -> Fleet:
    """Read the fleet of a JSON file: `{"systems": [{"sid": …, "ecus": [{"eid": …, "inverters": [{…}]}]}]}`.

    The fields are those of the classes here, dates as `yyyy-MM-dd`. Raises FleetError, and OSError.
    """
    try:
        raw = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise FleetError(f"{path}: {error}") from error
    fleet = _read_value(raw, Fleet, "fleet")
    assert isinstance(fleet, Fleet)  # noqa: S101 - for the type checker
    return fleet


def _read_value(raw: Any, kind: Any, where: str) -> object:
    """Read `raw` JSON as a value of that type; `where` names it in errors."""
    if get_origin(kind) is UnionType:
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
        return None if raw is None else _read_value(raw, kind, where)
    if get_origin(kind) is tuple and isinstance(raw, list):
        return tuple(_read_value(item, get_args(kind)[0], f"{where}[{n}]") for n, item in enumerate(raw))
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(raw, dict):
        return _read_record(raw, kind, where)
    if kind is date and isinstance(raw, str):
        try:
            return date.fromisoformat(raw)
        except ValueError as error:
            raise FleetError(f"{where}: {error}") from error
    if kind is float and type(raw) in (int, float):
        return float(raw)
    if type(raw) is kind:
        return raw
    raise FleetError(f"{where}: not a {getattr(kind, '__name__', 'list')}: {str(raw)[:60]!r}")


def _read_record(raw: dict[str, Any], kind: type, where: str) -> object:
    """Read a JSON object as one of the classes here; unknown and missing fields are errors."""
    known = {f.name: f for f in fields(kind) if f.init}
    needed = {n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if raw.keys() - known.keys() or needed - raw.keys():
        raise FleetError(
            f"{where}: unknown {sorted(raw.keys() - known)}, missing {sorted(needed - raw.keys())}"
        )
    hints = get_type_hints(kind)
    try:
        return kind(
            **{name: _read_value(value, hints[name], f"{where}.{name}") for name, value in raw.items()}
        )
    except FleetError:
        raise
    except ValueError as error:
        raise FleetError(f"{where}: {error}") from error
