"""Which questions a partition consists of, and which of them still have to be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from aps_pipeline.endpoints import ENDPOINTS, LEVEL_GRAIN
from aps_pipeline.periods import Grain, Period, local_day, periods_between
from aps_pipeline.planning.answers import Kind, serving, trusted_substitute
from aps_pipeline.planning.contradictions import uncured_series
from aps_pipeline.planning.evidence import DuePolicy, DueReason, due_reason
from aps_pipeline.planning.figures import Evidence, RequestSlot
from aps_pipeline.planning.known import Known, Rest, Spared
from aps_pipeline.planning.systems import Device, System
from aps_pipeline.question import Held, Question
from aps_pipeline.tables import Table


@dataclass(frozen=True, slots=True)
class Part:
    """One question of a partition and the system it is about."""

    question: Question
    system: System


@dataclass(frozen=True, slots=True)
class Needs:
    """A partition: all its questions, those still to be asked with what is held of them, and those left out.

    `spared` need not be asked, `resting` were asked in vain of late. Where a system answers for its only ECU,
    the question to be asked is the one to the system.
    """

    table: Table
    period: Period
    parts: tuple[Part, ...]
    due: dict[Question, tuple[Part, Held]]
    spared: dict[Question, Spared] = field(default_factory=dict)
    resting: dict[Question, Rest] = field(default_factory=dict)


def grain_of(table: Table) -> Grain:
    """The grain of one call for a table, which is also that of its partitions."""
    return LEVEL_GRAIN[table.source.level]


def periods_of(table: Table, first: date, last: date) -> list[Period]:
    """The partitions of a table that hold a day from `first` to `last`."""
    return periods_between(grain_of(table), first, last)


def is_inventory(table: Table) -> bool:
    """Whether a table shows what there is rather than what was measured."""
    return table.group == "inventory"


def needs_of(
    table: Table,
    periods: Iterable[Period],
    systems: Iterable[System],
    evidence: Evidence,
    policy: DuePolicy,
    known: Known,
) -> Iterator[Needs]:
    """What each partition still needs, given what is held and what is known."""
    systems, periods = list(systems), list(periods)
    uncured: set[tuple[Kind, str]] = set()
    if not policy.again and evidence.has_series(table.source.kind):
        every = (slot for each in periods for slot in _slots_of(table, each, systems, evidence, policy.now))
        uncured = uncured_series(every, evidence)
    for period in periods:
        slots = list(_slots_of(table, period, systems, evidence, policy.now))
        due: dict[Question, tuple[Part, Held]] = {}
        spared: dict[Question, Spared] = {}
        resting: dict[Question, Rest] = {}
        for slot in slots:
            reason = due_reason(slot, evidence, policy)
            if reason is None or (reason is DueReason.CONTRADICTED and _is_uncured(slot, uncured)):
                continue
            system, request = slot.system, slot.request
            substitute = None if policy.again else trusted_substitute(request, system)
            ask = substitute or request
            held = evidence.answers.of(ask)
            if reason is not DueReason.AGAIN:
                skip = None if slot.held.answered else known.spares(table, system.system_id, period)
                if skip is not None:
                    spared[request] = skip
                    continue
                rest = known.rest_of(ask)
                if rest is not None and rest.call_id > held.newest:
                    resting[request] = rest
                    continue
            due[ask] = (Part(ask, system), held)
        parts = tuple(Part(slot.request, slot.system) for slot in slots)
        yield Needs(table, period, parts, due, spared, resting)


def _slots_of(
    table: Table, period: Period, systems: Iterable[System], evidence: Evidence, now: datetime
) -> Iterator[RequestSlot]:
    """Every request that belongs to a partition, with what is held of it."""
    for part in _parts_of(table, period, systems, now):
        _, held = serving(part.question, part.system, evidence.answers)
        yield RequestSlot(table, part.question, part.system, held)


def _is_uncured(slot: RequestSlot, uncured: Collection[tuple[Kind, str]]) -> bool:
    """Whether its contradiction is of a kind that asking again has not cured in this system."""
    return bool(slot.held.answered) and (slot.request.kind, slot.system.system_id) in uncured


def _parts_of(table: Table, period: Period, systems: Iterable[System], now: datetime) -> Iterator[Part]:
    """Every question that belongs to a partition."""
    source = table.source
    for system in systems:
        for each in devices_asked(table, system, period, now):
            yield Part(
                Question(source.endpoint, source.level, system.system_id, each.device_id, period), system
            )


def devices_asked(table: Table, system: System, period: Period, now: datetime) -> list[Device]:
    """Whom a system is asked about: nobody before its first day, after removal, or in the future."""
    installed = system.first_day is None or period.last >= system.first_day
    if not installed or period.first > local_day(now, system.zone):
        return []
    kind = ENDPOINTS[table.source.endpoint].device
    return [each for each in system.devices(kind) if each.was_there(period)]


def calls_for_one(table: Table, systems: Iterable[System]) -> int:
    """What one partition of a table costs in calls for what stands there now."""
    kind = ENDPOINTS[table.source.endpoint].device
    devices = (device for system in systems for device in system.devices(kind))
    return sum(device.last_day is None for device in devices)
