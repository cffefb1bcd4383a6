"""The systems and devices that kept inventory answers name, and since when a system gave energy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aps_pipeline.ingest.sightings import Sighting, Sightings, read_sightings
from aps_pipeline.ledger import Ledger
from aps_pipeline.parse import ParseContext, RefusedError, SystemRecord, list_energies, open_body
from aps_pipeline.periods import FIRST_DAY, LIFETIME, Grain, Period, local_day
from aps_pipeline.planning.systems import Device, System
from aps_pipeline.request import Request
from aps_pipeline.tables import Table, get_table

_YEARLY, _MONTHLY, _DAILY = (get_table(f"system_{level}_energy") for level in ("yearly", "monthly", "daily"))


def with_first_days(ledger: Ledger, systems: Iterable[System]) -> dict[str, System]:
    """Return the systems with the day since which kept answers show energy. Raises LedgerError.

    Looked at are the newest list of years, and of months and days only those in which the border lies: at
    most three bodies a system.
    """
    found = {system.system_id: replace(system, data_since=None) for system in systems}
    since = {sid: system.create_date for sid, system in found.items() if system.create_date is not None}
    since = _earlier(ledger, _YEARLY, found, since, lambda _: LIFETIME)
    since = _earlier(ledger, _MONTHLY, found, since, lambda day: Period.containing(Grain.YEAR, day))
    since = _earlier(ledger, _DAILY, found, since, lambda day: Period.containing(Grain.MONTH, day))
    for sid, day in since.items():
        if day != found[sid].create_date:
            found[sid] = replace(found[sid], data_since=day)
    return found


def _earlier(
    ledger: Ledger,
    table: Table,
    systems: Mapping[str, System],
    since: Mapping[str, date],
    asked_for: Callable[[date], Period],
) -> dict[str, date]:
    """Find the first days in the answers of one level; `asked_for` is the period that holds a day."""
    by_period: dict[Period, list[str]] = {}
    for sid, day in since.items():
        by_period.setdefault(asked_for(day), []).append(sid)
    answers = [
        (sid, period, call_id, sent_utc)
        for period, mine in by_period.items()
        for sid, (call_id, sent_utc) in ledger.find_newest_answers(*table.source.kind, period, mine).items()
    ]
    bodies = ledger.read_bodies(call_id for _, _, call_id, _ in answers)
    found = dict(since)
    for sid, period, call_id, sent_utc in answers:
        if call_id in bodies:
            asked = _context_of(systems[sid], period, call_id, sent_utc)
            first = _first_energy(table, bodies[call_id], asked)
            found[sid] = _first_day(found[sid], first, systems[sid].create_date)
    return found


def _first_day(known: date, first: Period | None, created: date | None) -> date:
    """Find the first day after one more answer: what it shows is earlier than registration, or more exact."""
    if first is None or created is None:
        return known
    if known < created:
        return max(known, first.first)
    return first.first if first.last < created else known


def _first_energy(table: Table, body: str, asked: ParseContext) -> Period | None:
    """Find the first year, month or day with energy in an answer; None if there is none or no sense in it."""
    try:
        slots, energies = list_energies(table, open_body(body), asked)
    except RefusedError:  # which is said where its table is built
        return None
    grain = {"year": Grain.YEAR, "month": Grain.MONTH, "date": Grain.DAY}[table.keys[-1]]
    for slot, energy in zip(slots, energies, strict=True):
        if energy:
            return Period.containing(grain, slot.last_day)
    return None


def _context_of(system: System, period: Period, call_id: int, sent: datetime) -> ParseContext:
    return ParseContext(
        call_id=call_id,
        system_id=system.system_id,
        device_id="",
        period=period,
        sent_utc=sent,
        zone=system.zone,
        create_date=system.create_date,
        revision_window=timedelta(0),
    )


@dataclass(frozen=True, slots=True)
class KnownFleet:
    """Every system that ever answered, by id, and the sightings it was read from."""

    systems: dict[str, System]
    sightings: Sightings
    lost: tuple[int, ...] = ()
    """Calls whose answers are missing here, for their bodies are gone or garbled."""

    @classmethod
    def load(cls, ledger: Ledger) -> KnownFleet:
        """Read the fleet from what inventory answers say. Raises LedgerError."""
        lost: list[int] = []
        fleet = cls.from_sightings(read_sightings(ledger, lost), lost)
        return fleet.with_first_days(ledger)

    @classmethod
    def from_sightings(cls, sightings: Sightings, lost: Iterable[int] = ()) -> KnownFleet:
        """Put together what inventory answers say, without first days."""
        told = ((sid, _told(seen)) for (e, sid), seen in sightings.items() if e == "system_details")
        systems = {sid: _system(seen[-1].record, sightings) for sid, seen in sorted(told) if seen}
        return cls(systems, sightings, tuple(lost))

    def with_first_days(self, ledger: Ledger) -> KnownFleet:
        """Return the same fleet with the first days that newer answers tell."""
        return replace(self, systems=with_first_days(ledger, self.systems.values()))

    def first_day(self, system_ids: Iterable[str]) -> date:
        """Find the first day on which one of those systems can have given anything."""
        systems = map(self.systems.get, system_ids)
        return min((system and system.first_day) or FIRST_DAY for system in systems)

    def newest(self, request: Request) -> Sighting | None:
        """Find the newest good answer to an inventory request."""
        mine = self.sightings.get((request.endpoint, request.system_id))
        return mine[-1] if mine else None


def _told(sightings: Iterable[Sighting]) -> list[Sighting]:
    return [seen for seen in sightings if seen.record is not None]


def _system(details: SystemRecord, sightings: Sightings) -> System:
    named_by, listed_by, meters = (
        _told(sightings.get((f"system_{what}", details.system_id), ()))
        for what in ("details", "inverters", "meters")
    )
    zone = details.zone
    named = _devices(named_by, lambda record: record.ecu_ids, zone)
    listed = _devices(listed_by, lambda record: (ecu.ecu_id for ecu in record), zone)
    return System(
        details.system_id,
        zone,
        details.create_date,
        ecus=_devices(listed_by, lambda record: (ecu.ecu_id for ecu in record if ecu.inverters), zone),
        inverters=_devices(
            listed_by, lambda record: (i.inverter_id for e in record for i in e.inverters), zone
        ),
        meters=_devices(meters, lambda record: (meter.device_id for meter in record), zone),
        every_ecu=_merge_devices(*named, *listed),
    )


def _merge_devices(*devices: Device) -> tuple[Device, ...]:
    """Yield each device once, there whenever one of its lists has it there."""
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


def _devices(told: list[Sighting], ids_of: Any, zone: ZoneInfo) -> tuple[Device, ...]:
    """List the devices that answers named. A 'no data' names nothing, and so removes nothing."""
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
