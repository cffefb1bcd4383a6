"""`aps verify`: every check of archive and warehouse, what failed, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from typing import Any

from aps_pipeline.cli.archive_checks import check_archive
from aps_pipeline.cli.exits import Exit
from aps_pipeline.cli.grids import cell, grid_of, show
from aps_pipeline.config import Settings, load_settings
from aps_pipeline.warehouse import (
    CheckResult,
    NoWarehouseError,
    WarehouseError,
    by_kind,
    open_warehouse,
    run_checks,
)
from aps_pipeline.wiring import has_archive, open_pipeline

_STYLE = {"error": "red", "warning": "yellow"}


def verify(as_json: bool, quick: bool = False) -> int:
    """Check archive and warehouse as they are. Raises NoWarehouseError, LedgerError, SettingsError."""
    settings = load_settings()
    results = _check_archive(settings, quick=quick, quiet=as_json)
    try:
        results += _check_warehouse(settings)
    except NoWarehouseError as error:
        if not results:
            raise  # nothing was collected yet
        results.append(_no_warehouse(error))
    code = exit_of_checks(results)
    if as_json:
        print(json.dumps(_as_json(code, results), default=str))
        return code
    _show_checks(results)
    for result in failed(results):
        _show_sample(result)
    print(f"\n{said(results)}")
    return code


def _check_archive(settings: Settings, *, quick: bool, quiet: bool) -> list[CheckResult]:
    """How bodies and files are; nothing where nothing was collected yet."""
    if not has_archive(settings):
        return []
    pipeline = open_pipeline(settings)
    try:
        return list(check_archive(pipeline, quick=quick, quiet=quiet))
    finally:
        pipeline.ledger.close()


def _check_warehouse(settings: Settings) -> list[CheckResult]:
    """How the checks of the warehouse went; one that cannot be opened is a result as well."""
    try:
        with closing(open_warehouse(settings.warehouse_path)) as connection:
            return run_checks(connection)
    except NoWarehouseError:
        raise
    except WarehouseError as error:
        return [_no_warehouse(error)]


def _no_warehouse(error: WarehouseError) -> CheckResult:
    problem = ({"problem": str(error)},)
    meaning, advice = "The warehouse cannot be opened.", "Run `aps rebuild`: it makes no call."
    return CheckResult("warehouse", "error", 1, problem, meaning, advice)


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
    for command in result.commands:
        print(f"  {command}")


def _as_json(code: Exit, results: Sequence[CheckResult]) -> dict[str, Any]:
    severities = [each.severity for each in failed(results)]
    return {
        "exit_code": int(code),
        "errors": severities.count("error"),
        "warnings": severities.count("warning"),
        "checks": [{**asdict(each), "passed": each.passed} for each in results],
    }
