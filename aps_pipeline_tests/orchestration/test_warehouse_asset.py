"""The warehouse as an asset: built from what there is, checked, and rebuilt once tables have changed."""

from __future__ import annotations

import dagster as dg
import pytest

from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.resources import RESOURCE
from aps_pipeline_tests.orchestration.conftest import START, Dagster


def build(dagster: Dagster) -> dg.ExecuteInProcessResult:
    job = build_definitions(START, dagster.access).resolve_job_def("build_warehouse")
    return job.execute_in_process(
        instance=dagster.instance, resources={RESOURCE: dagster.access}, raise_on_error=False
    )


def test_it_is_built_and_checked_without_a_call(dagster: Dagster) -> None:
    dagster.run(["system_hourly_energy", "inverter_batch_energy"], "2024-03-05", "2024-03-06")
    dagster.run(["system_daily_energy"], "2024-03")
    before = dagster.site.calls
    result = build(dagster)

    assert result.success
    assert dagster.site.calls == before
    (event,) = result.get_asset_materialization_events()
    assert "| core.system_hourly_energy | 96 |" in str(event.materialization.metadata["tables"].value)
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert {"unique_key", "known_call", "negative_energy"} <= set(checks)
    assert checks["unique_key"]
    assert checks["known_call"]


def test_it_can_be_built_before_there_is_anything(dagster: Dagster) -> None:
    assert build(dagster).success


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_it_follows_when_tables_have_changed_and_only_then(dagster: Dagster) -> None:
    defs = build_definitions(START, dagster.access)

    def wants(cursor: object = None) -> tuple[int, object]:
        result = dg.evaluate_automation_conditions(defs, dagster.instance, cursor=cursor)  # type: ignore[arg-type]
        return result.total_requested, result.cursor

    _, cursor = wants()
    dagster.run(["system_hourly_energy"], "2024-03-05")
    requested, cursor = wants(cursor)
    assert requested == 1
    build(dagster)
    requested, cursor = wants(cursor)
    assert requested == 0
    requested, cursor = wants(cursor)
    assert requested == 0
    dagster.run(["system_daily_energy"], "2024-03")
    assert wants(cursor)[0] == 1
