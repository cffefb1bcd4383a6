"""The checks of the warehouse as asset checks: one for each kind of check, over all tables. None blocks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg

from aps_pipeline.warehouse import CheckResult, open_warehouse, run_checks
from aps_pipeline.warehouse.checks import Check, all_checks, by_kind

_SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """What is checked of a warehouse."""
    return [
        dg.AssetCheckSpec(kind, asset=asset, description=_described(checks))
        for kind, checks in by_kind(all_checks()).items()
    ]


def _described(checks: list[Check]) -> str:
    meaning = checks[0].meaning if len(checks) == 1 else f"{len(checks)} tables are checked"
    return f"{meaning}. If some fail: {checks[0].advice}"


def check_results(asset: dg.AssetKey, path: Path) -> Iterator[dg.AssetCheckResult]:
    """How the checks of a warehouse went. Raises WarehouseError."""
    with closing(open_warehouse(path)) as connection:
        kinds = by_kind(run_checks(connection))
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
