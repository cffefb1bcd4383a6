"""The checks of the warehouse as asset checks: one for each kind of check, over all tables. None blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path

import dagster as dg

from aps_pipeline.warehouse import CheckResult, open_warehouse, run_checks
from aps_pipeline.warehouse.checks import Check, all_checks

_SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


def check_specs(asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """What is checked of a warehouse."""
    kinds: dict[str, list[Check]] = {}
    for check in all_checks():
        kinds.setdefault(kind_of(check.name), []).append(check)
    return [
        dg.AssetCheckSpec(kind, asset=asset, description=_described(checks)) for kind, checks in kinds.items()
    ]


def _described(checks: list[Check]) -> str:
    meaning = checks[0].meaning if len(checks) == 1 else f"{len(checks)} tables are checked"
    return f"{meaning}. If some fail: {checks[0].advice}"


def check_results(asset: dg.AssetKey, path: Path) -> Iterator[dg.AssetCheckResult]:
    """How the checks of a warehouse went. Raises WarehouseError."""
    with closing(open_warehouse(path)) as connection:
        results = sorted(run_checks(connection), key=lambda result: kind_of(result.name))
    for kind, group in groupby(results, key=lambda result: kind_of(result.name)):
        yield _result(asset, kind, list(group))


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


def kind_of(name: str) -> str:
    """The kind of a check whose name may go on with a table: `unique_key systems` is a `unique_key`."""
    return re.sub(r"\W", "_", name.split(maxsplit=1)[0])
