"""Commands that bring data in: demo, backfill, refresh, rebuild."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from aps_pipeline.cli import quotas
from aps_pipeline.cli.exits import Exit, exit_of_run
from aps_pipeline.cli.options import listed_ids
from aps_pipeline.config import Settings, load_settings
from aps_pipeline.ingest import NotConfiguredError, PartitionResult, Pipeline, Summary, Wanted
from aps_pipeline.periods import FIRST_DAY, FIRST_ZONE, local_day, zone
from aps_pipeline.progress import PartitionProgress
from aps_pipeline.tables import FETCHED, HISTORY, PROFILES, Table, UnknownTableError, table_named
from aps_pipeline.wiring import build_warehouse, mend_lake, open_pipeline

_COMPLAINTS_SHOWN = 5


def demo(as_json: bool) -> int:
    """Run the demo in a process of its own: it goes through Dagster, which this package does not know."""
    command = [sys.executable, "-m", "aps_pipeline.orchestration.demo", *(["--json"] if as_json else [])]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - fixed words


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
    chosen = chosen_tables(tables, profile, HISTORY)
    wanted = history_of(pipeline, settings, chosen, first, last, systems, max_calls)
    return _collect("backfill", settings, pipeline, replace(wanted, again=again), as_json)


def history_of(
    pipeline: Pipeline,
    settings: Settings,
    tables: tuple[Table, ...],
    first: date,
    last: date,
    systems: str,
    max_calls: int | None = None,
) -> Wanted:
    """What a backfill of a range wants. Raises NotConfiguredError for a range of which nothing can exist."""
    today = local_day(pipeline.ledger.now(), zone(FIRST_ZONE))
    if first > today:
        raise NotConfiguredError(f"--from {first} lies in the future: there is nothing to ask yet")
    if first <= last < FIRST_DAY:
        raise NotConfiguredError(f"--to {last} lies before {FIRST_DAY}: no system is that old")
    start, end = max(first, FIRST_DAY), min(last, today) if first <= last else last
    if (start, end) != (first, last):
        print(f"asked about is {start} to {end}: there can be nothing else", file=sys.stderr)
    return Wanted(tables, start, end, _systems(systems, settings), max_calls=max_calls)


def refresh(
    tables: str, systems: str, max_calls: int | None, as_json: bool, profile: str, again: bool = False
) -> int:
    """Collect yesterday, and what may have changed before."""
    settings = load_settings()
    pipeline = open_pipeline(settings)
    first, last = pipeline.refresh_range()
    wanted = Wanted(
        chosen_tables(tables, profile, PROFILES[settings.profile]),
        first,
        last,
        _systems(systems, settings),
        recheck=True,
        max_calls=max_calls,
        again=again,
    )
    return _collect("refresh", settings, pipeline, wanted, as_json)


def rebuild(tables: str, as_json: bool) -> int:
    """Write everything again from the ledger."""
    settings = load_settings()
    pipeline, summary = open_pipeline(settings), Summary()
    chosen = chosen_tables(tables, "", FETCHED)
    mend_lake(pipeline, chosen)  # also what no kept answer would write over
    _consume("rebuild", pipeline.rebuild(summary, chosen), as_json)
    return _finish("rebuild", settings, pipeline, summary, as_json)


def chosen_tables(names: str, profile: str, otherwise: tuple[Table, ...]) -> tuple[Table, ...]:
    """The tables named, or of a profile, or `otherwise`. Raises UnknownTableError, NotConfiguredError."""
    if names and profile:
        raise NotConfiguredError("--tables and --profile both say what to collect: give one of them")
    if profile:
        return _profile(profile)
    if not names:
        return otherwise
    found = tuple(
        table_named(name.strip().removeprefix("core.")) for name in names.split(",") if name.strip()
    )
    for table in found:
        if table.side_of:
            raise UnknownTableError(
                f"{table.name} comes along with {' or '.join(table.side_of)}: ask for that"
            )
    return found


def _profile(name: str) -> tuple[Table, ...]:
    if name not in PROFILES:
        raise NotConfiguredError(f"no profile {name[:60]!r}; there are: {', '.join(PROFILES)}")
    return PROFILES[name]


def _systems(ids: str, settings: Settings) -> tuple[str, ...]:
    return listed_ids(ids) or settings.system_ids


def _collect(title: str, settings: Settings, pipeline: Pipeline, wanted: Wanted, as_json: bool) -> int:
    summary = Summary()
    with PartitionProgress(title, quiet=as_json) as progress:
        for result in pipeline.collect(wanted, summary, progress.planned):
            progress.advance(f"{result.table.name} {result.key}".strip(), result.calls)
    return _finish(title, settings, pipeline, summary, as_json, replace(wanted, again=False))


def _consume(title: str, results: Iterable[PartitionResult], as_json: bool) -> None:
    with PartitionProgress(title, quiet=as_json) as progress:
        for result in results:
            progress.advance(f"{result.table.name} {result.key}".strip(), result.calls)


def _finish(
    title: str,
    settings: Settings,
    pipeline: Pipeline,
    summary: Summary,
    as_json: bool,
    wanted: Wanted | None = None,
) -> int:
    """Bring the warehouse up to date (after a rebuild in any case) and say how the run went."""
    if summary.complete:
        for problem in settings.site_problems:
            print(f"{problem}; the warehouse is built without that file", file=sys.stderr)
        build_warehouse(settings, pipeline, force=wanted is None)
    code = exit_of_run(summary)
    is_complete = summary.complete == summary.partitions and not summary.failures and not summary.stops
    missing = 0 if is_complete or wanted is None else sum(line.calls for line in pipeline.plan(wanted))
    held = pipeline.quotas()
    if as_json:
        told = _as_json(code, summary) | {"calls_missing": missing} | quotas.as_json(held)
        print(json.dumps(told, default=str))
        return code
    left = (
        quotas.headed(name, f"{quota.left:,} calls left {quotas.until(quota)}")
        for name, quota in held.items()
    )
    state = "complete" if is_complete else "incomplete"
    print(
        f"{title} {state}: {summary.complete:,} of {summary.partitions:,} partitions, {summary.rows:,} rows, "
        f"{summary.calls:,} calls; {'; '.join(left)}"
    )
    lines = [
        *_complaints(summary),
        *_shortened([str(each) for each in summary.rejections]),
        *summary.notes,
        *(f"new: {sentence}" for sentence in summary.unheard),
    ]
    if missing:
        lines.insert(
            0, f"{missing:,} calls are still needed: run it again to make them, `aps plan` lists them"
        )
    for line in lines:
        print(f"  {line}", file=sys.stderr)
    return code


def _complaints(summary: Summary) -> list[str]:
    """What went wrong, each sentence once, with the question it was met on first."""
    by_message: dict[str, list[str]] = {}
    for failure in dict.fromkeys(summary.failures):
        by_message.setdefault(failure.message, []).append(str(failure.question))
    lines = [
        f"{questions[0]}{f' and {len(questions) - 1:,} more' if questions[1:] else ''}: {message}"
        for message, questions in by_message.items()
    ]
    lines += [f"stopped early: {stop.message}" for stop in summary.stops if stop.message not in by_message]
    return _shortened(lines)


def _shortened(lines: list[str]) -> list[str]:
    shown, more = lines[:_COMPLAINTS_SHOWN], len(lines) - _COMPLAINTS_SHOWN
    return [*shown, f"… and {more:,} other troubles; `--json` lists them all"] if more > 0 else shown


def _as_json(code: Exit, summary: Summary) -> dict[str, Any]:
    return {
        "exit_code": int(code),
        "partitions": summary.partitions,
        "complete": summary.complete,
        "rows": summary.rows,
        "calls": summary.calls,
        "stop": asdict(summary.stop) if summary.stop else None,
        "stops": [asdict(stop) for stop in summary.stops],
        "failures": [
            {"question": str(f.question), "trouble": f.trouble, "message": f.message}
            for f in summary.failures
        ],
        "rejected": [asdict(each) for each in summary.rejections],
        "notes": summary.notes,
        "news": [asdict(each) for each in summary.news],
    }
