"""Everything that Dagster knows, put together for a first day and a way to the data."""

from __future__ import annotations

from datetime import date

import dagster as dg

from aps_pipeline.orchestration.alerting import alerting
from aps_pipeline.orchestration.assets import all_assets
from aps_pipeline.orchestration.autopilot import autopilot
from aps_pipeline.orchestration.jobs import all_jobs
from aps_pipeline.orchestration.partitions import Calendar
from aps_pipeline.orchestration.reporting import monthly_report, report_asset
from aps_pipeline.orchestration.resources import RESOURCE, Access
from aps_pipeline.orchestration.schedules import daily_refresh, warehouse_follows
from aps_pipeline.tables import PROFILES, Table


def definitions_of(
    start: date, access: Access, collected: tuple[Table, ...] = PROFILES["standard"]
) -> dg.Definitions:
    """Everything that Dagster knows: partitions from `start`, and what collects the tables `collected`."""
    calendar = Calendar(start)
    return dg.Definitions(
        assets=[*all_assets(calendar), report_asset(calendar)],
        jobs=all_jobs(collected),
        schedules=[daily_refresh(calendar, access, collected), monthly_report(calendar)],
        sensors=[alerting(access), autopilot(calendar, access, collected), warehouse_follows()],
        resources={RESOURCE: access},
        executor=dg.in_process_executor,  # the runs wait for the API; a process for each step would cost more
    )
