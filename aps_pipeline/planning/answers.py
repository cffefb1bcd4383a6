"""Which answers the ledger holds, and which one serves a table where two say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import Period, local_day
from aps_pipeline.planning.systems import System
from aps_pipeline.request import NO_ENTRY, LedgerEntry, Request
from aps_pipeline.tables import Table

Kind = tuple[str, str]
"""Endpoint and level."""

EntriesByKey = Mapping[tuple[str, str, str], LedgerEntry]
"""What is held of one endpoint and level, by system_id, device_id and period key."""

EntriesByPeriod = Mapping[str, Mapping[tuple[str, str], LedgerEntry]]
"""The same by period key, then by system_id and device_id."""

SUBSTITUTE = "system_energy"
"""The endpoint whose answers may serve where `SERVED` is wanted: energy of a system and of its only ECU."""

SERVED = "ecu_energy"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the ledger holds of several endpoints and levels."""

    by_kind: Mapping[Kind, EntriesByPeriod]

    @classmethod
    def from_entries(cls, entries: Mapping[Kind, EntriesByKey]) -> Answers:
        """Group the entries of each endpoint and level by period."""
        by_kind: dict[Kind, EntriesByPeriod] = {}
        for kind, by_key in entries.items():
            by_period: dict[str, dict[tuple[str, str], LedgerEntry]] = {}
            for (system_id, device_id, key), entry in by_key.items():
                by_period.setdefault(key, {})[system_id, device_id] = entry
            by_kind[kind] = by_period
        return cls(by_kind)

    def entry_of(self, request: Request) -> LedgerEntry:
        """Get what is held of a request."""
        by_period = self.by_kind.get(request.kind, {})
        return by_period.get(request.period.key, {}).get((request.system_id, request.device_id), NO_ENTRY)


def kinds_of(table: Table, systems: Iterable[System]) -> list[Kind]:
    """List the endpoints and levels whose answers a table may be made from, its own first."""
    endpoint, level = table.source.endpoint, table.source.level
    stands = (
        endpoint == SERVED and level in ENDPOINTS[SUBSTITUTE].levels and any(s.every_ecu for s in systems)
    )
    return [(endpoint, level), *([(SUBSTITUTE, level)] if stands else [])]


def equal_request(request: Request, system: System) -> Request | None:
    """Find the request to the system that says the same as one to its only ECU; None if nothing shows so."""
    if request.endpoint == SERVED and system.answers_for(request.device_id, request.level, request.period):
        return system_request(request)
    return None


def substitute_request(request: Request, system: System) -> Request | None:
    """Find the request to the system to make instead; None if nothing shows so, or the proof has expired."""
    if (request.device_id, request.level) in system.expired_equal:
        return None
    return equal_request(request, system)


def system_request(request: Request) -> Request:
    """Build the request that asks the same of the whole system."""
    return Request(SUBSTITUTE, request.level, request.system_id, "", request.period)


def serving_entry(request: Request, system: System, answers: Answers) -> tuple[Request, LedgerEntry]:
    """Find the request whose answer is the best of those that serve, and what is held of it."""
    own, other = answers.entry_of(request), equal_request(request, system)
    if other is None or prefer(own, entry := answers.entry_of(other), system) is own:
        return request, own
    return other, entry


def prefer(own: LedgerEntry, other: LedgerEntry, system: System) -> LedgerEntry:
    """Choose the answer that serves: one with data, then one of a later local day, then the device's own."""

    def rank(entry: LedgerEntry) -> tuple[bool, date]:
        day = local_day(entry.good_utc, system.zone) if entry.good_utc else date.min
        return entry.answered is not None, day

    return max(own, other, key=rank)


def requests_with_entry(
    table: Table, period: Period, systems: Mapping[str, System], answers: Answers
) -> Iterator[tuple[System, str, Request, LedgerEntry]]:
    """Find every request of a partition with a good answer, in the order of its rows.

    Yields the system, the device that the rows are of, the request that serves, and what is held of it.
    """
    endpoint, level = table.source.endpoint, table.source.level
    keys = set(answers.by_kind.get((endpoint, level), {}).get(period.key, ()))
    if endpoint == SERVED:
        sole = ((each, each.sole_ecu(period)) for each in systems.values() if each.equal)
        keys |= {(each.system_id, ecu) for each, ecu in sole if (ecu, level) in each.equal}
    for system_id, device_id in sorted(keys):
        if (system := systems.get(system_id)) is not None:
            request = Request(endpoint, level, system_id, device_id, period)
            serves, entry = serving_entry(request, system, answers)
            if entry.good is not None:
                yield system, device_id, serves, entry
