"""`aps refresh`: ask for yesterday, and again for what may have changed."""

from __future__ import annotations

from aps_pipeline.cli.backfill import collect
from aps_pipeline.cli.console import select_systems, select_tables
from aps_pipeline.config import load_settings
from aps_pipeline.ingest import Wanted
from aps_pipeline.tables import PROFILES
from aps_pipeline.wiring import open_pipeline


def refresh(
    tables: str, systems: str, max_calls: int | None, as_json: bool, profile: str, again: bool = False
) -> int:
    """Collect yesterday, and what may have changed before."""
    settings = load_settings()
    pipeline = open_pipeline(settings)
    first, last = pipeline.refresh_range()
    wanted = Wanted(
        select_tables(tables, profile, PROFILES[settings.profile]),
        first,
        last,
        select_systems(systems, settings),
        recheck=True,
        max_calls=max_calls,
        again=again,
    )
    return collect("refresh", settings, pipeline, wanted, as_json)
