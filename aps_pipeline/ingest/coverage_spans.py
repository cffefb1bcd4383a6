"""How the periods of every table stand, a few systems at a time: memory does not grow with the fleet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from aps_pipeline.endpoints import DEVICES
from aps_pipeline.ingest.borders import LIT, get_borders, read_daily_figures, split_fleet
from aps_pipeline.ingest.ecu_equivalence import with_equivalence
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain, Period, local_day
from aps_pipeline.planning import (
    SERVED,
    SUBSTITUTE,
    Border,
    BorderKey,
    CoverageSpan,
    EntriesByKey,
    EntriesOfSystem,
    Kind,
    KnownCoverage,
    Outlook,
    SkipRules,
    State,
    System,
    coverage,
    cut_spans,
    is_inventory,
)
from aps_pipeline.request import LedgerEntry, Request
from aps_pipeline.tables import FETCHED, Table

_TABLES = tuple(table for table in FETCHED if not is_inventory(table))


def get_coverage(
    ledger: Ledger, now: datetime, revision_window: timedelta, known: KnownCoverage | None = None
) -> Iterator[CoverageSpan]:
    """Compute how the periods of the fact tables of every known system stand at `now`.

    What is `known` is computed again from the first period on that a call was made for since.
    Raises LedgerError.
    """
    known = known or KnownCoverage()
    fleet = with_equivalence(KnownFleet.load(ledger), ledger, revision_window, now)
    borders = get_borders(ledger, fleet.systems, revision_window, now)
    named_by, asked = _find_newest_inventory(fleet), ledger.count_by_kind()
    conditions = _Conditions(borders, named_by, revision_window)
    touched: dict[str, dict[Kind, str]] = {}
    for (system_id, endpoint, level), period in known.touched.items():
        touched.setdefault(system_id, {})[endpoint, level] = period
    for systems in split_fleet(ledger, fleet.systems):
        kept = _find_kept(systems, known, touched, conditions, now)
        first = _first_needed(systems, kept)
        held = {
            kind: ledger.entries(*kind, (key, _END) if key else None, system_ids=systems)
            for kind, key in first.items()
            if kind in asked and key != _END
        }
        bounds = (first[LIT], _END) if first[LIT] else None
        _, idle = read_daily_figures(ledger, systems, held.get(LIT, {}), revision_window, bounds)
        outlook = Outlook(SkipRules(idle, borders), named_by, now, revision_window)
        by_system = _group_by_system(held)
        for system_id, system in systems.items():
            entries = by_system.get(system_id, {})
            yield from coverage(_TABLES, system, entries, outlook, kept.get(system_id))


_END = "~"
"""Behind the key of every period."""


class _Conditions:
    """What the coverage of a system rests on beside its calls, as a text that can be compared and kept."""

    def __init__(
        self,
        borders: Mapping[BorderKey, Border],
        named_by: Mapping[tuple[str, str], int],
        revision_window: timedelta,
    ) -> None:
        self._window = revision_window
        self._borders: dict[str, list[str]] = {}
        for key, border in sorted(borders.items()):
            self._borders.setdefault(key[2], []).append(f"{key} {border}")
        self._named_by: dict[str, dict[str, int]] = {}
        for (system_id, kind), call_id in sorted(named_by.items()):
            self._named_by.setdefault(system_id, {})[kind] = call_id

    def write(self, system: System) -> str:
        """Write a digest and, apart from it, the calls that name devices: new ones may say the same."""
        named_by = self._named_by.get(system.system_id, {})
        everything = (
            replace(system, equal=frozenset(), expired_equal=frozenset()),
            sorted(system.equal),
            self._borders.get(system.system_id),
            list(named_by),
            self._window,
        )
        return json.dumps([hashlib.sha256(repr(everything).encode()).hexdigest(), named_by])


_ByTable = dict[str, list[CoverageSpan]]


def _find_kept(
    systems: Mapping[str, System],
    known: KnownCoverage,
    touched: Mapping[str, Mapping[Kind, str]],
    conditions: _Conditions,
    now: datetime,
) -> dict[str, _ByTable]:
    """Find the spans by system and table that are as they were, up to the first period that may not be."""
    same: list[str] = []
    for system_id, system in systems.items():
        known.new_conditions[system_id] = text = conditions.write(system)
        digest, calls = json.loads(text)
        old_digest, old_calls = json.loads(known.conditions.get(system_id, '["", {}]'))
        if digest == old_digest and system.first_day is not None:
            same.append(system_id)
            newer = {old_calls[kind]: call for kind, call in calls.items() if old_calls[kind] != call}
            known.exchanged_calls |= newer
    found: dict[str, _ByTable] = {}
    for span in known.spans(same):
        found.setdefault(span.system_id, {}).setdefault(span.table.name, []).append(span)
    for system_id, by_table in list(found.items()):
        of_system = touched.get(system_id, {})
        today = local_day(now, systems[system_id].zone)
        for name, spans in by_table.items():
            if (first := _first_doubtful(spans, of_system, today)) is None:
                del found[system_id]
                break
            by_table[name] = [_exchange(span, known.exchanged_calls) for span in cut_spans(spans, first)]
    known.computed_whole |= systems.keys() - found.keys()
    return found


def _first_doubtful(spans: Sequence[CoverageSpan], touched: Mapping[Kind, str], today: date) -> int | None:
    """Find the ordinal of the first period that was not over, or that a call was made for since.

    None where that cannot be told: the clock was put back, or a call was made for what is no period.
    """
    table, last = spans[0].table, spans[-1].last
    if last.ordinal > Period.containing(last.grain, today).ordinal:
        return None
    first = last.ordinal + (last.grain is Grain.LIFETIME)
    for kind in _kinds_behind(table):
        if kind in touched:
            try:
                day = date.fromisoformat(f"{touched[kind] or '0001'}-01-01"[:10])
            except ValueError:
                return None
            first = min(first, Period.containing(last.grain, day).ordinal)
    return first


def _kinds_behind(table: Table) -> list[Kind]:
    """List the kinds of calls that the periods of a table rest on."""
    kinds = [table.source.kind]
    if table.source.endpoint == SERVED:
        kinds.append((SUBSTITUTE, table.source.level))
    return [*kinds, LIT] if table.partition_grain is Grain.DAY else kinds


def _exchange(span: CoverageSpan, calls: Mapping[int, int]) -> CoverageSpan:
    """Put the newest call that names devices in the place of the one before it."""
    if span.state is not State.NOT_APPLICABLE or calls.keys().isdisjoint(span.call_ids):
        return span
    return replace(span, call_ids=tuple(calls.get(each, each) for each in span.call_ids))


def _first_needed(systems: Iterable[str], kept: Mapping[str, _ByTable]) -> dict[Kind, str]:
    """Find for each kind of call the key of the first period that is not kept of every system."""
    first: dict[Kind, str] = {}
    for table in _TABLES:
        ends = [kept.get(system_id, {}).get(table.name) for system_id in systems]
        if any(spans is None or not spans for spans in ends):
            key = ""
        elif table.partition_grain is Grain.LIFETIME:
            key = _END
        else:
            end = min(spans[-1].last.ordinal for spans in ends if spans)
            key = Period.of_ordinal(table.partition_grain, end + 1).key
        for kind in _kinds_behind(table):
            mine = key[: len("2024-03")] if kind == LIT else key
            first[kind] = min(first.get(kind, mine), mine)
    return first


def _group_by_system(held: Mapping[Kind, EntriesByKey]) -> dict[str, EntriesOfSystem]:
    found: dict[str, dict[Kind, dict[str, dict[str, LedgerEntry]]]] = {}
    for kind, by_request in held.items():
        for (system_id, device_id, key), entry in by_request.items():
            found.setdefault(system_id, {}).setdefault(kind, {}).setdefault(key, {})[device_id] = entry
    return dict(found)


def _find_newest_inventory(fleet: KnownFleet) -> dict[tuple[str, str], int]:
    """Find the newest answer that names devices, for each system and kind of device that is known."""
    newest = {
        (system_id, kind): fleet.newest(Request(device.prerequisites[-1], "", system_id))
        for system_id in fleet.systems
        for kind, device in DEVICES.items()
    }
    return {key: seen.call_id for key, seen in newest.items() if seen is not None}
