"""`aps verify`: every check of the warehouse, what failed, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any

from aps_pipeline.cli.exits import Exit
from aps_pipeline.cli.grids import cell, grid_of, show
from aps_pipeline.config import load_settings
from aps_pipeline.warehouse import CheckResult, by_kind, open_warehouse, run_checks

_STYLE = {"error": "red", "warning": "yellow"}


def verify(as_json: bool) -> int:
    """Run the checks on the warehouse as it is. Raises WarehouseError, NoWarehouseError, SettingsError."""
    with closing(open_warehouse(load_settings().warehouse_path)) as connection:
        results = run_checks(connection)
    code = exit_of_checks(results)
    if as_json:
        print(json.dumps(_as_json(code, results), default=str))
        return code
    _show_checks(results)
    for result in failed(results):
        _show_sample(result)
    print(f"\n{said(results)}")
    return code


def exit_of_checks(results: Sequence[CheckResult]) -> Exit:
    """Refused where a check of severity error fails; warnings are for people to judge."""
    return Exit.REFUSED if any(each.severity == "error" for each in failed(results)) else Exit.COMPLETE


def failed(results: Sequence[CheckResult]) -> list[CheckResult]:
    """Those that did not pass, errors first."""
    return sorted((each for each in results if not each.passed), key=lambda each: each.severity)


def said(results: Sequence[CheckResult]) -> str:
    """How the checks went, in one sentence."""
    severities = [each.severity for each in failed(results)]
    errors, warnings = severities.count("error"), severities.count("warning")
    if not severities:
        return f"{len(results):,} checks passed"
    return f"{len(results) - len(severities):,} checks passed, {errors:,} failed, {warnings:,} gave a warning"


def lines(results: Sequence[CheckResult]) -> Iterator[tuple[str, CheckResult]]:
    """What the table shows: each check that failed, then the others of its kind as one, with one of them."""
    for kind, members in by_kind(results).items():
        yield from ((each.name, each) for each in failed(members))
        passed = [each for each in members if each.passed]
        if len(passed) == 1:
            yield passed[0].name, passed[0]
        elif passed:
            others = "other " if len(passed) < len(members) else ""
            yield f"{kind} ({len(passed)} {others}tables)", passed[0]


def _show_checks(results: Sequence[CheckResult]) -> None:
    grid = grid_of("", "check", "severity", "failing rows>", "what to do")
    for name, result in lines(results):
        style = "green" if result.passed else _STYLE[result.severity]
        number = "0" if result.passed else f"{result.failing:,}"
        advice = "" if result.passed else result.advice
        grid.add_row(cell(name), result.severity, f"[{style}]{number}[/]", cell(advice))
    show(grid)


def _show_sample(result: CheckResult) -> None:
    """Rows that fail, as far as they fit, below what they mean."""
    count = f"{result.failing:,} rows" if result.failing > 1 else "1 row"
    more = f", of which {len(result.sample)} are shown" if result.failing > len(result.sample) else ""
    print(f"\n{result.name}: {count}{more}\n{result.meaning}")
    grid = grid_of("", *result.sample[0])
    for row in result.sample:
        grid.add_row(*map(cell, row.values()))
    show(grid)


def _as_json(code: Exit, results: Sequence[CheckResult]) -> dict[str, Any]:
    severities = [each.severity for each in failed(results)]
    return {
        "exit_code": int(code),
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "checks": [{**asdict(each), "passed": each.passed} for each in results],
    }
