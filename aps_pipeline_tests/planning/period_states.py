"""Coverage period by period, as plainly as it can be said: what the spans have to expand to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import Period, local_day, zone
from aps_pipeline.planning import (
    SERVED,
    SUBSTITUTE,
    Answers,
    Border,
    CoverageSpan,
    Device,
    Outlook,
    Skip,
    SkipReason,
    SkipRules,
    Standing,
    State,
    System,
    coverage,
    periods_of,
)
from aps_pipeline.planning.answers import prefer
from aps_pipeline.planning.coverage import EntriesOfSystem
from aps_pipeline.request import NO_ENTRY, LedgerEntry, get_newest
from aps_pipeline.tables import FETCHED, Table
from aps_pipeline_tests.planning.fleets import REVISION

FACTS = [table for table in FETCHED if table.group != "inventory"]
NAMED_BY = {(sid, kind): 55 for sid in ("S1", "S2") for kind in ("system", "ecu", "inverter")}
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PeriodState:
    """One period of a table of a system.

    `call_id` is the call that proves the state; None where no call does.
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


def entries_of(system_id: str, answers: Answers) -> EntriesOfSystem:
    """What is held of one system."""
    return {
        kind: {
            key: {device: entry for (sid, device), entry in held.items() if sid == system_id}
            for key, held in by_period.items()
        }
        for kind, by_period in answers.by_kind.items()
    }


def expand(spans: Iterable[CoverageSpan]) -> Iterator[PeriodState]:
    """Every period of spans, as `mart.coverage` shows them."""
    for span in spans:
        grain, start, count = span.table.partition_grain, span.first.ordinal, len(span)
        calls = span.call_ids if len(span.call_ids) > 1 else (*span.call_ids, None)[:1] * count
        assert len(calls) == count
        for number, call_id in enumerate(calls):
            period = Period.of_ordinal(grain, start + number)
            yield PeriodState(span.system_id, span.table, period, *span.standing, call_id)


def as_span(state: PeriodState) -> CoverageSpan:
    """A span of that period alone."""
    standing = Standing(state.state, state.parts, state.with_data, state.no_data, state.is_final)
    calls = () if state.call_id is None else (state.call_id,)
    return CoverageSpan(state.system_id, state.table, state.period, state.period, standing, calls)


def period_states(
    tables: Iterable[Table], system: System, answers: Answers, outlook: Outlook
) -> list[PeriodState]:
    """What the spans of a system expand to."""
    return list(expand(coverage(tables, system, entries_of(system.system_id, answers), outlook)))


def reference(
    tables: Iterable[Table], system: System, answers: Answers, outlook: Outlook
) -> Iterator[PeriodState]:
    """The same, looking at each period."""
    first, today = _first_day(system, answers), local_day(outlook.now, system.zone)
    if first is not None and first <= today:
        for table in tables:
            yield from _cover(table, system, periods_of(table, first, today), answers, outlook)


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
    answers: Answers,
    outlook: Outlook,
) -> Iterator[PeriodState]:
    source = table.source
    kind = ENDPOINTS[source.endpoint].device
    devices = system.devices(kind)
    inventory = outlook.named_by.get((system.system_id, kind))
    own = answers.by_kind.get(source.kind, {})
    is_served = source.endpoint == SERVED and bool(system.equal)
    whole = answers.by_kind.get((SUBSTITUTE, source.level), {}) if is_served else {}
    for period in periods:
        end = period.end_utc(system.zone)
        there = [device for device in devices if device.was_there(period)]
        if inventory is None or not there:  # there were none, or nobody has asked which there are
            state = _state_unasked(end, outlook.now) if inventory is None else State.NOT_APPLICABLE
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
        yield _state_of_parts(table, system, period, parts, skip, end, outlook)


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


def an_awkward_history() -> tuple[list[CoverageSpan], list[PeriodState]]:
    """Two systems that were registered long ago: days with answers here and there, and every table."""
    sent = datetime(2024, 2, 10, tzinfo=UTC)
    entries = {
        ("system_energy", "hourly"): {
            ("S1", "", "2024-02-28"): LedgerEntry(answered=1, answered_utc=sent, asked_utc=sent),
            ("S1", "", "2024-02-29"): LedgerEntry(refused=2),
            ("S1", "", "2024-02-30"): LedgerEntry(failed=3),
            ("S1", "", "2024-03-01"): LedgerEntry(failed=3),
            ("S2", "", "2023-12-31"): LedgerEntry(no_data=4, asked_utc=sent),
        },
        ("inverter_batch", "energy"): {
            ("S1", "E1", f"2024-02-{day:02}"): LedgerEntry(answered=day, answered_utc=NOW, asked_utc=NOW)
            for day in range(1, 20)
        },
        ("system_energy", "daily"): {
            ("S1", "", "2023-11"): LedgerEntry(answered=41, answered_utc=sent, asked_utc=sent),
            ("S1", "", "2024-01"): LedgerEntry(answered=42, answered_utc=sent, asked_utc=sent),
        },
    }
    answers = Answers.from_entries(entries)
    systems = (
        System("S1", zone("America/St_Johns"), date(2019, 2, 28), (Device("E1", None, date(2024, 2, 12)),)),
        System("S2", zone("Pacific/Apia"), date(2011, 12, 1), (Device("E2", date(2012, 1, 31)),)),
    )
    rules = SkipRules(
        {"S1": {date(2024, 1, 2): 91, date(2024, 1, 3): 91, date(2024, 1, 4): 93, date(2024, 2, 2): 91}},
        {("inverter_batch", "energy", "S1"): Border(date(2023, 5, 31), (92,), NOW)},
    )
    outlook = Outlook(rules, NAMED_BY, NOW, REVISION)
    spans = [each for s in systems for each in coverage(FACTS, s, entries_of(s.system_id, answers), outlook)]
    return spans, [each for system in systems for each in reference(FACTS, system, answers, outlook)]
