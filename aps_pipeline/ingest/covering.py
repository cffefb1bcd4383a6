"""What there is and what is missing, read from the ledger. Makes no call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from aps_pipeline.ingest.equals import with_equals
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.inventory import DEVICE_ENDPOINTS
from aps_pipeline.ingest.knowledge import knowledge_of
from aps_pipeline.ledger import Ledger
from aps_pipeline.planning import Covered, Outlook, coverage, is_inventory
from aps_pipeline.question import Question
from aps_pipeline.tables import FETCHED


def coverage_of(ledger: Ledger, now: datetime, revision: timedelta) -> Sequence[Covered]:
    """How every period of every fact table of every known system stands, as of `now`. Raises LedgerError."""
    tables = [table for table in FETCHED if not is_inventory(table)]
    fleet = with_equals(Fleet.load(ledger), ledger, revision, now)
    knowledge = knowledge_of(ledger, fleet.systems, tables, revision, now)
    outlook = Outlook(knowledge.answers, knowledge.known, _named_by(fleet), now, revision)
    return list(coverage(tables, fleet.systems.values(), outlook))


def _named_by(fleet: Fleet) -> dict[tuple[str, str], int]:
    """The newest answer that names devices, for each system and kind of device that is known."""
    found = {}
    for system_id in fleet.systems:
        for kind, endpoints in DEVICE_ENDPOINTS.items():
            seen = fleet.newest(Question(endpoints[-1], "", system_id))
            if seen is not None:
                found[system_id, kind] = seen.call_id
    return found
