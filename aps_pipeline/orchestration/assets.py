"""One factory makes every asset of `core` from its table declaration; the warehouse comes after them all."""

# No postponed annotations here: Dagster looks at that of `context`.

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.orchestration.checks import check_results, check_specs
from aps_pipeline.orchestration.collecting import asset_key, collect
from aps_pipeline.orchestration.failures import told_plainly
from aps_pipeline.orchestration.partitions import Calendar
from aps_pipeline.orchestration.resources import RESOURCE, Access
from aps_pipeline.planning import is_inventory
from aps_pipeline.tables import FETCHED, TABLES, Table, type_names
from aps_pipeline.wiring import build_warehouse

OWNERS = ["team:aps-pipeline"]
POOL = "aps_api"
"""Shared by all assets that call the API: one run of them at a time."""

WAREHOUSE = dg.AssetKey(["warehouse"])


def all_assets(calendar: Calendar) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Every asset there is, in the order of the declarations."""
    with beta_allowed():
        made = [
            core_asset(table, calendar) if table in FETCHED else written_along(table, calendar)
            for table in TABLES.values()
        ]
    return [*made, warehouse_asset()]


@contextmanager
def beta_allowed() -> Iterator[None]:
    """Without Dagster's warning that `backfill_policy` is beta: its version is pinned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


def core_asset(table: Table, calendar: Calendar) -> dg.AssetsDefinition:
    """The asset that fetches and builds the partitions of one table."""
    partitions = calendar.of_table(table)

    @dg.asset(
        key=asset_key(table),
        deps=[asset_key(each) for each in needed(table)],
        description=described(table),
        metadata=shown(table),
        group_name=table.group,
        kinds={"parquet"},
        owners=OWNERS,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
        output_required=False,  # each partition has its own event instead of one output for all of them
        required_resource_keys={RESOURCE},
        pool=POOL,
    )
    def fetch(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        access: Access = getattr(context.resources, RESOURCE)
        with told_plainly(), access.pipeline() as (settings, pipeline), told_plainly(settings):
            yield from collect(context, table, access, settings, pipeline)

    return fetch


def written_along(table: Table, calendar: Calendar) -> dg.AssetSpec:
    """A table that the run of another one writes: shown, but nothing to launch."""
    return dg.AssetSpec(
        asset_key(table),
        deps=[asset_key(TABLES[name]) for name in table.side_of],
        description=described(table),
        metadata=shown(table),
        group_name=table.group,
        kinds={"parquet"},
        owners=OWNERS,
        partitions_def=calendar.of_table(table),
    )


def warehouse_asset() -> dg.AssetsDefinition:
    """The DuckDB file, with the checks on it."""

    @dg.asset(
        key=WAREHOUSE,
        deps=[asset_key(table) for table in TABLES.values()],
        description="`warehouse.duckdb`: core tables, marts and calls, swapped in whole. Makes no call.",
        group_name="warehouse",
        kinds={"duckdb"},
        owners=OWNERS,
        required_resource_keys={RESOURCE},
        check_specs=check_specs(WAREHOUSE),
        automation_condition=after_any_table(),
    )
    def warehouse(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        access: Access = getattr(context.resources, RESOURCE)
        with told_plainly(), access.pipeline() as (settings, pipeline), told_plainly(settings):
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
    """Once some table has changed and no run is still changing one; some partitions may be missing."""
    return (
        dg.AutomationCondition.eager()
        .without(~dg.AutomationCondition.any_deps_missing())
        .with_label("after any table")
    )


def needed(table: Table) -> list[Table]:
    """The inventory table that shows whose data a table holds; details first name what there is."""
    if is_inventory(table):
        above = ["systems"] if table.name != "systems" else []
    else:
        above = [f"{ENDPOINTS[table.source.endpoint].device}s"]
    return [TABLES[name] for name in above]


def described(table: Table) -> str:
    """What a table holds, for people who look at the asset."""
    remarks = "\n".join(f"- {remark}" for remark in table.remarks)
    return f"{table.summary}\n\n{remarks}\n\n{table.origin}"


def shown(table: Table) -> dict[str, Any]:
    """Table name and columns, as Dagster shows them."""
    columns = [
        dg.TableColumn(
            column.name,
            type_names[column.type],
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
