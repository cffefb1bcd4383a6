"""Where the server's memory ends, from all that was ever answered of a kind of call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice

from aps_pipeline.endpoints import LEVEL_GRAIN
from aps_pipeline.ingest.figures import read_figures
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain
from aps_pipeline.planning import (
    Answers,
    Border,
    BorderKey,
    EntriesByKey,
    Evidence,
    Kind,
    Retention,
    System,
    daily_figures,
)

LIT = ("system_energy", "daily")
"""The series that shows on which days a system produced."""

Lit = dict[str, frozenset[date]]
"""Those days by system."""

_ENTRIES, _MOST_SYSTEMS = 20_000, 100
"""About how many entries are in memory together, and of how many systems at most."""


def get_borders(
    ledger: Ledger,
    systems: Mapping[str, System],
    revision_window: timedelta,
    now: datetime,
    only: Collection[Kind] | None = None,
) -> dict[BorderKey, Border]:
    """Find the borders of retention, perhaps only of some kinds, that answers prove at `now`.

    Raises LedgerError.

    Proven by its own answers is what was said twice to have no data. Only where there is such a border the
    other systems are looked at, which may take it over.
    """
    doubtful: dict[str, set[Kind]] = {}
    for endpoint, level, system_id in ledger.list_repeated_no_data():
        if LEVEL_GRAIN[level] is Grain.DAY and (only is None or (endpoint, level) in only):
            doubtful.setdefault(system_id, set()).add((endpoint, level))
    suspects = {system_id: system for system_id, system in systems.items() if system_id in doubtful}
    own: dict[BorderKey, Border] = {}
    for portion in split_fleet(ledger, suspects):
        kinds = set[Kind]().union(*(doubtful[system_id] for system_id in portion))
        own |= _find_retention(ledger, portion, sorted(kinds), revision_window, now).own_borders
    found = dict(own)
    if own:
        kinds = {key[:2] for key in own}
        for portion in split_fleet(ledger, systems):
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
    lit, answers = read_history(ledger, systems, kinds, revision_window)
    return Retention(systems, lit, answers, now, proven=proven)


def read_history(
    ledger: Ledger, systems: Mapping[str, System], kinds: Iterable[Kind], revision_window: timedelta
) -> tuple[Lit, Answers]:
    """Read all that was ever answered of some kinds, and on which days the systems produced."""
    answers = Answers.from_entries({kind: ledger.entries(*kind, system_ids=systems) for kind in kinds})
    return read_daily_figures(ledger, systems, {}, revision_window)[0], answers


def read_daily_figures(
    ledger: Ledger,
    systems: Mapping[str, System],
    held: EntriesByKey,
    revision_window: timedelta,
    months: tuple[str, str] | None = None,
) -> tuple[Lit, dict[str, dict[date, int]]]:
    """Find the days with production by system, and the idle ones with the call that says so.

    `months` bounds what is read.
    """
    bounds = {LIT: months} if months else None
    figures = read_figures(ledger, systems, [LIT], revision_window, bounds, systems)
    return daily_figures(Evidence(figures, Answers.from_entries({LIT: held})), systems, revision_window)


def split_fleet(ledger: Ledger, systems: Mapping[str, System]) -> Iterator[dict[str, System]]:
    """Cut the fleet into portions by the number of calls that a system has on average."""
    if not systems:
        return
    calls = sum(ledger.count_by_kind().values())
    size = min(max(_ENTRIES * len(systems) // max(calls, 1), 1), _MOST_SYSTEMS)
    rest = iter(systems.items())
    while portion := dict(islice(rest, size)):
        yield portion
