"""Monthly reports as an asset, and the sensor that sends alerts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from aps_pipeline.alerts import run_alerts
from aps_pipeline.orchestration.assets import OWNERS, WAREHOUSE, allow_beta
from aps_pipeline.orchestration.jobs import ANY_ASSETS
from aps_pipeline.orchestration.materialize import as_dagster_failure
from aps_pipeline.orchestration.partitions import Calendar, range_tags
from aps_pipeline.orchestration.resources import ApsResource
from aps_pipeline.periods import Grain, Period
from aps_pipeline.reports import NothingToReportError, WrittenPage, write_reports

REPORT = dg.AssetKey(["report"])


def report_schedule(calendar: Calendar) -> dg.ScheduleDefinition:
    """Build the schedule that makes the report of a month once its last day may be final."""

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
    """Build the asset of the pages on a month: one for each system and one for all. It makes no call."""

    with allow_beta():
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
    )
    def report(
        context: dg.AssetExecutionContext, aps: dg.ResourceParam[ApsResource]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with as_dagster_failure():
            settings = aps.settings()
        missed: list[str] = []
        with as_dagster_failure(settings):
            for key in context.partition_keys:
                try:
                    first = Period.parse(Grain.MONTH, key).first
                    pages = list(
                        write_reports(
                            settings.warehouse_path, settings.reports_path, first, datetime.now(UTC)
                        )
                    )
                except NothingToReportError as error:
                    missed.append(f"{key}: {error}")
                    continue
                context.log_event(
                    dg.AssetMaterialization(REPORT, partition=key, metadata=_report_metadata(pages))
                )
            if missed:
                raise NothingToReportError("; ".join(missed))
        yield from ()

    return report


def _report_metadata(pages: list[WrittenPage]) -> dict[str, Any]:
    lines = "\n".join(f"| {page.system_id or 'all systems'} | {page.path} |" for page in pages)
    return {
        "path": dg.MetadataValue.path(str(pages[-1].path)),
        "pages": len(pages),
        "bytes": sum(page.size for page in pages),
        "files": dg.MetadataValue.md(f"| page | file |\n| --- | --- |\n{lines}"),
    }


def alerts_sensor(aps: ApsResource) -> dg.SensorDefinition:
    """Build the sensor `alerts`. It launches no run; the skip reason says what a tick did."""

    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with as_dagster_failure():
            settings = aps.settings()
        with as_dagster_failure(settings):
            if not settings.warehouse_path.exists():
                return dg.SensorResult(skip_reason="There is no warehouse yet.")
            done = run_alerts(settings.warehouse_path, settings.alerts_path, settings.alert_addresses)
            for message in dict.fromkeys(done.messages):
                context.log.info(message.title)
            return dg.SensorResult(skip_reason=done.summary)

    return dg.SensorDefinition(
        "alerts",
        evaluation_fn=tick,
        asset_selection=dg.AssetSelection.assets(WAREHOUSE),
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            "Tells APS_ALERT_URLS, in one message, which systems, inverters and panels have become weak, "
            "dead or offline in a new warehouse and which have recovered. Makes no call to the API."
        ),
    )
