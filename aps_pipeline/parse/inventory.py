"""Systems, ECUs, inverters and meters: manual 3.1."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from aps_pipeline.parse.values import (
    ListedId,
    RefusedError,
    read_day,
    read_id,
    read_list,
    read_listed_id,
    read_number,
    read_object,
    read_text,
    read_whole_number,
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
        """The ids that its ECUs are context by."""
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
    """Read the answer to 3.1.1. Raises RefusedError, also for a body of another system."""
    found = read_object(data, "data")
    if read_id(found.get("sid"), "sid") != system_id:
        raise RefusedError(f"the body is of another system than {system_id}")
    name = read_text(found.get("timezone"), "timezone")
    try:
        zone(name or "")
    except UnknownZoneError as error:
        raise RefusedError(str(error)) from None
    return SystemRecord(
        system_id=system_id,
        capacity_kw=read_number(found.get("capacity"), "capacity"),
        timezone=name or "",
        type=read_whole_number(found.get("type"), "type"),
        create_date=read_day(found.get("create_date"), "create_date"),
        light=read_whole_number(found.get("light"), "light"),
        ecus=_ids(found.get("ecu") or [], "ecu"),
    )


def system_inverters(data: Any, system_id: str) -> tuple[EcuRecord, ...]:
    """Read the answer to 3.1.2, by ECU. Raises RefusedError."""
    by_id: dict[str, EcuRecord] = {}
    for item in read_list(data, f"data of {system_id}"):
        ecu = _ecu(read_object(item, "an ECU"))
        if (before := by_id.get(ecu.ecu_id)) is not None:  # listed twice, perhaps in both spellings
            inverters = _once((*before.inverters, *ecu.inverters))
            ecu = replace(before, listed_as=before.listed_as or ecu.listed_as, inverters=inverters)
        by_id[ecu.ecu_id] = ecu
    return tuple(by_id.values())


def system_meters(data: Any, system_id: str) -> tuple[ListedId, ...]:
    """Read the answer to 3.1.3: the meters. Raises RefusedError."""
    return _ids(data, f"data of {system_id}")


def _ecu(item: dict[str, Any]) -> EcuRecord:
    inverters = tuple(
        InverterRecord(read_id(each.get("uid"), "uid"), read_text(each.get("type"), "type"))
        for each in (read_object(i, "an inverter") for i in read_list(item.get("inverter") or [], "inverter"))
    )
    listed = read_listed_id(item.get("eid"), "eid")
    return EcuRecord(
        ecu_id=listed.device_id,
        listed_as=listed.listed_as,
        type=read_whole_number(item.get("type"), "type"),
        timezone=read_text(item.get("timezone"), "timezone"),
        model=read_text(item.get("model"), "model"),
        capacity_kwh=read_number(item.get("capacity"), "capacity"),
        inverters=_once(inverters),
    )


def _ids(data: Any, what: str) -> tuple[ListedId, ...]:
    found = [read_listed_id(item, what) for item in read_list(data, what)]
    plain_first = sorted(found, key=lambda each: each.listed_as is not None)
    by_id = {each.device_id: each for each in plain_first}  # of two spellings the joined one is kept
    return tuple(by_id[each] for each in dict.fromkeys(each.device_id for each in found))


def _once(inverters: Iterable[InverterRecord]) -> tuple[InverterRecord, ...]:
    found: dict[str, InverterRecord] = {}
    for each in inverters:
        found.setdefault(each.inverter_id, each)
    return tuple(found.values())


INVENTORY_PARSERS: dict[str, Callable[[Any, str], Any]] = {
    "system_details": system_details,
    "system_inverters": system_inverters,
    "system_meters": system_meters,
}
"""Endpoint to the function that makes its record of `data` and the system id."""
