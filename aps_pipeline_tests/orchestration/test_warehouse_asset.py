"""The warehouse as an asset: built from what there is, checked, and rebuilt once tables have changed."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest
from dagster._core.definitions.asset_daemon_cursor import AssetDaemonCursor
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.jobs import ANY_ASSETS, GRAINS, refresh_request
from aps_pipeline.orchestration.resources import RESOURCE
from aps_pipeline.tables import PROFILES
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
    defs, instance = build_definitions(START, dagster.access), dagster.instance
    _, cursor = _requested(defs, instance)
    dagster.run(["system_hourly_energy"], "2024-03-05")
    requested, cursor = _requested(defs, instance, cursor)
    assert requested == 1
    build(dagster)
    requested, cursor = _requested(defs, instance, cursor)
    assert requested == 0
    requested, cursor = _requested(defs, instance, cursor)
    assert requested == 0
    dagster.run(["system_daily_energy"], "2024-03")
    assert _requested(defs, instance, cursor)[0] == 1


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_it_is_built_once_for_all_runs_of_a_refresh(dagster: Dagster) -> None:
    """The runs of a day are queued together; while one is queued or under way, the warehouse waits."""
    collected, instance = PROFILES["standard"], dagster.instance
    defs = build_definitions(START, dagster.access, collected)
    job, graph = defs.resolve_job_def(ANY_ASSETS), defs.resolve_asset_graph()
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__")
    _, cursor = _requested(defs, instance)
    queued = []
    for name in GRAINS:
        request = refresh_request(name, date(2024, 3, 4), date(2024, 3, 9), collected)
        run = instance.create_run_for_job(
            job.get_subset(asset_selection=set(request.asset_selection or ())),
            tags=request.tags,
            asset_selection=frozenset(request.asset_selection or ()),
            remote_job_origin=RemoteJobOrigin(origin, ANY_ASSETS),
        )
        _report(instance, run, dg.DagsterEventType.PIPELINE_ENQUEUED)
        queued.append((run, request))
    requested = []
    for run, request in queued:
        _report(instance, run, dg.DagsterEventType.PIPELINE_START)
        for key in request.asset_selection or ():
            partitions = graph.get(key).partitions_def
            ends = dg.PartitionKeyRange(*list(request.tags.values())[1:]) if partitions else None
            keys = partitions.get_partition_keys_in_range(ends) if partitions and ends else [None]
            for each in keys:
                instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=each))
        number, cursor = _requested(defs, instance, cursor)
        requested.append(number)
        _report(instance, run, dg.DagsterEventType.PIPELINE_SUCCESS)
        number, cursor = _requested(defs, instance, cursor)
        requested.append(number)
    assert not any(requested[:6]) and sum(requested) == 1, requested


def _requested(
    defs: dg.Definitions, instance: dg.DagsterInstance, cursor: AssetDaemonCursor | None = None
) -> tuple[int, AssetDaemonCursor]:
    result = dg.evaluate_automation_conditions(defs, instance, cursor=cursor)
    return result.total_requested, result.cursor


def _report(instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType) -> None:
    instance.report_dagster_event(dg.DagsterEvent(kind.value, ANY_ASSETS), run.run_id)
