"""What the ledger holds of wanted tables, and what that tells about requests that need not be made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from aps_pipeline.ingest.figures import read_figures
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain
from aps_pipeline.planning import (
    Answers,
    Evidence,
    Known,
    Retention,
    System,
    daily_figures,
    driving_kinds,
    grain_of,
    kinds_of,
)
from aps_pipeline.planning.known import Rest
from aps_pipeline.tables import Table


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Held answers and what they tell. `lit` are the days on which a system produced."""

    evidence: Evidence = field(default_factory=Evidence)
    known: Known = field(default_factory=Known)
    lit: Mapping[str, frozenset[date]] = field(default_factory=dict)

    @property
    def answers(self) -> Answers:
        """The answers that are held."""
        return self.evidence.answers


def knowledge_of(
    ledger: Ledger,
    systems: Mapping[str, System],
    tables: Iterable[Table],
    revision_window: timedelta,
    now: datetime,
    rests: Mapping[tuple[str, ...], Rest] | None = None,
) -> Knowledge:
    """Read what is held of the tables, and of the series that show what has changed. Raises LedgerError."""
    tables = list(tables)
    own = dict.fromkeys(kind for table in tables for kind in kinds_of(table, systems.values()))
    kinds = dict.fromkeys((*own, *(kind for table in tables for kind in driving_kinds(table))))
    answers = Answers.of_kinds({kind: ledger.held(*kind) for kind in kinds})
    evidence = Evidence(read_figures(ledger, systems, kinds, revision_window), answers)
    if not any(grain_of(table) is Grain.DAY for table in tables):
        return Knowledge(evidence, Known(rests=rests or {}))
    lit, idle = daily_figures(evidence, systems, revision_window)
    borders = Retention(systems, lit, answers, now).borders
    return Knowledge(evidence, Known(idle, borders, rests or {}), lit)
