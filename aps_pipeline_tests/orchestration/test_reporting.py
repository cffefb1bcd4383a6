"""The report as an asset: one event a month, honest about months of which nothing is held."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.partitions import Calendar
from aps_pipeline.orchestration.reports import REPORT, report_schedule
from aps_pipeline.orchestration.resources import RESOURCE
from aps_pipeline_tests.orchestration.conftest import START, Dagster


def test_each_month_is_told_of_and_one_without_figures_fails(dagster: Dagster) -> None:
    dagster.run(["system_daily_energy"], "2024-03")
    defs = build_definitions(START, dagster.access)
    defs.resolve_job_def("build_warehouse").execute_in_process(
        instance=dagster.instance, resources={RESOURCE: dagster.access}
    )
    before = dagster.site.calls

    told = dagster.run([REPORT], "2024-03", "2024-04")

    assert not told.success
    ((month, shown),) = told.events(REPORT).items()
    assert month == "2024-03"
    assert str(shown["path"]).endswith("2024-03/index.html")
    assert shown["pages"] == 1 + len(dagster.site.simulator.fleet.system_ids)
    assert "no figure of 2024-04: it holds 2024-03 to 2024-03" in told.failure
    assert dagster.site.calls == before


def test_the_schedule_asks_for_the_month_before() -> None:
    schedule = report_schedule(Calendar(START))
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 1, 7, 14, tzinfo=UTC))
    data = schedule.evaluate_tick(context)
    assert data.run_requests is not None
    (request,) = data.run_requests
    assert request.asset_selection == [REPORT]
    assert request.tags["dagster/asset_partition_range_start"] == "2025-12"
