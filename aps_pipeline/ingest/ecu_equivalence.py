"""Where a system and its only ECU say the same, so that one call serves both: shown, not assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyarrow as pa

from aps_pipeline.ingest.answer_rows import context_of_entry, readable_rows
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Period
from aps_pipeline.planning import (
    CLAIM_AGE,
    SERVED,
    SUBSTITUTE,
    Claim,
    ClaimKind,
    DuePolicy,
    EntriesByKey,
    Evidence,
    RequestSlot,
    System,
    due_reason,
    substitute_request,
    system_request,
)
from aps_pipeline.request import LedgerEntry, Request
from aps_pipeline.tables import FETCHED, Table

PAIRS_NEEDED = 3
"""Pairs of answers that must be equal, over all levels, before a level with at least one of them counts."""

_PAIRS_COMPARED = 6
"""Pairs of one level that are compared, the newest first."""

LEVELS, SERVED_TABLES = (
    {table.source.level: table for table in FETCHED if table.source.endpoint == endpoint}
    for endpoint in (SUBSTITUTE, SERVED)
)
"""The tables of a system's energy and of an ECU's, by level."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether two answers about a period are equal, their calls, and when the ECU was asked."""

    is_equal: bool
    call_ids: tuple[int, int]
    asked_utc: datetime


Verdicts = Mapping[tuple[str, str], Mapping[str, Sequence[Verdict]]]
"""By system, ECU and level, what pairs of answers show."""


def with_equivalence(
    fleet: KnownFleet, ledger: Ledger, revision_window: timedelta, now: datetime
) -> KnownFleet:
    """Return the fleet with what the ledger shows of systems and sole ECUs at `now`. Raises LedgerError."""
    return _with_verdicts(fleet, get_verdicts(fleet, ledger, revision_window), now)


def _with_verdicts(fleet: KnownFleet, verdicts: Verdicts, now: datetime) -> KnownFleet:
    equal: dict[str, set[tuple[str, str]]] = {}
    expired: dict[str, set[tuple[str, str]]] = {}
    for (system_id, ecu_id), each in verdicts.items():
        for level in equal_levels(each):
            equal.setdefault(system_id, set()).add((ecu_id, level))
            if now - max(verdict.asked_utc for verdict in each[level]) > CLAIM_AGE:
                expired.setdefault(system_id, set()).add((ecu_id, level))
    known = {
        sid: replace(
            fleet.systems[sid],
            equal=frozenset(equal.get(sid, ())),
            expired_equal=frozenset(expired.get(sid, ())),
        )
        for sid in {system_id for system_id, _ in verdicts}
    }
    return replace(fleet, systems=fleet.systems | known)


def equality_claims(verdicts: Verdicts) -> Iterator[Claim]:
    """List what is concluded about sole ECUs, with the pairs of calls that show it."""
    for (system_id, ecu_id), each in sorted(verdicts.items()):
        for level in sorted(equal_levels(each)):
            newest = max(verdict.asked_utc for verdict in each[level])
            yield Claim(
                ClaimKind.SOLE_ECU_EQUAL,
                system_id,
                SERVED,
                level,
                ecu_id,
                None,
                tuple(sorted({call for verdict in each[level] for call in verdict.call_ids})),
                newest,
                newest + CLAIM_AGE,
                f"{len(each[level])} pairs of answers give {ecu_id}, its only ECU, the energy of the system",
            )


def get_verdicts(
    fleet: KnownFleet, ledger: Ledger, revision_window: timedelta
) -> dict[tuple[str, str], dict[str, list[Verdict]]]:
    """Read what pairs of kept answers say of each ECU while it was alone. Raises LedgerError."""
    found: dict[tuple[str, str], dict[str, list[Verdict]]] = {}
    for level in LEVELS:
        if not (part := ledger.entries(SERVED, level)):
            continue
        for pair in _pairs(fleet, level, ledger.entries(SUBSTITUTE, level), part):
            found.setdefault((pair.system.system_id, pair.ecu_id), {})[level] = list(
                _verdicts(ledger, pair, level, revision_window)
            )
    return found


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Of one ECU and level: what is held of the system and of the ECU by period, the newest first."""

    system: System
    ecu_id: str
    by_period: list[tuple[Period, LedgerEntry, LedgerEntry]]


def _pairs(fleet: KnownFleet, level: str, whole: EntriesByKey, part: EntriesByKey) -> Iterator[_Pairs]:
    grain = LEVELS[level].partition_grain
    found: dict[tuple[str, str], list[tuple[Period, LedgerEntry, LedgerEntry]]] = {}
    for (system_id, ecu_id, key), mine in part.items():
        system, its = fleet.systems.get(system_id), whole.get((system_id, "", key))
        if system is not None and its is not None and its.answered and mine.answered:
            period = Period.parse(grain, key)
            if system.sole_ecu(period) == ecu_id:
                found.setdefault((system_id, ecu_id), []).append((period, its, mine))
    for (system_id, ecu_id), by_period in found.items():
        newest = sorted(by_period, key=lambda pair: pair[0], reverse=True)
        yield _Pairs(fleet.systems[system_id], ecu_id, newest[:_PAIRS_COMPARED])


def equal_levels(verdicts: Mapping[str, Sequence[Verdict]]) -> frozenset[str]:
    """List the levels whose equality is shown: one pair that differs, at any level, shows none."""
    pairs = [each for level in verdicts.values() for each in level]
    if len(pairs) < PAIRS_NEEDED or not all(pair.is_equal for pair in pairs):
        return frozenset()
    return frozenset(level for level, each in verdicts.items() if each)


class EquivalenceProbe:
    """Which pairs of requests would show that a system and its only ECU say the same."""

    def __init__(self, fleet: KnownFleet, ledger: Ledger, evidence: Evidence, policy: DuePolicy) -> None:
        self.fleet = fleet
        self._ledger, self._evidence, self._policy = ledger, evidence, policy
        self._verdicts: Verdicts = {}
        self._tried: Counter[tuple[str, str, str]] = Counter()

    def next_pairs(self, askable: Iterable[Request]) -> list[Request]:
        """Find, for each system and level, the newest pair whose ECU request is due anyway."""
        waiting = dict.fromkeys(askable)  # in their order
        found: dict[tuple[str, str, str], tuple[Request, Request]] = {}
        candidates = list(self._find_served(waiting))
        if candidates and not self._verdicts:
            self._look()
        for ecu, system in candidates:
            kind = (ecu.system_id, ecu.device_id, ecu.level)
            is_newer = kind not in found or ecu.period.first > found[kind][0].period.first
            if is_newer and self._is_final(ecu) and self._is_worth_a_pair(*kind):
                found[kind] = (ecu, system)
        self._tried.update(found.keys())
        return [request for pair in found.values() for request in pair if request in waiting]

    def read_pairs(self) -> None:
        """Read what the pairs have shown. Raises LedgerError."""
        self._look()
        self.fleet = _with_verdicts(self.fleet, self._verdicts, self._policy.now)

    def find_served(self, waiting: Collection[Request]) -> list[tuple[Request, Request]]:
        """Map requests to ECUs that need no call to the requests to the system that serve them."""
        systems = self.fleet.systems
        return [
            pair
            for pair in self._find_served(waiting)
            if substitute_request(pair[0], systems[pair[0].system_id])
        ]

    def _find_served(self, waiting: Collection[Request]) -> Iterator[tuple[Request, Request]]:
        """Pairs whose system half is to be asked as well, or held and fresh."""
        for ecu in waiting:
            system = self.fleet.systems[ecu.system_id]
            is_served = ecu.endpoint == SERVED and ecu.level in LEVELS
            if is_served and system.sole_ecu(ecu.period) == ecu.device_id:
                whole = system_request(ecu)
                entry = self._evidence.answers.entry_of(whole)
                slot = RequestSlot(LEVELS[ecu.level], whole, system, entry)
                if whole in waiting or (
                    entry.good and due_reason(slot, self._evidence, self._policy) is None
                ):
                    yield ecu, whole

    def _look(self) -> None:
        self._verdicts = get_verdicts(self.fleet, self._ledger, self._policy.revision_window)

    def _is_final(self, request: Request) -> bool:
        end = request.period.end_utc(self.fleet.systems[request.system_id].zone)
        return end is None or end + self._policy.revision_window <= self._policy.now

    def _is_worth_a_pair(self, system_id: str, ecu_id: str, level: str) -> bool:
        verdicts = self._verdicts.get((system_id, ecu_id), {})
        pairs = [each for found in verdicts.values() for each in found]
        newest = max((each.asked_utc for each in verdicts.get(level, ())), default=None)
        is_expired = newest is not None and self._policy.now - newest > CLAIM_AGE
        is_shown = level in equal_levels(verdicts) and not is_expired
        is_equal = all(each.is_equal for each in pairs)
        return is_equal and not is_shown and self._tried[system_id, ecu_id, level] < _PAIRS_COMPARED


def _verdicts(ledger: Ledger, pairs: _Pairs, level: str, revision_window: timedelta) -> Iterator[Verdict]:
    """Tell whether the two answers about a period are equal, for whole periods with some energy."""
    for period, its, mine in pairs.by_period:
        first = _energies(ledger, LEVELS[level], pairs.system, "", period, its, revision_window)
        second = _energies(
            ledger, SERVED_TABLES[level], pairs.system, pairs.ecu_id, period, mine, revision_window
        )
        if first is None or second is None or not _has_energy(first):
            continue
        if its.answered is not None and mine.answered is not None and mine.answered_utc is not None:
            yield Verdict(first.equals(second), (its.answered, mine.answered), mine.answered_utc)


def _energies(
    ledger: Ledger,
    table: Table,
    system: System,
    device: str,
    period: Period,
    entry: LedgerEntry,
    revision_window: timedelta,
) -> pa.Table | None:
    """Find when and how much, as one answer has it, of what is final; None if it is not to be read."""
    request = Request(*table.source.kind, system.system_id, device, period)
    asked = context_of_entry(request, system, entry, revision_window)
    if period.key and not asked.is_final(period.last):
        return None
    rows = readable_rows(table, ledger.read_bodies([asked.call_id]).get(asked.call_id), asked)
    if rows is None:
        return None
    if not period.key:  # of all years, those that are over
        rows = rows.filter(rows["is_final"])
    names = [name for name in LEVELS[table.source.level].keys if name != "system_id"]
    return rows.select([*names, "energy_kwh"]).replace_schema_metadata(None)


def _has_energy(rows: pa.Table) -> bool:
    return any(rows["energy_kwh"].to_pylist())
