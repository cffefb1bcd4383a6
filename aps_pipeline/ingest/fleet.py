"""The fleet as the ledger knows it: systems with their calendar and devices, and the inventory tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from aps_pipeline.ledger import CallState, Ledger
from aps_pipeline.parse import INVENTORY_PARSERS, EcuRecord, RefusedError, SystemRecord, opened
from aps_pipeline.periods import local_day
from aps_pipeline.question import Question
from aps_pipeline.tables import Table, from_columns


@dataclass(frozen=True, slots=True)
class Sighting:
    """One good inventory answer, taken apart; `record` is None for 'no data'."""

    call_id: int
    system_id: str
    sent_utc: datetime
    record: Any


@dataclass(frozen=True, slots=True)
class Device:
    """An ECU, meter or inverter and, if it is no longer named, the last local day on which it was."""

    device_id: str
    last_day: date | None


@dataclass(frozen=True, slots=True)
class System:
    """A system with what is needed to ask about it. `ecus` are those that have had inverters."""

    system_id: str
    zone: ZoneInfo
    create_date: date | None
    ecus: tuple[Device, ...] = ()
    inverters: tuple[Device, ...] = ()
    meters: tuple[Device, ...] = ()

    def devices(self, kind: str) -> tuple[Device, ...]:
        """The devices of a kind; the system itself at system level."""
        if kind == "system":
            return (Device("", None),)
        return {"ecu": self.ecus, "inverter": self.inverters, "meter": self.meters}[kind]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every system that ever answered, by id, and the sightings it was read from, by endpoint."""

    systems: dict[str, System]
    sightings: dict[str, list[Sighting]]

    @classmethod
    def load(cls, ledger: Ledger) -> Fleet:
        """Read the fleet from the kept inventory answers; those that no parser takes are passed over."""
        sightings = {endpoint: list(_sightings(ledger, endpoint)) for endpoint in INVENTORY_PARSERS}
        newest = {seen.system_id: seen for seen in sightings["system_details"] if seen.record}
        return cls({sid: _system(seen.record, sightings) for sid, seen in sorted(newest.items())}, sightings)

    def newest(self, question: Question) -> Sighting | None:
        """The newest good answer to an inventory question."""
        mine = [seen for seen in self.sightings[question.endpoint] if seen.system_id == question.system_id]
        return mine[-1] if mine else None

    def rows(self, table: Table) -> pa.Table:
        """The rows of an inventory table: each thing once, as last named, with first and last sighting."""
        named: dict[tuple[str, ...], dict[str, Any]] = {}
        for seen in _in_order(self.sightings, table.name):
            for row in _NAMED[table.name](seen):
                key = tuple(row[name] for name in table.keys)
                first = named.get(key, {}).get("first_seen_utc", seen.sent_utc)
                times = {"first_seen_utc": first, "last_seen_utc": seen.sent_utc, "call_id": seen.call_id}
                known = {k: v for k, v in named.get(key, {}).items() if row.get("bare")}
                named[key] = row | known | times
        found = [named[key] for key in sorted(named)]
        return from_columns(table, {name: [row.get(name) for row in found] for name in table.schema.names})

    def inputs(self, table: Table) -> list[int]:
        """The calls behind an inventory table."""
        return [seen.call_id for seen in _in_order(self.sightings, table.name)]


def _sightings(ledger: Ledger, endpoint: str) -> Iterable[Sighting]:
    good = ledger.good_calls(endpoint)
    bodies = ledger.bodies(call_id for call_id, *_ in good)
    for call_id, question, state, sent_utc in good:
        record = None
        if state is CallState.ANSWERED:
            try:
                record = INVENTORY_PARSERS[endpoint](opened(bodies[call_id]), question.system_id)
            except RefusedError:
                continue
        yield Sighting(call_id, question.system_id, sent_utc, record)


def _system(details: SystemRecord, sightings: dict[str, list[Sighting]]) -> System:
    mine = {e: [s for s in all_ if s.system_id == details.system_id] for e, all_ in sightings.items()}
    ecus, inverters, meters = mine["system_inverters"], mine["system_inverters"], mine["system_meters"]
    zone = details.zone
    return System(
        details.system_id,
        zone,
        details.create_date,
        ecus=_devices(ecus, lambda record: (ecu.ecu_id for ecu in record if ecu.inverters), zone),
        inverters=_devices(
            inverters, lambda record: (i.inverter_id for e in record for i in e.inverters), zone
        ),
        meters=_devices(meters, lambda record: record, zone),
    )


def _devices(sightings: list[Sighting], ids_of: Any, zone: ZoneInfo) -> tuple[Device, ...]:
    last: dict[str, Sighting] = {}
    for seen in sightings:
        last.update(dict.fromkeys(ids_of(seen.record or ()), seen))
    # A 'no data' names nothing, and so removes nothing.
    newest = next((seen for seen in reversed(sightings) if seen.record is not None), None)
    return tuple(
        Device(device_id, None if seen is newest else local_day(seen.sent_utc, zone))
        for device_id, seen in sorted(last.items())
    )


def _in_order(sightings: dict[str, list[Sighting]], table: str) -> list[Sighting]:
    endpoints = {"systems": ["system_details"], "ecus": ["system_details", "system_inverters"]}
    wanted = endpoints.get(table, ["system_inverters" if table == "inverters" else "system_meters"])
    found = [seen for endpoint in wanted for seen in sightings[endpoint] if seen.record is not None]
    return sorted(found, key=lambda seen: seen.call_id)


def _systems(seen: Sighting) -> list[dict[str, Any]]:
    names = ("system_id", "capacity_kw", "timezone", "type", "create_date", "light")
    return [{name: getattr(seen.record, name) for name in names}]


def _ecus(seen: Sighting) -> list[dict[str, Any]]:
    if isinstance(seen.record, SystemRecord):  # details name the ids only
        return [{"system_id": seen.system_id, "ecu_id": ecu, "bare": True} for ecu in seen.record.ecu_ids]
    names = ("ecu_id", "type", "timezone", "model", "capacity_kwh")
    return [
        {"system_id": seen.system_id} | {name: getattr(ecu, name) for name in names} for ecu in seen.record
    ]


def _inverters(seen: Sighting) -> list[dict[str, Any]]:
    ecus: tuple[EcuRecord, ...] = seen.record
    return [
        {"system_id": seen.system_id, "ecu_id": ecu.ecu_id, "inverter_id": i.inverter_id, "type": i.type}
        for ecu in ecus
        for i in ecu.inverters
    ]


def _meters(seen: Sighting) -> list[dict[str, Any]]:
    return [{"system_id": seen.system_id, "meter_id": meter} for meter in seen.record]


_NAMED = {"systems": _systems, "ecus": _ecus, "inverters": _inverters, "meters": _meters}
