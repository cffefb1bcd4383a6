"""The reports as an asset: one partition a month, made from the warehouse as it is."""

# No postponed annotations here: Dagster looks at that of `context`.

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from aps_pipeline.config import Settings
from aps_pipeline.orchestration.assets import OWNERS, WAREHOUSE, beta_allowed
from aps_pipeline.orchestration.failures import told_plainly
from aps_pipeline.orchestration.partitions import Calendar, range_tags
from aps_pipeline.orchestration.resources import RESOURCE, Access
from aps_pipeline.orchestration.schedules import ANY_ASSETS
from aps_pipeline.periods import Grain, Period
from aps_pipeline.reports import NothingToReportError, Written, write_reports

REPORT = dg.AssetKey(["report"])


def monthly_report(calendar: Calendar) -> dg.ScheduleDefinition:
    """The schedule that makes the report of a month once its last day may be final."""

    def requests(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.date()
        month = Period.containing(Grain.MONTH, day.replace(day=1) - timedelta(days=1))
        if month.last < calendar.start:
            return dg.SkipReason(f"No month since {calendar.start} is over yet.")
        return dg.RunRequest(month.key, asset_selection=[REPORT], tags=range_tags(month, month))

    return dg.ScheduleDefinition(
        name="monthly_report",
        job_name=ANY_ASSETS,
        cron_schedule="0 14 7 * *",
        execution_timezone="UTC",
        execution_fn=requests,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="The report of the month before, on the 7th, after the refresh of that day.",
    )


def report_asset(calendar: Calendar) -> dg.AssetsDefinition:
    """Pages on a month: one for each system and one for all. Makes no call."""

    with beta_allowed():
        return _report_asset(calendar.of(Grain.MONTH))


def _report_asset(months: dg.PartitionsDefinition | None) -> dg.AssetsDefinition:
    @dg.asset(
        key=REPORT,
        deps=[WAREHOUSE],
        description="Pages on a month: one HTML file for each system and one for all. Makes no call.",
        group_name="reports",
        kinds={"html"},
        owners=OWNERS,
        partitions_def=months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        output_required=False,  # each month has its own event
        required_resource_keys={RESOURCE},
    )
    def report(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        access: Access = getattr(context.resources, RESOURCE)
        with told_plainly():
            settings = access.settings()
        missed = []
        with told_plainly(settings):
            for key in context.partition_keys:
                try:
                    pages = _written(settings, Period.parse(Grain.MONTH, key))
                except NothingToReportError as error:
                    missed.append(f"{key}: {error}")
                    continue
                context.log_event(dg.AssetMaterialization(REPORT, partition=key, metadata=_shown(pages)))
            if missed:
                raise NothingToReportError("; ".join(missed))
        yield from ()

    return report


def _written(settings: Settings, month: Period) -> list[Written]:
    return list(write_reports(settings.warehouse_path, settings.reports_path, month.first, datetime.now(UTC)))


def _shown(pages: list[Written]) -> dict[str, Any]:
    lines = "\n".join(f"| {page.system_id or 'all systems'} | {page.path} |" for page in pages)
    return {
        "path": dg.MetadataValue.path(str(pages[-1].path)),
        "pages": len(pages),
        "bytes": sum(page.size for page in pages),
        "files": dg.MetadataValue.md(f"| page | file |\n| --- | --- |\n{lines}"),
    }
