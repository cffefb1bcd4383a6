"""The DuckDB file that people query: `core` (the lake's tables), `mart` (answers), `meta` (about both).

Built whole beside the old one and renamed in, so a reader never waits and never sees half. Everything in it
can be made again from lake and ledger; nothing else may write it.

Where do I go to …?
    add an answer that analysts want        sql/<name>.sql; its header becomes the comments (`marts`)
    add a check on the data                 checks/<name>.sql (`checks`); on every table: `declared`
    say how far rounding may be off         sql/decimals.sql; the macros it uses are in `rounding`
    see which tables are views, and why     `views`; what reading them takes is in `steady`
    see how a build runs                    `building`; the rename itself is in `replacing`
    see when no build is needed             `freshness`; what a build is made from is in `inputs`
    give energy to other programs           `exports`
    read it                                 `open_warehouse` and `query` in `reading`; DataFrames in `frames`
"""

from __future__ import annotations

from aps_pipeline.warehouse.building import Built, build
from aps_pipeline.warehouse.checks import CheckResult, all_checks, by_kind, run_checks
from aps_pipeline.warehouse.described import Connection
from aps_pipeline.warehouse.errors import HeaderError, NoWarehouseError, QueryError, WarehouseError
from aps_pipeline.warehouse.frames import Warehouse
from aps_pipeline.warehouse.freshness import is_current
from aps_pipeline.warehouse.reading import open_warehouse, query

__all__ = [
    "Built",
    "CheckResult",
    "Connection",
    "HeaderError",
    "NoWarehouseError",
    "QueryError",
    "Warehouse",
    "WarehouseError",
    "all_checks",
    "build",
    "by_kind",
    "is_current",
    "open_warehouse",
    "query",
    "run_checks",
]
