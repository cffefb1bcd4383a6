"""How the periods of every table stand, a few systems at a time: memory does not grow with the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice

from aps_pipeline.endpoints import DEVICES, LEVEL_GRAIN
from aps_pipeline.ingest.ecu_equivalence import with_equivalence
from aps_pipeline.ingest.figures import read_figures
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain
from aps_pipeline.planning import (
    Answers,
    Border,
    BorderKey,
    CoverageSpan,
    EntriesByKey,
    EntriesOfSystem,
    Evidence,
    Kind,
    Outlook,
    Retention,
    SkipRules,
    System,
    coverage,
    daily_figures,
    is_inventory,
    kinds_of,
)
from aps_pipeline.request import LedgerEntry
from aps_pipeline.tables import FETCHED

_TABLES = tuple(table for table in FETCHED if not is_inventory(table))
_LIT = ("system_energy", "daily")
"""The series that shows on which days a system produced."""

_ENTRIES, _MOST_SYSTEMS = 20_000, 100
"""About how many entries are in memory together, and of how many systems at most."""


def get_coverage(ledger: Ledger, now: datetime, revision_window: timedelta) -> Iterator[CoverageSpan]:
    """Compute how the periods of the fact tables of every known system stand at `now`. Raises LedgerError."""
    fleet = with_equivalence(KnownFleet.load(ledger), ledger, revision_window, now)
    borders = get_borders(ledger, fleet.systems, revision_window, now)
    named_by, asked = _find_newest_inventory(fleet), ledger.count_by_kind()
    for systems in _portions(ledger, fleet.systems):
        kinds = dict.fromkeys(k for table in _TABLES for k in kinds_of(table, systems.values()) if k in asked)
        held = {kind: ledger.entries(*kind, system_ids=systems) for kind in kinds}
        _, idle = _daily_figures(ledger, systems, held.get(_LIT, {}), revision_window)
        outlook = Outlook(SkipRules(idle, borders), named_by, now, revision_window)
        by_system = _group_by_system(held)
        for system in systems.values():
            yield from coverage(_TABLES, system, by_system.get(system.system_id, {}), outlook)


def get_borders(
    ledger: Ledger, systems: Mapping[str, System], revision_window: timedelta, now: datetime
) -> dict[BorderKey, Border]:
    """Find the borders of retention that answers prove at `now`. Raises LedgerError.

    Proven by its own answers is what was said twice to have no data. Only where there is such a border the
    other systems are looked at, which may take it over.
    """
    doubtful: dict[str, set[Kind]] = {}
    for endpoint, level, system_id in ledger.list_repeated_no_data():
        if LEVEL_GRAIN[level] is Grain.DAY:
            doubtful.setdefault(system_id, set()).add((endpoint, level))
    suspects = {system_id: system for system_id, system in systems.items() if system_id in doubtful}
    own: dict[BorderKey, Border] = {}
    for portion in _portions(ledger, suspects):
        kinds = set[Kind]().union(*(doubtful[system_id] for system_id in portion))
        own |= _find_retention(ledger, portion, sorted(kinds), revision_window, now).own_borders
    found = dict(own)
    if own:
        kinds = {key[:2] for key in own}
        for portion in _portions(ledger, systems):
            found |= _find_retention(ledger, portion, sorted(kinds), revision_window, now, own).borders
    return found


def _find_retention(
    ledger: Ledger,
    systems: Mapping[str, System],
    kinds: Sequence[Kind],
    revision_window: timedelta,
    now: datetime,
    proven: Mapping[BorderKey, Border] | None = None,
) -> Retention:
    answers = Answers.from_entries({kind: ledger.entries(*kind, system_ids=systems) for kind in kinds})
    lit, _ = _daily_figures(ledger, systems, {}, revision_window)
    return Retention(systems, lit, answers, now, proven=proven)


def _daily_figures(
    ledger: Ledger, systems: Mapping[str, System], held: EntriesByKey, revision_window: timedelta
) -> tuple[dict[str, frozenset[date]], dict[str, dict[date, int]]]:
    """Find the days with production by system, and the idle ones with the call that says so."""
    figures = read_figures(ledger, systems, [_LIT], revision_window, system_ids=systems)
    return daily_figures(Evidence(figures, Answers.from_entries({_LIT: held})), systems, revision_window)


def _group_by_system(held: Mapping[Kind, EntriesByKey]) -> dict[str, EntriesOfSystem]:
    found: dict[str, dict[Kind, dict[str, dict[str, LedgerEntry]]]] = {}
    for kind, by_request in held.items():
        for (system_id, device_id, key), entry in by_request.items():
            found.setdefault(system_id, {}).setdefault(kind, {}).setdefault(key, {})[device_id] = entry
    return dict(found)


def _find_newest_inventory(fleet: KnownFleet) -> dict[tuple[str, str], int]:
    """Find the newest answer that names devices, for each system and kind of device that is known."""
    newest = {
        (endpoint, seen.system_id): seen.call_id
        for endpoint, sightings in fleet.sightings.items()
        for seen in sightings
    }
    return {
        (system_id, kind): call_id
        for system_id in fleet.systems
        for kind, device in DEVICES.items()
        if (call_id := newest.get((device.prerequisites[-1], system_id))) is not None
    }


def _portions(ledger: Ledger, systems: Mapping[str, System]) -> Iterator[dict[str, System]]:
    """Cut the fleet into portions by the number of calls that a system has on average."""
    calls = sum(ledger.count_by_kind().values())
    size = min(max(_ENTRIES * len(systems) // max(calls, 1), 1), _MOST_SYSTEMS)
    rest = iter(systems.items())
    while portion := dict(islice(rest, size)):
        yield portion
