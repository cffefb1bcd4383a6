"""Jobs, one for each length of partition of a profile, and the schedules that start them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import dagster as dg

from aps_pipeline.orchestration.assets import WAREHOUSE
from aps_pipeline.orchestration.materialize import REVISE_TAG, as_dagster_failure, asset_key
from aps_pipeline.orchestration.partitions import Calendar, range_tags
from aps_pipeline.orchestration.resources import ApsResource
from aps_pipeline.periods import Grain, Period, days_between
from aps_pipeline.planning import is_inventory
from aps_pipeline.tables import Table

INVENTORY, WAREHOUSE_JOB = "refresh_inventory", "build_warehouse"


def job_name(table: Table) -> str:
    """Name the job that a table belongs to. Lifetime tables go with the years."""
    if is_inventory(table):
        return INVENTORY
    return {Grain.DAY: "refresh_days", Grain.MONTH: "refresh_months"}.get(
        table.partition_grain, "refresh_years"
    )


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
"""The length of the partitions of each job that makes calls; None where there are none."""


def asset_keys_of(job: str, collected: Iterable[Table]) -> list[dg.AssetKey]:
    """List the assets of a job, where `collected` are the tables of the profile."""
    if job == WAREHOUSE_JOB:
        return [WAREHOUSE]
    return [asset_key(table) for table in collected if job_name(table) == job]


def all_jobs(collected: Iterable[Table]) -> list[Any]:
    """Build every job, in the order in which they make sense."""
    return [
        dg.define_asset_job(
            name, dg.AssetSelection.assets(*asset_keys_of(name, collected)), description=description
        )
        for name, description in DESCRIPTIONS.items()
    ]


AFTER_EVERY_MIDNIGHT = time(12, 30)
"""Half an hour after yesterday has ended in the last time zone, in UTC."""

DAILY_REFRESH = "daily_refresh"

ANY_ASSETS = "__ASSET_JOB"
"""Dagster's own job of all assets: the only one that may hold days, months and years."""


def refresh_schedule(
    calendar: Calendar, aps: ApsResource, collected: tuple[Table, ...]
) -> dg.ScheduleDefinition:
    """Build the schedule that keeps those tables fresh: one ranged run for each length of partition."""

    def requests(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        with as_dagster_failure():
            revision_window = timedelta(days=aps.settings().revision_days)
        days = get_refresh_days(calendar, context.scheduled_execution_time, revision_window)
        if days is None:
            yield dg.SkipReason(f"No day since {calendar.start} is over yet.")
            return
        first, last = days
        for job in DESCRIPTIONS:
            if job != WAREHOUSE_JOB and asset_keys_of(job, collected):
                yield refresh_request(job, first, last, collected)

    return dg.ScheduleDefinition(
        name=DAILY_REFRESH,
        job_name=ANY_ASSETS,
        cron_schedule=f"{AFTER_EVERY_MIDNIGHT.minute} {AFTER_EVERY_MIDNIGHT.hour} * * *",
        execution_timezone="UTC",
        execution_fn=requests,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=(
            "Yesterday and the revision window (APS_REVISION_DAYS) of the tables of APS_PROFILE, asked "
            "again where an answer may have changed, at most once a day. `warehouse_follows` then rebuilds "
            "the warehouse."
        ),
    )


def get_refresh_days(
    calendar: Calendar, when: datetime, revision_window: timedelta
) -> tuple[date, date] | None:
    """Compute the days of a refresh at that time; None before the first day is over."""
    last = calendar.last_day(when)
    return (max(last - revision_window, calendar.start), last) if last else None


def refreshes_between(now: datetime, end: datetime) -> list[datetime]:
    """List the times at which the daily refresh starts after `now` and before `end`."""
    days = days_between(now.astimezone(UTC).date(), end.astimezone(UTC).date())
    starts = (datetime.combine(day, AFTER_EVERY_MIDNIGHT, UTC) for day in days)
    return [start for start in starts if now < start < end]


def refresh_request(job: str, first: date, last: date, collected: tuple[Table, ...]) -> dg.RunRequest:
    """Request the run that refreshes the tables of a job over the periods from `first` to `last`."""
    grain = GRAINS[job]
    partitions = range_tags(Period.containing(grain, first), Period.containing(grain, last)) if grain else {}
    return dg.RunRequest(
        run_key=f"{job} {last}",
        asset_selection=asset_keys_of(job, collected),
        tags={REVISE_TAG: "true", **partitions},
    )


def warehouse_sensor() -> dg.AutomationConditionSensorDefinition:
    """Build the sensor that builds the warehouse once tables have changed. It makes no call."""
    return dg.AutomationConditionSensorDefinition(
        "warehouse_follows",
        target=dg.AssetSelection.assets(WAREHOUSE),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=60,
        description="Builds the warehouse after tables have changed. Makes no call.",
    )
