"""What is held of which request, and which answer serves a table where two say the same."""

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

HeldByKey = Mapping[tuple[str, str, str], LedgerEntry]
"""What is held of one endpoint and level, by system_id, device_id and period key."""

HeldByPeriod = Mapping[str, Mapping[tuple[str, str], LedgerEntry]]
"""The same by period key, then by system_id and device_id."""

STAND_IN = "system_energy"
"""The endpoint whose answers may serve where `SERVED` is wanted: energy of a system and of its only ECU."""

SERVED = "ecu_energy"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the ledger holds of several endpoints and levels."""

    by_kind: Mapping[Kind, HeldByPeriod]

    @classmethod
    def of_kinds(cls, held: Mapping[Kind, HeldByKey]) -> Answers:
        """What the ledger gave, by endpoint and level."""
        return cls({kind: _by_period(each) for kind, each in held.items()})

    def of(self, request: Request) -> LedgerEntry:
        """What is held of a request."""
        held = self.by_kind.get(request.kind, {})
        return held.get(request.period.key, {}).get((request.system_id, request.device_id), NO_ENTRY)


def _by_period(held: HeldByKey) -> HeldByPeriod:
    found: dict[str, dict[tuple[str, str], LedgerEntry]] = {}
    for (system_id, device_id, key), each in held.items():
        found.setdefault(key, {})[system_id, device_id] = each
    return found


def kinds_of(table: Table, systems: Iterable[System]) -> list[Kind]:
    """The endpoints and levels whose answers a table may be made from, its own first."""
    endpoint, level = table.source.endpoint, table.source.level
    stands = endpoint == SERVED and level in ENDPOINTS[STAND_IN].levels and any(s.every_ecu for s in systems)
    return [(endpoint, level), *([(STAND_IN, level)] if stands else [])]


def system_request(request: Request, system: System) -> Request | None:
    """The request to the system that says the same as one to its only ECU; None where nothing shows so."""
    if request.endpoint != SERVED:
        return None
    if not system.answers_for(request.device_id, request.level, request.period):
        return None
    return of_system(request)


def substitute_request(request: Request, system: System) -> Request | None:
    """The request to the system to ask instead; None where nothing shows so, or the proof has expired."""
    if (request.device_id, request.level) in system.expired_equal:
        return None
    return system_request(request, system)


def of_system(request: Request) -> Request:
    """What asks the same of the whole system."""
    return Request(STAND_IN, request.level, request.system_id, "", request.period)


def serving_entry(request: Request, system: System, answers: Answers) -> tuple[Request, LedgerEntry]:
    """The request whose answer is best of those that serve, and what is held of it."""
    own = answers.of(request)
    other = system_request(request, system)
    if other is None:
        return request, own
    its = answers.of(other)
    return (request, own) if prefer(own, its, system) is own else (other, its)


def prefer(own: LedgerEntry, its: LedgerEntry, system: System) -> LedgerEntry:
    """Which of two answers serves: that with data, then that of a later local day, then the device's own."""
    return max(own, its, key=lambda held: _rank(held, system))


def _rank(held: LedgerEntry, system: System) -> tuple[bool, date]:
    day = local_day(held.good_utc, system.zone) if held.good_utc else date.min
    return bool(held.answered), day


def requests_with_entry(
    table: Table, period: Period, systems: Mapping[str, System], answers: Answers
) -> Iterator[tuple[System, str, Request, LedgerEntry]]:
    """Every request of a partition with a good answer, in the order of its rows.

    Told are the system, the device that the rows are of, the request that serves, and what is held of it.
    """
    endpoint, level = table.source.endpoint, table.source.level
    keys = set(answers.by_kind.get((endpoint, level), {}).get(period.key, ()))
    if endpoint == SERVED:
        sole = ((each, each.sole_ecu(period)) for each in systems.values() if each.equal)
        keys |= {(each.system_id, ecu) for each, ecu in sole if (ecu, level) in each.equal}
    for system_id, device_id in sorted(keys):
        if (system := systems.get(system_id)) is not None:
            request = Request(endpoint, level, system_id, device_id, period)
            serves, held = serving_entry(request, system, answers)
            if held.good:
                yield system, device_id, serves, held
