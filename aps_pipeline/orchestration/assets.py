"""One factory makes every asset of `core`, and its checks, from its table declaration."""

import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.orchestration.materialize import as_dagster_failure, asset_key, materialize
from aps_pipeline.orchestration.partitions import Calendar
from aps_pipeline.orchestration.resources import ApsResource
from aps_pipeline.planning import is_inventory
from aps_pipeline.tables import FETCHED, TABLES, TYPE_NAMES, Table
from aps_pipeline.warehouse import CheckResult, open_warehouse, run_checks
from aps_pipeline.warehouse.checks import Check, all_checks, group_by_kind
from aps_pipeline.wiring import build_warehouse

OWNERS = ["team:aps-pipeline"]
POOL = "aps_api"
"""Shared by all assets that call the API: one run of them at a time."""

WAREHOUSE = dg.AssetKey(["warehouse"])


def all_assets(calendar: Calendar) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Build every asset, in the order of the declarations."""
    with allow_beta():
        made = [
            core_asset(table, calendar) if table in FETCHED else side_asset(table, calendar)
            for table in TABLES.values()
        ]
    return [*made, warehouse_asset()]


@contextmanager
def allow_beta() -> Iterator[None]:
    """Silence Dagster's warning that `backfill_policy` is beta: its version is pinned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


def core_asset(table: Table, calendar: Calendar) -> dg.AssetsDefinition:
    """Build the asset that fetches and builds the partitions of one table."""
    partitions = calendar.of_table(table)

    @dg.asset(
        key=asset_key(table),
        deps=[asset_key(each) for each in upstream_tables(table)],
        description=asset_description(table),
        metadata=table_metadata(table),
        group_name=table.group,
        kinds={"parquet"},
        owners=OWNERS,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
        output_required=False,  # each partition has its own event instead of one output for all of them
        pool=POOL,
    )
    def fetch(
        context: dg.AssetExecutionContext, aps: dg.ResourceParam[ApsResource]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with as_dagster_failure(), aps.pipeline() as (settings, pipeline), as_dagster_failure(settings):
            yield from materialize(context, table, settings, pipeline, aps.progress)

    return fetch


def side_asset(table: Table, calendar: Calendar) -> dg.AssetSpec:
    """Describe a table that the run of another one writes: shown, but nothing to launch."""
    return dg.AssetSpec(
        asset_key(table),
        deps=[asset_key(TABLES[name]) for name in table.side_of],
        description=asset_description(table),
        metadata=table_metadata(table),
        group_name=table.group,
        kinds={"parquet"},
        owners=OWNERS,
        partitions_def=calendar.of_table(table),
    )


def warehouse_asset() -> dg.AssetsDefinition:
    """Build the asset of the DuckDB file, with the checks on it."""

    @dg.asset(
        key=WAREHOUSE,
        deps=[asset_key(table) for table in TABLES.values()],
        description="`warehouse.duckdb`: core tables, marts and calls, swapped in whole. Makes no call.",
        group_name="warehouse",
        kinds={"duckdb"},
        owners=OWNERS,
        check_specs=check_specs(WAREHOUSE),
        automation_condition=after_any_table(),
    )
    def warehouse(
        context: dg.AssetExecutionContext, aps: dg.ResourceParam[ApsResource]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with as_dagster_failure(), aps.pipeline() as (settings, pipeline), as_dagster_failure(settings):
            for problem in settings.site_problems:
                context.log.warning(f"{problem}; the warehouse is built without that file")
            built = build_warehouse(settings, pipeline, force=True)
            assert built is not None  # noqa: S101 - it was forced
            rows = "\n".join(f"| {name} | {count:,} |" for name, count in sorted(built.rows.items()))
            yield dg.MaterializeResult(
                metadata={
                    "path": dg.MetadataValue.path(str(built.path)),
                    "rows": sum(count for name, count in built.rows.items() if name.startswith("core.")),
                    "tables": dg.MetadataValue.md(f"| table | rows |\n| --- | ---: |\n{rows}"),
                },
                check_results=list(check_results(WAREHOUSE, built.path)),
            )

    return warehouse


def after_any_table() -> dg.AutomationCondition[dg.AssetKey]:
    """Build the condition that a table has changed and no run is changing one; partitions may be missing."""
    return (
        dg.AutomationCondition.eager()
        .without(~dg.AutomationCondition.any_deps_missing())
        .with_label("after any table")
    )


def upstream_tables(table: Table) -> list[Table]:
    """Find the inventory table that a table's requests come from; details name the devices first."""
    if is_inventory(table):
        above = ["systems"] if table.name != "systems" else []
    else:
        above = [f"{ENDPOINTS[table.source.endpoint].device}s"]
    return [TABLES[name] for name in above]


def asset_description(table: Table) -> str:
    """Describe what a table holds, for people who look at the asset."""
    remarks = "\n".join(f"- {remark}" for remark in table.remarks)
    return f"{table.summary}\n\n{remarks}\n\n{table.origin}"


def table_metadata(table: Table) -> dict[str, Any]:
    """Describe table name and columns, as Dagster shows them."""
    columns = [
        dg.TableColumn(
            column.name,
            TYPE_NAMES[column.type],
            description=column.comment,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
        )
        for column in table.columns
    ]
    return {
        "dagster/table_name": f"core.{table.name}",
        "dagster/column_schema": dg.TableSchema(
            columns, constraints=dg.TableConstraints(other=[f"unique: {', '.join(table.keys)}"])
        ),
    }


_SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """List the checks of a warehouse."""
    return [
        dg.AssetCheckSpec(kind, asset=asset, description=_check_description(checks))
        for kind, checks in group_by_kind(all_checks()).items()
    ]


def _check_description(checks: list[Check]) -> str:
    meaning = checks[0].meaning if len(checks) == 1 else f"{len(checks)} tables are checked"
    return f"{meaning}. If some fail: {checks[0].advice}"


def check_results(asset: dg.AssetKey, path: Path) -> Iterator[dg.AssetCheckResult]:
    """Run the checks of a warehouse. Raises WarehouseError."""
    with closing(open_warehouse(path)) as connection:
        kinds = group_by_kind(run_checks(connection))
    for kind, results in kinds.items():
        yield _result(asset, kind, results)


def _result(asset: dg.AssetKey, kind: str, results: list[CheckResult]) -> dg.AssetCheckResult:
    failing = [result for result in results if not result.passed]
    severe = next((r for r in failing if r.severity == "error"), (failing or results)[0])
    samples = [f"{result.name}: {row}" for result in failing for row in result.sample]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=kind,
        passed=not failing,
        severity=_SEVERITY[severe.severity],
        description=severe.meaning if failing else None,
        metadata={
            "failing_rows": sum(result.failing for result in results),
            **({"advice": severe.advice, "sample": "\n".join(samples[:10])} if failing else {}),
        },
    )
