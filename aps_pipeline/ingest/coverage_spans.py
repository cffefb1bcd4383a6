"""How the periods of every table stand, a few systems at a time: memory does not grow with the fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from aps_pipeline.endpoints import DEVICES
from aps_pipeline.ingest.borders import LIT, get_borders, read_daily_figures, split_fleet
from aps_pipeline.ingest.ecu_equivalence import with_equivalence
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ledger import Ledger
from aps_pipeline.planning import (
    CoverageSpan,
    EntriesByKey,
    EntriesOfSystem,
    Kind,
    Outlook,
    SkipRules,
    coverage,
    is_inventory,
    kinds_of,
)
from aps_pipeline.request import LedgerEntry, Request
from aps_pipeline.tables import FETCHED

_TABLES = tuple(table for table in FETCHED if not is_inventory(table))


def get_coverage(ledger: Ledger, now: datetime, revision_window: timedelta) -> Iterator[CoverageSpan]:
    """Compute how the periods of the fact tables of every known system stand at `now`. Raises LedgerError."""
    fleet = with_equivalence(KnownFleet.load(ledger), ledger, revision_window, now)
    borders = get_borders(ledger, fleet.systems, revision_window, now)
    named_by, asked = _find_newest_inventory(fleet), ledger.count_by_kind()
    for systems in split_fleet(ledger, fleet.systems):
        kinds = dict.fromkeys(k for table in _TABLES for k in kinds_of(table, systems.values()) if k in asked)
        held = {kind: ledger.entries(*kind, system_ids=systems) for kind in kinds}
        _, idle = read_daily_figures(ledger, systems, held.get(LIT, {}), revision_window)
        outlook = Outlook(SkipRules(idle, borders), named_by, now, revision_window)
        by_system = _group_by_system(held)
        for system in systems.values():
            yield from coverage(_TABLES, system, by_system.get(system.system_id, {}), outlook)


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
