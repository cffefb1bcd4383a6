"""One job for each length of partition of a profile: all partitions of a run are of one length.

Each asks what is missing; with the tag `aps/revise: "true"` also what may have been revised since.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg

from aps_pipeline.orchestration.assets import WAREHOUSE
from aps_pipeline.orchestration.collecting import asset_key
from aps_pipeline.periods import Grain
from aps_pipeline.planning import grain_of, is_inventory
from aps_pipeline.tables import Table

INVENTORY, WAREHOUSE_JOB = "refresh_inventory", "build_warehouse"


def job_of(table: Table) -> str:
    """The name of the job that a table belongs to. Lifetime tables go with the years."""
    if is_inventory(table):
        return INVENTORY
    return {Grain.DAY: "refresh_days", Grain.MONTH: "refresh_months"}.get(grain_of(table), "refresh_years")


DESCRIPTIONS = {
    INVENTORY: "What stands on the roofs: at most three calls a system, at most once a day.",
    "refresh_years": "Tables by year, and those over the whole lifetime. Launch with a range of years.",
    "refresh_months": "Tables by month. Launch with a range of months.",
    "refresh_days": "Tables by day. Launch with a range of days.",
    WAREHOUSE_JOB: "Build the warehouse from lake and ledger, and check it. Makes no call.",
}


GRAINS = {
    INVENTORY: None,
    "refresh_years": Grain.YEAR,
    "refresh_months": Grain.MONTH,
    "refresh_days": Grain.DAY,
}
"""The length of the partitions of each job that asks; None where there are none."""


def keys_of(job: str, collected: Iterable[Table]) -> list[dg.AssetKey]:
    """The assets of a job, where `collected` are the tables of the profile."""
    if job == WAREHOUSE_JOB:
        return [WAREHOUSE]
    return [asset_key(table) for table in collected if job_of(table) == job]


def all_jobs(collected: Iterable[Table]) -> list[Any]:
    """Every job there is, in the order in which they make sense."""
    return [
        dg.define_asset_job(
            name, dg.AssetSelection.assets(*keys_of(name, collected)), description=description
        )
        for name, description in DESCRIPTIONS.items()
    ]
