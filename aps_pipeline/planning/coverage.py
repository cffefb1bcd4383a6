"""One state for every period of a table, from what is held, concluded and due. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import Period, local_day
from aps_pipeline.planning.answers import SERVED, SUBSTITUTE, Answers, prefer
from aps_pipeline.planning.claims import Skip, SkipReason, SkipRules
from aps_pipeline.planning.requirements import periods_of
from aps_pipeline.planning.systems import System
from aps_pipeline.request import NO_ENTRY, LedgerEntry, get_newest
from aps_pipeline.tables import Table


class State(StrEnum):
    """How a period of a table stands."""

    PRESENT = "present"
    """Every answer is there and was given after the period's end."""
    PARTIAL = "partial"
    """Some answers are there; others are missing, or were given while the period was running."""
    NO_DATA = "no data"
    """The API said so (1001)."""
    BEYOND = "beyond retention"
    """The API gave no data of days so old, asked twice."""
    REFUSED = "refused"
    """An answer came that cannot be right."""
    FAILED = "failed"
    """A call was made and brought nothing to read."""
    NOT_ASKED = "not asked"
    """The period is over, and nobody has asked."""
    NOT_DUE = "not yet due"
    """The period is not over."""
    NOT_APPLICABLE = "not applicable"
    """There was nothing to measure: no such device, or a day without production."""


@dataclass(frozen=True, slots=True)
class PeriodState:
    """One period of a table of a system.

    `parts` requests belong to it; `with_data` and `no_data` of them are answered. `call_id` is the call that
    proves the state (None: no call does), `is_final` whether all came after the revision days (None: no
    answer, or a lifetime, which never ends).
    """

    system_id: str
    table: Table
    period: Period
    state: State
    parts: int = 0
    with_data: int = 0
    no_data: int = 0
    is_final: bool | None = None
    call_id: int | None = None


def merge_states(states: Iterable[State]) -> State | None:
    """Merge the states of several periods into one: what needs attention wins; None for no period."""
    found = set(states)
    telling = found - {State.NOT_APPLICABLE, State.NOT_DUE}
    for state in (State.REFUSED, State.FAILED):
        if state in telling:
            return state
    if not telling:
        return next((s for s in (State.NOT_DUE, State.NOT_APPLICABLE) if s in found), None)
    if len(telling) == 1:
        return telling.pop()
    if telling == {State.PRESENT, State.NO_DATA}:
        return State.PRESENT
    return State.BEYOND if telling == {State.NO_DATA, State.BEYOND} else State.PARTIAL


@dataclass(frozen=True, slots=True)
class Outlook:
    """What coverage is computed from.

    `now` is the moment that it describes; `named_by` the newest inventory answer by system and kind of
    device (absent: its devices are not known).
    """

    answers: Answers
    skip_rules: SkipRules
    named_by: Mapping[tuple[str, str], int]
    now: datetime
    revision_window: timedelta


def coverage(tables: Sequence[Table], systems: Iterable[System], outlook: Outlook) -> Iterator[PeriodState]:
    """Compute the state of every period of every table, from a system's first day (or answer) to today."""
    for system in systems:
        first, today = _first_day(system, outlook.answers), local_day(outlook.now, system.zone)
        if first is None or first > today:
            continue
        ends: dict[Period, datetime | None] = {}
        for table in tables:
            yield from _cover(table, system, periods_of(table, first, today), ends, outlook)


def _first_day(system: System, answers: Answers) -> date | None:
    if system.first_day is not None:
        return system.first_day
    kinds = (("system_energy", level) for level in ("hourly", "daily", "monthly"))
    keys = [
        key
        for kind in kinds
        for key, entries in answers.by_kind.get(kind, {}).items()
        if (system.system_id, "") in entries
    ]
    return min((date.fromisoformat(f"{key}-01-01"[:10]) for key in keys), default=None)


def _cover(
    table: Table,
    system: System,
    periods: Sequence[Period],
    ends: dict[Period, datetime | None],
    outlook: Outlook,
) -> Iterator[PeriodState]:
    source = table.source
    kind = ENDPOINTS[source.endpoint].device
    devices = system.devices(kind)
    inventory = outlook.named_by.get((system.system_id, kind))
    own = outlook.answers.by_kind.get(source.kind, {})
    is_served = source.endpoint == SERVED and bool(system.equal)
    whole = outlook.answers.by_kind.get((SUBSTITUTE, source.level), {}) if is_served else {}
    for period in periods:
        if period not in ends:
            ends[period] = period.end_utc(system.zone)
        there = [device for device in devices if device.was_there(period)]
        if inventory is None or not there:  # there were none, or nobody has asked which there are
            state = _state_unasked(ends[period], outlook.now) if inventory is None else State.NOT_APPLICABLE
            yield PeriodState(system.system_id, table, period, state, call_id=inventory)
            continue
        entries, of_system = own.get(period.key, {}), whole.get(period.key, {}).get((system.system_id, ""))
        parts = []
        for device in there:
            entry = entries.get((system.system_id, device.device_id), NO_ENTRY)
            if of_system is not None and system.answers_for(device.device_id, source.level, period):
                entry = prefer(entry, of_system, system)
            parts.append(entry)
        skip = outlook.skip_rules.find_skip(table, system.system_id, period)
        yield _state_of_parts(table, system, period, parts, skip, ends[period], outlook)


def _state_unasked(end: datetime | None, now: datetime) -> State:
    return State.NOT_ASKED if end is None or end <= now else State.NOT_DUE


def _state_of_parts(
    table: Table,
    system: System,
    period: Period,
    parts: Sequence[LedgerEntry],
    skip: Skip | None,
    end: datetime | None,
    outlook: Outlook,
) -> PeriodState:
    with_data = sum(each.answered is not None for each in parts)
    good = [each.good_utc for each in parts if each.good_utc is not None]
    state, call_id = _judge_parts(parts, skip, end, outlook.now)
    is_final = None
    if good and end is not None:
        is_final = len(good) == len(parts) and min(good) >= end + outlook.revision_window
    return PeriodState(
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


def _judge_parts(
    parts: Sequence[LedgerEntry], skip: Skip | None, end: datetime | None, now: datetime
) -> tuple[State, int | None]:
    """Judge how a period stands, and find the call that proves it."""
    missing = [each for each in parts if each.good is None]
    refused = get_newest(*(each.refused for each in missing))
    failed = get_newest(*(each.failed for each in missing))
    newest = get_newest(*(each.good for each in parts))
    is_whole = end is None or all(each.good_utc is not None and each.good_utc >= end for each in parts)
    if any(each.answered is not None for each in parts):
        return (State.PRESENT if is_whole else State.PARTIAL), refused or failed or newest
    if skip is not None and skip.reason is SkipReason.FORGOTTEN:
        return State.BEYOND, newest or skip.call_id
    if newest is not None:
        return (State.NO_DATA if is_whole else State.PARTIAL), refused or failed or newest
    if skip is not None:
        return State.NOT_APPLICABLE, skip.call_id
    if refused is not None:
        return State.REFUSED, refused
    return (State.FAILED, failed) if failed is not None else (_state_unasked(end, now), None)
