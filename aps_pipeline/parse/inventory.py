"""Details, inverters and meters of a system: manual 3.1.

What an answer names twice is there once, as it was named first: `drift.repeated_ids` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from aps_pipeline.parse.asked import RefusedError
from aps_pipeline.parse.values import (
    ListedId,
    a_list,
    a_listed_id,
    an_id,
    an_object,
    day,
    number,
    text,
    whole_number,
)
from aps_pipeline.periods import UnknownZoneError, zone


@dataclass(frozen=True, slots=True)
class SystemRecord:
    """A system as `details` gives it; capacity in kW."""

    system_id: str
    capacity_kw: float | None
    timezone: str
    type: int | None
    create_date: date | None
    light: int | None
    ecus: tuple[ListedId, ...]

    @property
    def ecu_ids(self) -> tuple[str, ...]:
        """The ids that its ECUs are asked by."""
        return tuple(ecu.device_id for ecu in self.ecus)

    @property
    def zone(self) -> ZoneInfo:
        """Its calendar."""
        return zone(self.timezone)


@dataclass(frozen=True, slots=True)
class InverterRecord:
    """An inverter below its ECU; `type` is the model family."""

    inverter_id: str
    type: str | None


@dataclass(frozen=True, slots=True)
class EcuRecord:
    """An ECU with its inverters; `capacity_kwh` is that of a storage ECU, `listed_as` as in ListedId."""

    ecu_id: str
    listed_as: str | None
    type: int | None
    timezone: str | None
    model: str | None
    capacity_kwh: float | None
    inverters: tuple[InverterRecord, ...]


def system_details(data: Any, system_id: str) -> SystemRecord:
    """The answer to 3.1.1. Raises RefusedError, also for a body of another system."""
    found = an_object(data, "data")
    if an_id(found.get("sid"), "sid") != system_id:
        raise RefusedError(f"the body is of another system than {system_id}")
    name = text(found.get("timezone"), "timezone")
    try:
        zone(name or "")
    except UnknownZoneError as error:
        raise RefusedError(str(error)) from None
    return SystemRecord(
        system_id=system_id,
        capacity_kw=number(found.get("capacity"), "capacity"),
        timezone=name or "",
        type=whole_number(found.get("type"), "type"),
        create_date=day(found.get("create_date"), "create_date"),
        light=whole_number(found.get("light"), "light"),
        ecus=_ids(found.get("ecu") or [], "ecu"),
    )


def system_inverters(data: Any, system_id: str) -> tuple[EcuRecord, ...]:
    """The answer to 3.1.2, by ECU. Raises RefusedError."""
    by_id: dict[str, EcuRecord] = {}
    for item in a_list(data, f"data of {system_id}"):
        ecu = _ecu(an_object(item, "an ECU"))
        before = by_id.get(ecu.ecu_id)
        by_id[ecu.ecu_id] = ecu if before is None else _united(before, ecu)
    return tuple(by_id.values())


def _united(ecu: EcuRecord, other: EcuRecord) -> EcuRecord:
    """One ECU that is listed twice, perhaps in both spellings."""
    inverters = _once((*ecu.inverters, *other.inverters))
    return replace(ecu, listed_as=ecu.listed_as or other.listed_as, inverters=inverters)


def system_meters(data: Any, system_id: str) -> tuple[ListedId, ...]:
    """The answer to 3.1.3: the meters. Raises RefusedError."""
    return _ids(data, f"data of {system_id}")


def _ecu(item: dict[str, Any]) -> EcuRecord:
    inverters = tuple(
        InverterRecord(an_id(each.get("uid"), "uid"), text(each.get("type"), "type"))
        for each in (an_object(i, "an inverter") for i in a_list(item.get("inverter") or [], "inverter"))
    )
    listed = a_listed_id(item.get("eid"), "eid")
    return EcuRecord(
        ecu_id=listed.device_id,
        listed_as=listed.listed_as,
        type=whole_number(item.get("type"), "type"),
        timezone=text(item.get("timezone"), "timezone"),
        model=text(item.get("model"), "model"),
        capacity_kwh=number(item.get("capacity"), "capacity"),
        inverters=_once(inverters),
    )


def _ids(data: Any, what: str) -> tuple[ListedId, ...]:
    found = [a_listed_id(item, what) for item in a_list(data, what)]
    plain_first = sorted(found, key=lambda each: each.listed_as is not None)
    by_id = {each.device_id: each for each in plain_first}  # of two spellings the joined one is kept
    return tuple(by_id[each] for each in dict.fromkeys(each.device_id for each in found))


def _once(inverters: Iterable[InverterRecord]) -> tuple[InverterRecord, ...]:
    found: dict[str, InverterRecord] = {}
    for each in inverters:
        found.setdefault(each.inverter_id, each)
    return tuple(found.values())
