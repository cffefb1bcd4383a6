"""The DuckDB file that people query: `core` (the lake's tables), `mart` (answers), `meta` (about both).

A build makes a new file beside the old one and renames it, so a reader never waits and never sees half.
Everything in it can be made again from lake and ledger; nothing else may write it.

Where do I go to …?
    add an answer that analysts want        sql/<name>.sql; its header becomes the comments (`marts`)
    add a check on the data                 checks/<name>.sql; on every table: `checks`
    say how far rounding may be off         sql/decimals.sql; the macros it uses are in `connection`
    see which tables are views, and why     `ddl`; how they are read while files change is in `connection`
    change a table of `meta`                `meta`; coverage, claims: `coverage`; local days: `zone_days`;
                                            roofs, prices and the clear sky in `site_tables`
    see how a build runs                    `builder`
    see when no build is needed             `builder`; what a build is made from is in `inputs`
    give energy to other programs           `exports`
    read it                                 `connection`: open_warehouse, query, Warehouse
"""

from __future__ import annotations

from aps_pipeline.warehouse.builder import BuiltWarehouse, build, is_current
from aps_pipeline.warehouse.checks import CheckResult, all_checks, group_by_kind, run_checks
from aps_pipeline.warehouse.connection import Warehouse, open_warehouse, query
from aps_pipeline.warehouse.ddl import Connection
from aps_pipeline.warehouse.errors import HeaderError, NoWarehouseError, QueryError, WarehouseError

__all__ = [
    "BuiltWarehouse",
    "CheckResult",
    "Connection",
    "HeaderError",
    "NoWarehouseError",
    "QueryError",
    "Warehouse",
    "WarehouseError",
    "all_checks",
    "build",
    "group_by_kind",
    "is_current",
    "open_warehouse",
    "query",
    "run_checks",
]
