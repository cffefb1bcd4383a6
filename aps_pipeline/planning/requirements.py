"""Which requests a partition consists of, and which of them still have to be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import Period, local_day, periods_between
from aps_pipeline.planning.answers import Kind, serving_entry, substitute_request
from aps_pipeline.planning.claims import Rest, Skip, SkipRules
from aps_pipeline.planning.contradictions import find_uncured_series
from aps_pipeline.planning.evidence import DuePolicy, DueReason, due_reason
from aps_pipeline.planning.figures import Evidence, RequestSlot
from aps_pipeline.planning.systems import System
from aps_pipeline.request import LedgerEntry, Request
from aps_pipeline.tables import Table


@dataclass(frozen=True, slots=True)
class RequestPart:
    """One request of a partition and the system it is about."""

    request: Request
    system: System


@dataclass(frozen=True, slots=True)
class PartitionPlan:
    """A partition: all its requests, those that are due with what is held of them, and those left out.

    `skipped` need not be made, `resting` were made without success of late. Where a system answers for its
    only ECU, the request that is due is the one to the system.
    """

    table: Table
    period: Period
    parts: tuple[RequestPart, ...]
    due: dict[Request, tuple[RequestPart, LedgerEntry]]
    skipped: dict[Request, Skip] = field(default_factory=dict)
    resting: dict[Request, Rest] = field(default_factory=dict)


def periods_of(table: Table, first: date, last: date) -> list[Period]:
    """List the partitions of a table that hold a day from `first` to `last`."""
    return periods_between(table.partition_grain, first, last)


def is_inventory(table: Table) -> bool:
    """Tell whether a table shows what there is rather than what was measured."""
    return table.group == "inventory"


def plan_partitions(
    table: Table,
    periods: Iterable[Period],
    systems: Iterable[System],
    evidence: Evidence,
    policy: DuePolicy,
    skip_rules: SkipRules,
) -> Iterator[PartitionPlan]:
    """Plan what each partition still needs, given what is held and what is known."""
    systems, periods = list(systems), list(periods)
    uncured: set[tuple[Kind, str]] = set()
    if not policy.again and evidence.has_series(table.source.kind):
        every = (slot for each in periods for slot in _list_slots(table, each, systems, evidence, policy.now))
        uncured = find_uncured_series(every, evidence)
    for period in periods:
        slots = list(_list_slots(table, period, systems, evidence, policy.now))
        parts = tuple(RequestPart(slot.request, slot.system) for slot in slots)
        plan = PartitionPlan(table, period, parts, {})
        for slot in slots:
            reason = due_reason(slot, evidence, policy)
            has_data = slot.entry.answered is not None
            is_uncured = has_data and (slot.request.kind, slot.system.system_id) in uncured
            if reason is None or (reason is DueReason.CONTRADICTED and is_uncured):
                continue
            system, request = slot.system, slot.request
            due = request if policy.again else substitute_request(request, system) or request
            entry = evidence.answers.entry_of(due)
            if reason is not DueReason.AGAIN:
                skip = None if has_data else skip_rules.find_skip(table, system.system_id, period)
                if skip is not None:
                    plan.skipped[request] = skip
                    continue
                rest = skip_rules.find_rest(due)
                if rest is not None and (entry.newest is None or rest.call_id > entry.newest):
                    plan.resting[request] = rest
                    continue
            plan.due[due] = (RequestPart(due, system), entry)
        yield plan


def _list_slots(
    table: Table, period: Period, systems: Iterable[System], evidence: Evidence, now: datetime
) -> Iterator[RequestSlot]:
    """List every request that belongs to a partition, with what is held of it.

    Nothing is asked about days before a system's first, about devices that were not there, or about the
    future.
    """
    kind = ENDPOINTS[table.source.endpoint].device
    for system in systems:
        is_installed = system.first_day is None or period.last >= system.first_day
        if not is_installed or period.first > local_day(now, system.zone):
            continue
        for device in system.devices(kind):
            if device.was_there(period):
                request = Request(*table.source.kind, system.system_id, device.device_id, period)
                _, entry = serving_entry(request, system, evidence.answers)
                yield RequestSlot(table, request, system, entry)


def calls_for_one(table: Table, systems: Iterable[System]) -> int:
    """Count the calls that one partition of a table costs for what stands there now."""
    kind = ENDPOINTS[table.source.endpoint].device
    devices = (device for system in systems for device in system.devices(kind))
    return sum(device.last_day is None for device in devices)
