"""What there is and what is missing: one state for every system, table and period, and the call behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import Period, local_day
from aps_pipeline.planning.answers import SERVED, STAND_IN, Answers, HeldByPeriod, better
from aps_pipeline.planning.known import Known, Reason, Spared
from aps_pipeline.planning.needs import periods_of
from aps_pipeline.planning.states import Covered, State
from aps_pipeline.planning.systems import Device, System
from aps_pipeline.question import NOTHING_HELD, Held
from aps_pipeline.tables import Table


@dataclass(frozen=True, slots=True)
class Outlook:
    """What coverage is computed from.

    `now` is the moment of which it speaks; `named_by` the newest inventory answer by system and kind of
    device (absent: its devices are not known).
    """

    answers: Answers
    known: Known
    named_by: Mapping[tuple[str, str], int]
    now: datetime
    revision: timedelta


def coverage(tables: Sequence[Table], systems: Iterable[System], outlook: Outlook) -> Iterator[Covered]:
    """Every period of every table, from a system's first day (or its first answer) to today."""
    for system in systems:
        first, today = _first_day(system, outlook.answers), local_day(outlook.now, system.zone)
        if first is None or first > today:
            continue
        ends: dict[Period, datetime | None] = {}
        for table in tables:
            yield from _covered(table, system, periods_of(table, first, today), ends, outlook)


def _first_day(system: System, answers: Answers) -> date | None:
    if system.first_day is not None:
        return system.first_day
    kinds = (("system_energy", level) for level in ("hourly", "daily", "monthly"))
    keys = [
        key
        for kind in kinds
        for key, held in answers.by_kind.get(kind, {}).items()
        if (system.system_id, "") in held
    ]
    return min((date.fromisoformat(f"{key}-01-01"[:10]) for key in keys), default=None)


def _covered(
    table: Table,
    system: System,
    periods: Sequence[Period],
    ends: dict[Period, datetime | None],
    outlook: Outlook,
) -> Iterator[Covered]:
    source = table.source
    kind = ENDPOINTS[source.endpoint].device
    devices = system.devices(kind)
    inventory = outlook.named_by.get((system.system_id, kind))
    held = outlook.answers.by_kind.get(source.kind, {})
    is_served = source.endpoint == SERVED and bool(system.equal)
    whole = outlook.answers.by_kind.get((STAND_IN, source.level), {}) if is_served else {}
    for period in periods:
        if period not in ends:
            ends[period] = period.end_utc(system.zone)
        there = [device for device in devices if device.was_there(period)]
        if inventory is None or not there:
            yield _without_device(table, system, period, inventory, ends[period], outlook.now)
            continue
        parts = [_held(system, each, source.level, period, held, whole) for each in there]
        spared = outlook.known.spares(table, system.system_id, period)
        yield _of_parts(table, system, period, parts, spared, ends[period], outlook)


def _without_device(
    table: Table, system: System, period: Period, inventory: int | None, end: datetime | None, now: datetime
) -> Covered:
    """A period without devices: there were none, or nobody has asked which there are."""
    state = State.NOT_APPLICABLE if inventory is not None else _unasked(end, now)
    return Covered(system.system_id, table, period, state, call_id=inventory or 0)


def _unasked(end: datetime | None, now: datetime) -> State:
    return State.NOT_ASKED if end is None or end <= now else State.NOT_DUE


def _held(
    system: System, device: Device, level: str, period: Period, held: HeldByPeriod, whole: HeldByPeriod
) -> Held:
    """What is held of a device; of a sole ECU, what serves it."""
    own = held.get(period.key, {}).get((system.system_id, device.device_id), NOTHING_HELD)
    its = whole.get(period.key, {}).get((system.system_id, ""))
    if its is None or not system.answers_for(device.device_id, level, period):
        return own
    return better(own, its, system)


def _of_parts(
    table: Table,
    system: System,
    period: Period,
    parts: Sequence[Held],
    spared: Spared | None,
    end: datetime | None,
    outlook: Outlook,
) -> Covered:
    with_data = sum(bool(each.answered) for each in parts)
    good = [each.good_utc for each in parts if each.good_utc is not None]
    state, call_id = _state(parts, spared, end, outlook.now)
    is_final = None
    if good and end is not None:
        is_final = len(good) == len(parts) and min(good) >= end + outlook.revision
    return Covered(
        system.system_id,
        table,
        period,
        state,
        len(parts),
        with_data,
        len(good) - with_data,
        is_final,
        call_id,
    )


def _state(
    parts: Sequence[Held], spared: Spared | None, end: datetime | None, now: datetime
) -> tuple[State, int]:
    """The state of a period and the call that proves it."""
    missing = [each for each in parts if not each.good]
    refused = max((each.refused for each in missing), default=0)
    failed = max((each.failed for each in missing), default=0)
    newest = max(each.good for each in parts)
    is_whole = end is None or all(each.good_utc is not None and each.good_utc >= end for each in parts)
    if any(each.answered for each in parts):
        return (State.PRESENT if is_whole else State.PARTIAL), refused or failed or newest
    if spared is not None and spared.reason is Reason.FORGOTTEN:
        return State.BEYOND, newest or spared.call_id
    if newest:
        return (State.NO_DATA if is_whole else State.PARTIAL), refused or failed or newest
    if spared is not None:
        return State.NOT_APPLICABLE, spared.call_id
    if refused or failed:
        return (State.REFUSED, refused) if refused else (State.FAILED, failed)
    return _unasked(end, now), 0
