"""Everything that Dagster knows, put together for a first day and a resource.

`dagster dev -w workspace.yaml` loads `defs`. That reads the settings, but opens no ledger and no network.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from aps_pipeline.config import load_settings
from aps_pipeline.orchestration.assets import all_assets
from aps_pipeline.orchestration.autopilot import autopilot_sensor
from aps_pipeline.orchestration.jobs import all_jobs, refresh_schedule, warehouse_sensor
from aps_pipeline.orchestration.partitions import Calendar
from aps_pipeline.orchestration.reports import alerts_sensor, report_asset, report_schedule
from aps_pipeline.orchestration.resources import RESOURCE, ApsResource
from aps_pipeline.tables import PROFILES, Table


def build_definitions(
    start: date, aps: ApsResource, collected: tuple[Table, ...] = PROFILES["standard"]
) -> dg.Definitions:
    """Build what Dagster loads: partitions from `start`, and what collects the tables `collected`."""
    calendar = Calendar(start)
    return dg.Definitions(
        assets=[*all_assets(calendar), report_asset(calendar)],
        jobs=all_jobs(collected),
        schedules=[refresh_schedule(calendar, aps, collected), report_schedule(calendar)],
        sensors=[alerts_sensor(aps), autopilot_sensor(calendar, aps, collected), warehouse_sensor()],
        resources={RESOURCE: aps},
        executor=dg.in_process_executor,  # the runs wait for the API; a process for each step would cost more
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Build the definitions of the configured account. Raises SettingsError."""
    settings = load_settings()
    return build_definitions(settings.start_date, ApsResource(), PROFILES[settings.profile])
