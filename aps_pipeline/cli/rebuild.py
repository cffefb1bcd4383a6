"""`aps rebuild`: write lake and warehouse again from the ledger."""

from __future__ import annotations

import os
from contextlib import closing

from aps_pipeline.cli.backfill import finish_run
from aps_pipeline.cli.console import select_tables
from aps_pipeline.config import load_settings
from aps_pipeline.ingest import Summary
from aps_pipeline.progress import PartitionProgress
from aps_pipeline.tables import FETCHED
from aps_pipeline.wiring import open_pipeline, repair_lake


def rebuild(tables: str, as_json: bool) -> int:
    """Write everything again from the ledger."""
    settings = load_settings()
    pipeline, summary = open_pipeline(settings), Summary()
    chosen = select_tables(tables, "", FETCHED)
    repair_lake(pipeline, chosen)  # also what no kept answer would write over
    results = pipeline.rebuild(summary, chosen, os.cpu_count() or 1)
    with closing(results), PartitionProgress("rebuild", quiet=as_json) as progress:
        for result in results:
            progress.advance(f"{result.table.name} {result.key}".strip(), result.calls)
    return finish_run("rebuild", settings, pipeline, summary, as_json)
