"""`aps backfill`: ask what is missing in a range of days; and how any run is shown and reported."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from aps_pipeline.cli import console
from aps_pipeline.cli.console import select_systems, select_tables
from aps_pipeline.config import Settings, load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import NotConfiguredError, Pipeline, StopReason, Summary, Wanted
from aps_pipeline.periods import FIRST_DAY, FIRST_ZONE, local_day, zone
from aps_pipeline.progress import PartitionProgress
from aps_pipeline.tables import PROFILES, Table
from aps_pipeline.wiring import build_warehouse, open_pipeline
from aps_pipeline.wording import count_of

_PROBLEMS_SHOWN = 5


def backfill(
    first: date,
    last: date,
    tables: str,
    systems: str,
    max_calls: int | None,
    as_json: bool,
    profile: str = "",
    again: bool = False,
) -> int:
    """Collect a range of days. Raises NotConfiguredError for a range that cannot be asked for."""
    settings = load_settings()
    pipeline = open_pipeline(settings)
    chosen = select_tables(tables, profile, PROFILES[settings.profile])
    wanted = history_wanted(pipeline, settings, chosen, first, last, systems, max_calls)
    return collect("backfill", settings, pipeline, replace(wanted, again=again), as_json)


def history_wanted(
    pipeline: Pipeline,
    settings: Settings,
    tables: tuple[Table, ...],
    first: date,
    last: date,
    systems: str,
    max_calls: int | None = None,
) -> Wanted:
    """Decide what a backfill of a range wants. Raises NotConfiguredError for a range without any data."""
    today = local_day(pipeline.ledger.now(), zone(FIRST_ZONE))
    if first > today:
        raise NotConfiguredError(f"--from {first} lies in the future: there is nothing to ask yet")
    if first <= last < FIRST_DAY:
        raise NotConfiguredError(f"--to {last} lies before {FIRST_DAY}: no system is that old")
    start, end = max(first, FIRST_DAY), min(last, today) if first <= last else last
    if (start, end) != (first, last):
        print(f"asked about is {start} to {end}: there can be nothing else", file=sys.stderr)
    return Wanted(tables, start, end, select_systems(systems, settings), max_calls=max_calls)


def collect(title: str, settings: Settings, pipeline: Pipeline, wanted: Wanted, as_json: bool) -> int:
    """Collect what is wanted and report the run; returns the exit code."""
    summary = Summary()
    with PartitionProgress(title, quiet=as_json) as progress:
        for result in pipeline.collect(wanted, summary, progress.set_total):
            progress.advance(f"{result.table.name} {result.key}".strip(), result.calls)
    return finish_run(title, settings, pipeline, summary, as_json, replace(wanted, again=False))


def finish_run(
    title: str,
    settings: Settings,
    pipeline: Pipeline,
    summary: Summary,
    as_json: bool,
    wanted: Wanted | None = None,
) -> int:
    """Bring the warehouse up to date (after a rebuild in any case) and report the run."""
    if summary.complete:
        for problem in settings.site_problems:
            print(f"{problem}; the warehouse is built without that file", file=sys.stderr)
        build_warehouse(settings, pipeline, force=wanted is None, from_nothing=wanted is None)
    code = summary.exit_code
    is_complete = summary.complete == summary.partitions and not summary.failures and not summary.stops
    missing = 0 if is_complete or wanted is None else sum(line.calls for line in pipeline.plan(wanted))
    quotas = pipeline.quotas()
    if as_json:
        found = _as_json(code, summary) | {"calls_missing": missing} | console.quotas_json(quotas)
        print(json.dumps(found, default=str))
        return code
    left = (
        console.with_account_name(name, f"{count_of(quota.left, 'call')} left {console.reset_text(quota)}")
        for name, quota in quotas.items()
    )
    state = "complete" if is_complete else "incomplete"
    print(
        f"{title} {state}: {summary.complete:,} of {count_of(summary.partitions, 'partition')}, "
        f"{count_of(summary.rows, 'row')}, {count_of(summary.calls, 'call')}; {'; '.join(left)}"
    )
    lines = [
        *problem_lines(summary),
        *_shorten([str(each) for each in summary.rejections]),
        *summary.notes,
        *(f"new: {sentence}" for sentence in summary.drift_sentences),
    ]
    if missing:
        lines.insert(0, f"{count_of(missing, 'call')} still needed: run it again, or see `aps plan`")
    for line in lines:
        print(f"  {line}", file=sys.stderr)
    return code


def problem_lines(summary: Summary) -> list[str]:
    """List what went wrong, each sentence once, with the first request that met it."""
    by_message: dict[str, list[str]] = {}
    for failure in dict.fromkeys(summary.failures):
        by_message.setdefault(failure.message, []).append(str(failure.request))
    lines = [
        f"{requests[0]}{f' and {len(requests) - 1:,} more' if requests[1:] else ''}: {message}"
        for message, requests in by_message.items()
    ]
    lines += [f"stopped early: {stop.message}" for stop in summary.stops if stop.message not in by_message]
    return _shorten(lines)


def _shorten(lines: list[str]) -> list[str]:
    shown, more = lines[:_PROBLEMS_SHOWN], len(lines) - _PROBLEMS_SHOWN
    return [*shown, f"… and {more:,} other problems; `--json` lists them all"] if more > 0 else shown


def _stop_json(stop: StopReason) -> dict[str, Any]:
    return {"failure": stop.kind, "message": stop.message}


def _as_json(code: Exit, summary: Summary) -> dict[str, Any]:
    return {
        "exit_code": int(code),
        "partitions": summary.partitions,
        "complete": summary.complete,
        "rows": summary.rows,
        "calls": summary.calls,
        "stop": _stop_json(summary.stop) if summary.stop else None,
        "stops": [_stop_json(stop) for stop in summary.stops],
        "failures": [
            {"request": str(f.request), "failure": f.kind, "message": f.message} for f in summary.failures
        ],
        "rejected": [asdict(each) for each in summary.rejections],
        "notes": summary.notes,
        "schema_drift": [asdict(each) for each in summary.new_events],
    }
