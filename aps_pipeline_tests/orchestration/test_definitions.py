"""What Dagster knows, pinned: a rename is one obvious failure here."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import dagster as dg
import pytest
import yaml

from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.home import prepare_home
from aps_pipeline.orchestration.resources import ApsResource
from aps_pipeline.tables import TABLES

ROOT = Path(__file__).parents[2]

ASSETS = """
core/ecu_daily_energy          ecu        month  <- ecus
core/ecu_hourly_energy         ecu        day    <- ecus
core/ecu_monthly_energy        ecu        year   <- ecus
core/ecu_power                 ecu        day    <- ecus
core/ecu_summary               ecu        -      <- ecus
core/ecu_yearly_energy         ecu        -      <- ecus
core/ecus                      inventory  -      <- systems
core/inverter_ac_telemetry     inverter   day    <- inverters
core/inverter_batch_energy     inverter   day    <- ecus
core/inverter_batch_power      inverter   day    <- ecus
core/inverter_daily_energy     inverter   month  <- inverters
core/inverter_dc_telemetry     inverter   day    <- inverters
core/inverter_hourly_energy    inverter   day    <- inverters
core/inverter_monthly_energy   inverter   year   <- inverters
core/inverter_summary          inverter   -      <- inverters
core/inverter_yearly_energy    inverter   -      <- inverters
core/inverters                 inventory  -      <- systems
core/meter_daily_energy        meter      month  <- meters
core/meter_hourly_energy       meter      day    <- meters
core/meter_monthly_energy      meter      year   <- meters
core/meter_power               meter      day    <- meters
core/meter_summary             meter      -      <- meters
core/meter_yearly_energy       meter      -      <- meters
core/meters                    inventory  -      <- systems
core/rejected_items            quality    day    <- REFUSED   (external)
core/system_capacity           inventory  -      <- systems
core/system_daily_energy       system     month  <- systems
core/system_hourly_energy      system     day    <- systems
core/system_monthly_energy     system     year   <- systems
core/system_summary            system     -      <- systems
core/system_yearly_energy      system     -      <- systems
core/systems                   inventory  -      <-
report                         reports    month  <- warehouse
warehouse                      warehouse  -      <- (all of core)
"""

JOBS = """
build_warehouse    warehouse
refresh_days       inverter_batch_energy inverter_batch_power meter_hourly_energy system_hourly_energy
refresh_inventory  ecus inverters meters system_capacity systems
refresh_months     meter_daily_energy system_daily_energy
refresh_years      meter_monthly_energy meter_yearly_energy system_monthly_energy system_yearly_energy
"""

SCHEDULES = """
daily_refresh   30 12 * * *  UTC  STOPPED
monthly_report  0 14 7 * *   UTC  STOPPED
"""

SENSORS = """
alerts             STOPPED
autopilot          STOPPED
warehouse_follows  RUNNING
"""

FORMATS = {"%Y-%m-%d": "day", "%Y-%m": "month", "%Y": "year"}


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    return build_definitions(date(2020, 1, 1), ApsResource())


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def _asset(defs: dg.Definitions, key: dg.AssetKey) -> str:
    graph = defs.resolve_asset_graph()
    node = graph.get(key)
    partitions = node.partitions_def
    length = FORMATS[partitions.fmt] if isinstance(partitions, dg.TimeWindowPartitionsDefinition) else "-"
    parents = sorted(parent.path[-1] for parent in node.parent_keys)
    if parents == sorted(TABLES):
        parents = ["(all of core)"]
    external = [] if node.is_executable else ["(external)"]
    return " ".join([key.to_user_string(), node.group_name or "", length, "<-", *parents, *external])


def test_assets(defs: dg.Definitions) -> None:
    keys = sorted(defs.resolve_asset_graph().get_all_asset_keys())
    sources = " ".join(sorted(TABLES["rejected_items"].side_of))
    assert [_asset(defs, key) for key in keys] == lines(ASSETS.replace("REFUSED", sources))


def test_jobs(defs: dg.Definitions) -> None:
    found = []
    for job in defs.resolve_all_job_defs():
        if not job.name.startswith("__"):
            keys = sorted(key.path[-1] for key in job.asset_layer.executable_asset_keys)
            found.append(" ".join([job.name, *keys]))
    assert sorted(found) == lines(JOBS)


def test_schedules_and_sensors(defs: dg.Definitions) -> None:
    schedules = [
        f"{s.name} {s.cron_schedule} {s.execution_timezone} {s.default_status.value}"
        for s in defs.schedules or ()
        if isinstance(s, dg.ScheduleDefinition)
    ]
    assert schedules == lines(SCHEDULES)
    sensors = [
        f"{s.name} {s.default_status.value}" for s in defs.sensors or () if isinstance(s, dg.SensorDefinition)
    ]
    assert sensors == lines(SENSORS)


def test_assets_say_what_they_hold(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for name, table in TABLES.items():
        node = graph.get(dg.AssetKey(["core", name]))
        assert table.description in (node.description or "")
        assert node.owners == ["team:aps-pipeline"]
        assert node.kinds == {"parquet"}
        schema = node.metadata["dagster/column_schema"]
        assert isinstance(schema, dg.TableSchema)
        assert [column.name for column in schema.columns] == table.schema.names
        if not table.side_of:
            assert graph.assets_def_for_key(node.key).op.pool == "aps_api"
            partitioned = node.partitions_def is not None
            assert node.backfill_policy == (dg.BackfillPolicy.single_run() if partitioned else None)
    columns = (
        graph.get(dg.AssetKey(["core", "system_hourly_energy"])).metadata["dagster/column_schema"].columns
    )
    energy = next(column for column in columns if column.name == "energy_kwh")
    assert energy.type == "double"
    assert "[kWh]" in (energy.description or "")
    assert energy.constraints.nullable


def test_loading_needs_no_setting_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "from dagster import Definitions; from aps_pipeline.orchestration.definitions import defs; "
        "Definitions.validate_loadable(defs())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::Warning:aps_pipeline", "-c", code],
        cwd=tmp_path,
        env={"PATH": "/nowhere", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_the_workspace_names_the_definitions() -> None:
    (entry,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert entry["python_module"]["module_name"] == "aps_pipeline.orchestration.definitions"
    assert entry["python_module"]["working_directory"] == "."


def test_a_new_home_has_settings_that_dagster_takes_and_keeps_what_is_there(tmp_path: Path) -> None:
    home = prepare_home(tmp_path / "home")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 2

    (home / "dagster.yaml").write_text("# mine\n")
    assert (prepare_home(home) / "dagster.yaml").read_text() == "# mine\n"
