"""Everything that Dagster knows, put together for a first day and a resource.

`dagster dev -w workspace.yaml` loads `defs`. That reads the settings, but opens no ledger and no network.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from aps_pipeline.config import load_settings
from aps_pipeline.orchestration.assets import all_assets
from aps_pipeline.orchestration.autopilot import autopilot
from aps_pipeline.orchestration.jobs import all_jobs, daily_refresh, warehouse_follows
from aps_pipeline.orchestration.partitions import Calendar
from aps_pipeline.orchestration.reports import alerting, monthly_report, report_asset
from aps_pipeline.orchestration.resources import RESOURCE, Access
from aps_pipeline.tables import PROFILES, Table


def definitions_of(
    start: date, access: Access, collected: tuple[Table, ...] = PROFILES["standard"]
) -> dg.Definitions:
    """Build what Dagster loads: partitions from `start`, and what collects the tables `collected`."""
    calendar = Calendar(start)
    return dg.Definitions(
        assets=[*all_assets(calendar), report_asset(calendar)],
        jobs=all_jobs(collected),
        schedules=[daily_refresh(calendar, access, collected), monthly_report(calendar)],
        sensors=[alerting(access), autopilot(calendar, access, collected), warehouse_follows()],
        resources={RESOURCE: access},
        executor=dg.in_process_executor,  # the runs wait for the API; a process for each step would cost more
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions of the configured account. Raises SettingsError."""
    settings = load_settings()
    return definitions_of(settings.start_date, Access(), PROFILES[settings.profile])
