"""`aps backfill`: ask what is missing in a range of days."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date

from aps_pipeline.cli.console import select_systems, select_tables
from aps_pipeline.cli.runs import collect
from aps_pipeline.config import Settings, load_settings
from aps_pipeline.ingest import NotConfiguredError, Pipeline, Wanted
from aps_pipeline.periods import FIRST_DAY, FIRST_ZONE, local_day, zone
from aps_pipeline.tables import PROFILES, Table
from aps_pipeline.wiring import open_pipeline


def backfill(
    first: date,
    last: date,
    tables: str,
    systems: str,
    max_calls: int | None,
    as_json: bool,
    profile: str = "",
    again: bool = False,
) -> int:
    """Collect a range of days. Raises NotConfiguredError for a range that cannot be asked for."""
    settings = load_settings()
    pipeline = open_pipeline(settings)
    chosen = select_tables(tables, profile, PROFILES[settings.profile])
    wanted = history_wanted(pipeline, settings, chosen, first, last, systems, max_calls)
    return collect("backfill", settings, pipeline, replace(wanted, again=again), as_json)


def history_wanted(
    pipeline: Pipeline,
    settings: Settings,
    tables: tuple[Table, ...],
    first: date,
    last: date,
    systems: str,
    max_calls: int | None = None,
) -> Wanted:
    """Decide what a backfill of a range wants. Raises NotConfiguredError for a range without any data."""
    today = local_day(pipeline.ledger.now(), zone(FIRST_ZONE))
    if first > today:
        raise NotConfiguredError(f"--from {first} lies in the future: there is nothing to ask yet")
    if first <= last < FIRST_DAY:
        raise NotConfiguredError(f"--to {last} lies before {FIRST_DAY}: no system is that old")
    start, end = max(first, FIRST_DAY), min(last, today) if first <= last else last
    if (start, end) != (first, last):
        print(f"asked about is {start} to {end}: there can be nothing else", file=sys.stderr)
    return Wanted(tables, start, end, select_systems(systems, settings), max_calls=max_calls)
