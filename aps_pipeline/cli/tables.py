"""`aps tables`: every table and what a period of it costs."""

from __future__ import annotations

import json
from typing import Any

from aps_pipeline.cli.console import new_grid, show
from aps_pipeline.config import load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import KnownFleet
from aps_pipeline.planning import calls_for_one
from aps_pipeline.tables import FETCHED, PROFILES, TABLES
from aps_pipeline.wiring import open_pipeline


def tables(as_json: bool) -> int:
    """List every table with its grain, partition and price."""
    fleet = KnownFleet.load(open_pipeline(load_settings()).ledger)
    rows: list[dict[str, Any]] = [
        {
            "name": table.name,
            "row": table.row_description.removeprefix("one row per "),
            "partition": table.partition_grain if table.is_partitioned else "-",
            "manual": table.source.section,
            "profile": next((name for name, some in PROFILES.items() if table in some), ""),
            "calls": calls_for_one(table, fleet.systems.values()) if not table.side_of else 0,
            "companions": [
                other.name for other in FETCHED if other.source == table.source and other != table
            ],
        }
        for table in TABLES.values()
    ]
    if as_json:
        print(json.dumps(rows))
        return Exit.COMPLETE
    columns = ("name", "one row per", "manual", "profile", "partition", "calls a partition>", "same calls as")
    grid = new_grid("Tables (schema core)", *columns)
    for row in rows:
        price = f"{row['calls']:,}" if fleet.systems else "?"
        grid.add_row(
            *(str(row[name]) for name in ("name", "row", "manual", "profile", "partition")),
            price,
            ", ".join(row["companions"]),
        )
    show(grid)
    if not fleet.systems:
        show("what they cost is known once `aps backfill --tables systems,inverters,meters …` has run")
    return Exit.COMPLETE
