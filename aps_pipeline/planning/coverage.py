"""How each table of a system stands, as spans of periods, from what is held, concluded and due. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import Grain, Period, local_day
from aps_pipeline.planning.answers import SERVED, SUBSTITUTE, Kind, prefer
from aps_pipeline.planning.claims import SkipReason, SkipRules
from aps_pipeline.planning.coverage_spans import CoverageSpan, Standing, State
from aps_pipeline.planning.systems import System
from aps_pipeline.request import NO_ENTRY, LedgerEntry, get_newest
from aps_pipeline.tables import Table

EntriesOfSystem = Mapping[Kind, Mapping[str, Mapping[str, LedgerEntry]]]
"""What is held of one system by endpoint and level, then by period key, then by device."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What coverage is computed from, beside the entries.

    `now` is the moment that it describes; `named_by` the newest inventory answer by system and kind of
    device (absent: its devices are not known).
    """

    skip_rules: SkipRules
    named_by: Mapping[tuple[str, str], int]
    now: datetime
    revision_window: timedelta


def coverage(
    tables: Iterable[Table],
    system: System,
    entries: EntriesOfSystem,
    outlook: Outlook,
    kept: Mapping[str, Sequence[CoverageSpan]] | None = None,
) -> Iterator[CoverageSpan]:
    """Compute how every table of a system stands, from its first day (or answer) to today.

    `kept` are spans by table that are known already: what follows the last of them is computed.
    """
    first, today = system.first_day or _first_answer(entries), local_day(outlook.now, system.zone)
    if first is not None and first <= today:
        for table in tables:
            known = kept.get(table.name, ()) if kept else ()
            yield from _TableCoverage(table, system, entries, outlook).spans(first, today, known)


def _first_answer(entries: EntriesOfSystem) -> date | None:
    kinds = ((SUBSTITUTE, level) for level in ("hourly", "daily", "monthly"))
    keys = [key for kind in kinds for key, by_device in entries.get(kind, {}).items() if "" in by_device]
    return min((date.fromisoformat(f"{key}-01-01"[:10]) for key in keys), default=None)


@dataclass(slots=True)
class _Run:
    """A span in the making. `call_ids` are as in the span."""

    first: int
    standing: Standing
    count: int = 0
    call_ids: list[int] = field(default_factory=list)

    def add(self, count: int, call_id: int | None) -> None:
        """Add periods that one call proves."""
        if call_id is not None and self.call_ids != [call_id]:
            if len(self.call_ids) == 1:
                self.call_ids *= self.count
            self.call_ids += [call_id] * (count if self.count else 1)
        self.count += count


class _TableCoverage:
    """One table of one system.

    Only periods with entries are judged one by one, and those at which a rule begins or ends to hold. Those
    between two of them stand as the first does, so their number costs nothing.
    """

    def __init__(self, table: Table, system: System, entries: EntriesOfSystem, outlook: Outlook) -> None:
        self._table, self._system, self._outlook = table, system, outlook
        self._grain, source = table.partition_grain, table.source
        kind = ENDPOINTS[source.endpoint].device
        self._inventory = outlook.named_by.get((system.system_id, kind))
        self._devices = system.devices(kind) if self._inventory is not None else ()
        is_served = source.endpoint == SERVED and bool(system.equal)
        self._own = self._by_ordinal(entries.get(source.kind, {}))
        self._whole = self._by_ordinal(entries.get((SUBSTITUTE, source.level), {}) if is_served else {})

    def _by_ordinal(
        self, by_key: Mapping[str, Mapping[str, LedgerEntry]]
    ) -> dict[int, Mapping[str, LedgerEntry]]:
        if not self._devices:
            return {}
        ordinals = ((_get_ordinal(self._grain, key), held) for key, held in by_key.items())
        return {ordinal: held for ordinal, held in ordinals if ordinal is not None}

    def spans(self, first: date, today: date, kept: Sequence[CoverageSpan] = ()) -> Iterator[CoverageSpan]:
        """Judge a period at each cut, and join neighbours that stand the same."""
        start, end = (Period.containing(self._grain, day).ordinal for day in (first, today))
        run: _Run | None = None
        if kept:
            yield from kept[:-1]
            last = kept[-1]
            run = _Run(last.first.ordinal, last.standing, len(last), list(last.call_ids))
            start = last.last.ordinal + 1
        cuts = sorted(cut for cut in {start, end, *self._cuts()} if start <= cut <= end)
        for cut, following in pairwise((*cuts, end + 1)):
            standing, call_id = self._judge(cut)
            if run is None or run.standing != standing:
                if run is not None:
                    yield self._span(run)
                run = _Run(cut, standing)
            run.add(following - cut, call_id)
        if run is not None:
            yield self._span(run)

    def _span(self, run: _Run) -> CoverageSpan:
        first, last = (
            _get_period(self._grain, ordinal, self._system.zone)[0]
            for ordinal in (run.first, run.first + run.count - 1)
        )
        return CoverageSpan(
            self._system.system_id, self._table, first, last, run.standing, tuple(run.call_ids)
        )

    def _cuts(self) -> set[int]:
        """Find the periods, beside the first and last, that may stand otherwise than the one before."""
        grain, skip_rules = self._grain, self._outlook.skip_rules
        alone = {*self._own, *self._whole}
        cuts = set[int]()
        for device in self._devices:
            if device.first_day is not None:
                cuts.add(Period.containing(grain, device.first_day).ordinal)
            if device.last_day is not None:
                cuts.add(Period.containing(grain, device.last_day).ordinal + 1)
        if self._devices and grain is Grain.DAY:
            alone |= {day.toordinal() for day in skip_rules.idle_days(self._table, self._system.system_id)}
            border = skip_rules.find_border(self._table, self._system.system_id)
            cuts |= {border.last.toordinal() + 1} if border is not None else set()
        return cuts | alone | {ordinal + 1 for ordinal in alone}

    def _judge(self, ordinal: int) -> tuple[Standing, int | None]:
        """Judge how a period stands, and find the call that proves it."""
        system, now = self._system, self._outlook.now
        period, end = _get_period(self._grain, ordinal, system.zone)
        if self._inventory is None:  # nobody has asked which devices there are
            return Standing(_state_unasked(end, now)), None
        there = [device.device_id for device in self._devices if device.was_there(period)]
        if not there:
            return Standing(State.NOT_APPLICABLE), self._inventory
        held, whole = self._own.get(ordinal), self._whole.get(ordinal)
        if held is None and whole is None:
            return self._judge_unasked(period, end, len(there))
        parts = [held.get(device_id, NO_ENTRY) if held else NO_ENTRY for device_id in there]
        if whole is not None and (of_system := whole.get("")) is not None:
            level = self._table.source.level
            parts = [
                prefer(entry, of_system, system) if system.answers_for(device_id, level, period) else entry
                for device_id, entry in zip(there, parts, strict=True)
            ]
        if len(parts) == 1 and parts[0].answered is not None:  # as nearly all: without lists
            return self._judge_answer(parts[0], end)
        return self._judge_parts(parts, period, end)

    def _judge_unasked(self, period: Period, end: datetime | None, parts: int) -> tuple[Standing, int | None]:
        skip = self._outlook.skip_rules.find_skip(self._table, self._system.system_id, period)
        if skip is None:
            return Standing(_state_unasked(end, self._outlook.now), parts), None
        is_forgotten = skip.reason is SkipReason.FORGOTTEN
        return Standing(State.BEYOND if is_forgotten else State.NOT_APPLICABLE, parts), skip.call_id

    def _judge_answer(self, entry: LedgerEntry, end: datetime | None) -> tuple[Standing, int | None]:
        at = entry.answered_utc
        is_whole = end is None or (at is not None and at >= end)
        is_final = None if end is None or at is None else at >= end + self._outlook.revision_window
        return Standing(State.PRESENT if is_whole else State.PARTIAL, 1, 1, 0, is_final), entry.answered

    def _judge_parts(
        self, parts: Sequence[LedgerEntry], period: Period, end: datetime | None
    ) -> tuple[Standing, int | None]:
        with_data = sum(each.answered is not None for each in parts)
        good = [each.good_utc for each in parts if each.good_utc is not None]
        is_complete, oldest = len(good) == len(parts), min(good, default=None)
        is_whole = end is None or (is_complete and oldest is not None and oldest >= end)
        is_final = None
        if oldest is not None and end is not None:
            is_final = is_complete and oldest >= end + self._outlook.revision_window
        missing = [each for each in parts if each.good is None]
        refused = get_newest(*(each.refused for each in missing))
        failed = get_newest(*(each.failed for each in missing))
        newest = get_newest(*(each.good for each in parts))
        unasked, skip_call_id = self._judge_unasked(period, end, len(parts))
        state, call_id = unasked.state, skip_call_id
        if with_data or (newest is not None and state is not State.BEYOND):
            whole = State.PRESENT if with_data else State.NO_DATA
            state, call_id = (whole if is_whole else State.PARTIAL), refused or failed or newest
        elif state is State.BEYOND:
            call_id = newest or skip_call_id
        elif skip_call_id is None and (refused or failed):
            state, call_id = (State.REFUSED if refused else State.FAILED), refused or failed
        return Standing(state, len(parts), with_data, len(good) - with_data, is_final), call_id


def _state_unasked(end: datetime | None, now: datetime) -> State:
    return State.NOT_ASKED if end is None or end <= now else State.NOT_DUE


_CALENDAR = 50_000
"""Periods whose ends are remembered: systems and tables share them."""


@lru_cache(maxsize=_CALENDAR)
def _get_period(grain: Grain, ordinal: int, zone: ZoneInfo) -> tuple[Period, datetime | None]:
    """Get a period and its end."""
    period = Period.of_ordinal(grain, ordinal)
    return period, period.end_utc(zone)


@lru_cache(maxsize=_CALENDAR)
def _get_ordinal(grain: Grain, key: str) -> int | None:
    """Get the ordinal of a period from its key; None for what is no key."""
    try:
        return Period.parse(grain, key).ordinal
    except ValueError:
        return None
