"""The daily refresh of the profile's tables: yesterday and what may have been revised since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import dagster as dg

from aps_pipeline.orchestration.assets import WAREHOUSE
from aps_pipeline.orchestration.collecting import REVISE_TAG
from aps_pipeline.orchestration.failures import told_plainly
from aps_pipeline.orchestration.jobs import DESCRIPTIONS, GRAINS, WAREHOUSE_JOB, keys_of
from aps_pipeline.orchestration.partitions import Calendar, range_tags
from aps_pipeline.orchestration.resources import Access
from aps_pipeline.periods import Period, days_between
from aps_pipeline.tables import Table

AFTER_EVERY_MIDNIGHT = time(12, 30)
"""Half an hour after yesterday has ended in the last time zone, in UTC."""

DAILY_REFRESH = "daily_refresh"

ANY_ASSETS = "__ASSET_JOB"
"""Dagster's own job of all assets: the only one that may hold days, months and years."""


def daily_refresh(calendar: Calendar, access: Access, collected: tuple[Table, ...]) -> dg.ScheduleDefinition:
    """The schedule that keeps those tables fresh: one ranged run for each length of partition."""

    def requests(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        with told_plainly():
            revision = timedelta(days=access.settings().revision_days)
        days = refreshed_days(calendar, context.scheduled_execution_time, revision)
        if days is None:
            yield dg.SkipReason(f"No day since {calendar.start} is over yet.")
            return
        first, last = days
        for job in DESCRIPTIONS:
            if job != WAREHOUSE_JOB and keys_of(job, collected):
                yield refresh_of(job, first, last, collected)

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


def refreshed_days(calendar: Calendar, when: datetime, revision: timedelta) -> tuple[date, date] | None:
    """The days that a refresh at that time is about; None before the first one is over."""
    last = calendar.last_day(when)
    return (max(last - revision, calendar.start), last) if last else None


def refreshes_between(now: datetime, end: datetime) -> list[datetime]:
    """When the daily refresh starts after `now` and before `end`."""
    days = days_between(now.astimezone(UTC).date(), end.astimezone(UTC).date())
    starts = (datetime.combine(day, AFTER_EVERY_MIDNIGHT, UTC) for day in days)
    return [start for start in starts if now < start < end]


def refresh_of(job: str, first: date, last: date, collected: tuple[Table, ...]) -> dg.RunRequest:
    """The run that refreshes the tables of a job over the periods that hold a day from `first` to `last`."""
    grain = GRAINS[job]
    partitions = range_tags(Period.containing(grain, first), Period.containing(grain, last)) if grain else {}
    return dg.RunRequest(
        run_key=f"{job} {last}",
        asset_selection=keys_of(job, collected),
        tags={REVISE_TAG: "true", **partitions},
    )


def warehouse_follows() -> dg.AutomationConditionSensorDefinition:
    """Builds the warehouse once tables have changed and no run is changing one any more. Makes no call."""
    return dg.AutomationConditionSensorDefinition(
        "warehouse_follows",
        target=dg.AssetSelection.assets(WAREHOUSE),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=60,
        description="Builds the warehouse after tables have changed. Makes no call.",
    )
