"""`aps verify`: read every kept body and every file, and run every check. Makes no call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Literal

from aps_pipeline.cli.console import cell, new_grid, show
from aps_pipeline.config import load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import Pipeline
from aps_pipeline.ingest.repair import partitions_to_build
from aps_pipeline.lake import StorageError
from aps_pipeline.ledger import BodyFault, LedgerError
from aps_pipeline.progress import ItemProgress
from aps_pipeline.tables import FETCHED, TABLES
from aps_pipeline.warehouse import (
    CheckResult,
    NoWarehouseError,
    WarehouseError,
    group_by_kind,
    open_warehouse,
    run_checks,
)
from aps_pipeline.wiring import has_archive, open_pipeline
from aps_pipeline.wording import count_of

Row = dict[str, Any]


def check_archive(pipeline: Pipeline, *, quick: bool, quiet: bool) -> Iterator[CheckResult]:
    """Read bodies and files against their digests, or with `quick` only say what is known to be lost.

    An answer that is found lost counts no longer, so that the advised command asks for it again.
    """
    yield _result(
        "kept_answers",
        "An answer whose kept body is gone or garbled. Its rows stay in the lake as long as their file does.",
        "Run the command beside it: one call each.",
        lambda: _find_lost_answers(pipeline, quick=quick, quiet=quiet),
    )
    if quick:
        return
    yield _result(
        "lake_files",
        "A file of the lake that was cut, changed, swapped, or not written by this program.",
        "Run the command beside it: it makes no call, and sets the file aside.",
        lambda: list(_find_damaged_files(pipeline, quiet=quiet)),
    )
    yield _result(
        "lake_partitions",
        "A table some of whose partitions are not what the kept answers make: their file was taken away or "
        "is an older one, a run was not done, or another version of this program has written it.",
        "Run the command beside it, which makes no call, or the run again that was not done.",
        lambda: list(_find_outdated_tables(pipeline)),
        "warning",
    )


def _result(
    name: str,
    meaning: str,
    advice: str,
    work: Callable[[], list[Row]],
    severity: Literal["error", "warning"] = "error",
) -> CheckResult:
    try:
        rows = work()
    except (LedgerError, StorageError) as error:
        rows, advice, severity = [{"problem": str(error)}], "It could not be looked at.", "error"
    return CheckResult(name, severity, len(rows), tuple(rows), meaning, advice)


def _find_lost_answers(pipeline: Pipeline, *, quick: bool, quiet: bool) -> list[Row]:
    """Find the lost answers that nothing has replaced, including those found now."""
    ledger = pipeline.ledger
    found: dict[int, BodyFault] = {}
    if not quick:
        with ItemProgress("verify", "bodies", ledger.count_bodies(), quiet=quiet) as progress:
            for count, faults in ledger.check_bodies():
                for fault in faults:
                    if fault.is_open:
                        found[fault.call_id] = fault
                        ledger.mark_damaged(fault.call_id, fault.reason)
                progress.advance(count)
    found |= {fault.call_id: fault for fault in ledger.list_damaged()} | found
    return [_answer_row(found[call_id]) for call_id in sorted(found)]


def _answer_row(fault: BodyFault) -> Row:
    request = fault.request
    today = datetime.now(UTC).date()
    first, last = (request.period.first, request.period.last) if request.period.key else (today, today)
    tables = ",".join(table.name for table in FETCHED if table.source.kind == request.kind)
    command = f"aps backfill --from {first} --to {last} --tables {tables} --systems {request.system_id}"
    return {
        "call_id": fault.call_id,
        "answer": str(request),
        "problem": fault.reason,
        "remedy": command,
    }


def _find_damaged_files(pipeline: Pipeline, *, quiet: bool) -> Iterator[Row]:
    with ItemProgress("verify", "files", None, quiet=quiet) as progress:
        for _, fault in pipeline.lake.check_files(TABLES.values()):
            progress.advance(1)
            if fault is None:
                continue
            names = fault.values[:1] if fault.table.side_of and fault.values else (fault.table.name,)
            remedy = f"aps rebuild --tables {','.join(names)}"
            yield {"file": fault.path, "problem": fault.reason, "remedy": remedy}


def _find_outdated_tables(pipeline: Pipeline) -> Iterator[Row]:
    """Find tables with partitions that are not what the kept answers make."""
    found = partitions_to_build(pipeline.ledger, pipeline.lake, pipeline.revision_window)
    for table, partitions in groupby(found, key=lambda each: each[0]):
        keys = [period.key for _, period in partitions]
        yield {
            "table": table.name,
            "partitions": len(keys),
            "first": keys[0],
            "last": keys[-1],
            "remedy": f"aps rebuild --tables {table.name}",
        }


_STYLE = {"error": "red", "warning": "yellow"}


def verify(as_json: bool, quick: bool = False) -> int:
    """Check archive and warehouse as they are. Raises NoWarehouseError, LedgerError, SettingsError."""
    settings = load_settings()
    results: list[CheckResult] = []
    if has_archive(settings):
        pipeline = open_pipeline(settings)
        with closing(pipeline.ledger):
            results += check_archive(pipeline, quick=quick, quiet=as_json)
    try:
        with closing(open_warehouse(settings.warehouse_path)) as connection:
            results += run_checks(connection)
    except WarehouseError as error:
        if isinstance(error, NoWarehouseError) and not results:
            raise  # nothing was collected yet
        problem = ({"problem": str(error)},)
        meaning, advice = "The warehouse cannot be opened.", "Run `aps rebuild`: it makes no call."
        results.append(CheckResult("warehouse", "error", 1, problem, meaning, advice))
    failed = failed_checks(results)
    severities = [each.severity for each in failed]  # warnings are for people to judge
    code = Exit.REFUSED if "error" in severities else Exit.COMPLETE
    if as_json:
        found = {
            "exit_code": int(code),
            "errors": severities.count("error"),
            "warnings": severities.count("warning"),
            "checks": [{**asdict(each), "passed": each.passed} for each in results],
        }
        print(json.dumps(found, default=str))
        return code
    _show_checks(results)
    for result in failed:
        _show_sample(result)
    sentence = f"{len(results) - len(failed):,} checks passed"
    if failed:
        sentence += f", {severities.count('error'):,} failed, {severities.count('warning'):,} gave a warning"
    print(f"\n{sentence}")
    return code


def failed_checks(results: Sequence[CheckResult]) -> list[CheckResult]:
    """List the checks that did not pass, errors first."""
    return sorted((each for each in results if not each.passed), key=lambda each: each.severity)


def check_lines(results: Sequence[CheckResult]) -> Iterator[tuple[str, CheckResult]]:
    """List each check that failed, then the others of its kind as one, with one of them."""
    for kind, members in group_by_kind(results).items():
        yield from ((each.name, each) for each in failed_checks(members))
        passed = [each for each in members if each.passed]
        if len(passed) == 1:
            yield passed[0].name, passed[0]
        elif passed:
            others = "other " if len(passed) < len(members) else ""
            yield f"{kind} ({len(passed)} {others}tables)", passed[0]


def _show_checks(results: Sequence[CheckResult]) -> None:
    grid = new_grid("", "check", "severity", "failing rows>", "what to do")
    for name, result in check_lines(results):
        style = "green" if result.passed else _STYLE[result.severity]
        number = "0" if result.passed else f"{result.failing:,}"
        advice = "" if result.passed else result.advice
        grid.add_row(cell(name), result.severity, f"[{style}]{number}[/]", cell(advice))
    show(grid)


def _show_sample(result: CheckResult) -> None:
    """Show rows that fail, as far as they fit, below what they mean."""
    count = count_of(result.failing, "row")
    more = f", {len(result.sample)} are shown" if result.failing > len(result.sample) else ""
    print(f"\n{result.name}: {count}{more}\n{result.meaning}")
    grid = new_grid("", *result.sample[0])
    for row in result.sample:
        grid.add_row(*map(cell, row.values()))
    show(grid)
    for command in result.commands:
        print(f"  {command}")
