"""The fleet as the ledger knows it: systems with their calendar and devices, read from inventory answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aps_pipeline.ingest.first_days import with_first_days
from aps_pipeline.ingest.kept_bodies import BodyLostError, body_of
from aps_pipeline.ledger import CallState, Ledger
from aps_pipeline.parse import INVENTORY_PARSERS, RefusedError, SystemRecord, opened
from aps_pipeline.periods import FIRST_DAY, local_day
from aps_pipeline.planning.systems import Device, System
from aps_pipeline.question import Question


@dataclass(frozen=True, slots=True)
class Sighting:
    """One good inventory answer, taken apart; `record` is None for 'no data'."""

    call_id: int
    system_id: str
    sent_utc: datetime
    record: Any


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every system that ever answered, by id, and the sightings it was read from, by endpoint."""

    systems: dict[str, System]
    sightings: dict[str, list[Sighting]]
    lost: tuple[int, ...] = ()
    """Calls whose answers are missing here, for their bodies are gone or garbled."""

    @classmethod
    def load(cls, ledger: Ledger) -> Fleet:
        """Read the fleet from the kept inventory answers; those that no parser takes are passed over."""
        lost: list[int] = []
        sightings = {endpoint: list(_sightings(ledger, endpoint, lost)) for endpoint in INVENTORY_PARSERS}
        newest = {seen.system_id: seen for seen in sightings["system_details"] if seen.record}
        systems = {sid: _system(seen.record, sightings) for sid, seen in sorted(newest.items())}
        return cls(with_first_days(ledger, systems.values()), sightings, tuple(lost))

    def dated(self, ledger: Ledger) -> Fleet:
        """The same fleet with the first days that answers which have come since tell."""
        return replace(self, systems=with_first_days(ledger, self.systems.values()))

    def first_day(self, system_ids: Iterable[str]) -> date:
        """The first day on which one of those systems can have given anything."""
        systems = map(self.systems.get, system_ids)
        return min((system and system.first_day) or FIRST_DAY for system in systems)

    def newest(self, question: Question) -> Sighting | None:
        """The newest good answer to an inventory question."""
        mine = [seen for seen in self.sightings[question.endpoint] if seen.system_id == question.system_id]
        return mine[-1] if mine else None


def _sightings(ledger: Ledger, endpoint: str, lost: list[int]) -> Iterable[Sighting]:
    good = ledger.good_calls(endpoint)
    bodies = ledger.bodies(call_id for call_id, *_ in good)
    for call_id, question, state, sent_utc in good:
        record = None
        if state is CallState.ANSWERED:
            try:
                body = body_of(bodies, call_id)
                record = INVENTORY_PARSERS[endpoint](opened(body), question.system_id)
            except BodyLostError:
                lost.append(call_id)
                continue
            except RefusedError:
                continue
        yield Sighting(call_id, question.system_id, sent_utc, record)


def _system(details: SystemRecord, sightings: dict[str, list[Sighting]]) -> System:
    mine = {e: [s for s in all_ if s.system_id == details.system_id] for e, all_ in sightings.items()}
    ecus, inverters, meters = mine["system_inverters"], mine["system_inverters"], mine["system_meters"]
    zone = details.zone
    named = _devices(mine["system_details"], lambda record: record.ecu_ids, zone)
    listed = _devices(ecus, lambda record: (ecu.ecu_id for ecu in record), zone)
    return System(
        details.system_id,
        zone,
        details.create_date,
        ecus=_devices(ecus, lambda record: (ecu.ecu_id for ecu in record if ecu.inverters), zone),
        inverters=_devices(
            inverters, lambda record: (i.inverter_id for e in record for i in e.inverters), zone
        ),
        meters=_devices(meters, lambda record: (meter.device_id for meter in record), zone),
        every_ecu=_united(*named, *listed),
    )


def _united(*devices: Device) -> tuple[Device, ...]:
    """Each device once, there whenever one of its lists has it there."""
    found: dict[str, Device] = {}
    for each in devices:
        other = found.get(each.device_id, each)
        firsts, lasts = (each.first_day, other.first_day), (each.last_day, other.last_day)
        found[each.device_id] = Device(
            each.device_id,
            first_day=None if None in firsts else min(day for day in firsts if day),
            last_day=None if None in lasts else max(day for day in lasts if day),
        )
    return tuple(found[device_id] for device_id in sorted(found))


def _devices(sightings: list[Sighting], ids_of: Any, zone: ZoneInfo) -> tuple[Device, ...]:
    """The devices that answers named. A 'no data' names nothing, and so removes nothing."""
    told = [seen for seen in sightings if seen.record is not None]
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for position, seen in enumerate(told):
        for device_id in ids_of(seen.record):
            first.setdefault(device_id, position)
            last[device_id] = position
    return tuple(
        Device(
            device_id,
            first_day=local_day(told[first[device_id] - 1].sent_utc, zone) if first[device_id] else None,
            last_day=local_day(told[at].sent_utc, zone) if at < len(told) - 1 else None,
        )
        for device_id, at in sorted(last.items())
    )
