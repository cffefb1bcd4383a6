"""Materialize partitions: collect on another thread, report each to Dagster, fail once in plain words."""

from __future__ import annotations

import re
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

import dagster as dg

from aps_pipeline.config import Settings
from aps_pipeline.errors import PipelineError
from aps_pipeline.ingest import NotConfiguredError, PartitionResult, Pipeline, Summary, Wanted
from aps_pipeline.lake import Lake
from aps_pipeline.orchestration.partitions import contiguous_ranges, last_day_of_run
from aps_pipeline.orchestration.resources import Progress
from aps_pipeline.periods import Period
from aps_pipeline.planning import is_inventory
from aps_pipeline.tables import REJECTED_ITEMS, Table

T = TypeVar("T")


def prefetch(items: Generator[T]) -> Iterator[T]:
    """Iterate over items with a thread of its own that does not wait for the consumer.

    What the thread raises is raised here. When this iterator is closed early, the items are closed after
    the one under way, and the thread has ended.
    """
    fetched: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    enough = Event()

    def fetch() -> None:
        end: BaseException | None = None
        try:
            with closing(items):
                for item in items:
                    fetched.put((item,))
                    if enough.is_set():
                        break
        except BaseException as error:  # noqa: BLE001 - raised again on the other side
            end = error
        fetched.put(end)

    thread = Thread(target=fetch, name="aps-ahead", daemon=True)
    thread.start()
    try:
        while isinstance(entry := fetched.get(), tuple):
            yield entry[0]
        if entry is not None:
            raise entry
    finally:
        enough.set()
        thread.join()


_NAMED = 8
_LONGEST_REASON = 400
_USER_IN_URL = re.compile(r"(?<=//)[^/@\s]+@")


@contextmanager
def as_dagster_failure(settings: Settings | None = None) -> Iterator[None]:
    """Turn whatever is raised into a Failure without secrets, which Dagster does not retry."""
    try:
        yield
    except dg.Failure:
        raise
    except PipelineError as error:
        text = redact(str(error), settings)
    except Exception as error:  # noqa: BLE001 - its text may hold anything
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno} in {last.name}"
        text = f"a bug in aps_pipeline: {type(error).__name__} at {place}; please report it"
    else:
        return
    raise dg.Failure(text, allow_retries=False) from None  # Dagster would keep the cause as it is


def redact(text: str, settings: Settings | None) -> str:
    """Remove every secret of the settings, and what precedes the host of a URL, from a text."""
    for secret in settings.secrets if settings else ():
        text = text.replace(secret, "***")
    return _USER_IN_URL.sub("***@", text)


def incomplete_failure(
    table: Table, partitions: int, unfinished: Sequence[PartitionResult], summary: Summary
) -> dg.Failure:
    """Describe the failure of a run that left partitions unfinished: which, why, and what to do."""
    named = [f"{each.key or table.name}: {each.remark[:_LONGEST_REASON]}" for each in unfinished[:_NAMED]]
    more = [f"and {len(unfinished) - _NAMED} more"] if len(unfinished) > _NAMED else []
    stopped = [f"calls ended early: {stop.message[:_LONGEST_REASON]}" for stop in summary.stops[:_NAMED]]
    what = f"{len(unfinished)} of {partitions} partitions of core.{table.name} are not complete"
    if not table.is_partitioned:
        what = f"core.{table.name} is not complete"
    advice = "run it again later, and only the missing calls are made"
    return dg.Failure(
        "\n".join([f"{what}; {advice}", *stopped, *named, *more]),
        metadata={
            "incomplete": len(unfinished),
            "complete": partitions - len(unfinished),
            "calls": summary.calls,
            "waiting": sum(each.waiting for each in unfinished),
            "failures": sum(len(each.failures) for each in unfinished),
        },
        allow_retries=False,
    )


REVISE_TAG = "aps/revise"
"""Tag of a run that repeats requests whose answer may have been revised since: a refresh."""

AGAIN_TAG = "aps/again"
"""Tag of a run that repeats every request of its partitions, whatever is held or concluded."""

MAX_CALLS_TAG = "aps/max_calls"
"""Tag of a run: each of its tables makes at most that many calls; one that needs more ends incomplete."""

_PREVIEWED_ROWS = 10


def asset_key(table: Table) -> dg.AssetKey:
    """Name the asset of a table."""
    return dg.AssetKey(["core", table.name])


def materialize(
    context: dg.AssetExecutionContext,
    table: Table,
    settings: Settings,
    pipeline: Pipeline,
    progress: Progress,
) -> Iterator[dg.MaterializeResult[Any]]:
    """Bring the partitions of this run up to date: one event for each that is complete, then one failure.

    Relaunched, it makes the calls that are still missing. Raises dg.Failure and what `Pipeline.collect` does.
    """
    summary, mine = Summary(), 0
    tags = context.run.tags
    recheck, again = (tags.get(tag) == "true" for tag in (REVISE_TAG, AGAIN_TAG))
    most = _max_calls(tags)
    unfinished: list[PartitionResult] = []
    for first, last in _ranges(context, table, settings):
        left = None if most is None else max(0, most - summary.calls)
        wanted = Wanted((table,), first, last, pipeline.system_ids, recheck, left, again)
        for result in prefetch(_collect(pipeline, wanted, summary, progress)):
            progress.advance(f"{result.table.name} {result.key}".strip(), result.calls)
            if result.table is not table:
                # Inventory that was asked before facts; an inventory asset logs its own.
                if result.is_complete and not is_inventory(table):
                    log_materialization(context, result)
                continue
            mine += 1
            if not result.is_complete:
                unfinished.append(result)
            elif table.is_partitioned:
                log_materialization(context, result)
            else:
                yield dg.MaterializeResult(
                    metadata=_partition_metadata(result) | _preview(pipeline.lake, table)
                )
    for sentence in (*map(str, summary.rejections), *summary.notes, *summary.drift_sentences):
        context.log.warning(sentence)
    if unfinished:
        raise incomplete_failure(table, mine, unfinished, summary)


def _max_calls(tags: Mapping[str, str]) -> int | None:
    """Read the calls that each table may make, None without a limit. Raises NotConfiguredError."""
    text = tags.get(MAX_CALLS_TAG)
    if text is not None and not (text.isascii() and text.isdecimal()):
        raise NotConfiguredError(f"the tag {MAX_CALLS_TAG} is no number of calls: {text[:40]!r}")
    return None if text is None else int(text)


def _collect(
    pipeline: Pipeline, wanted: Wanted, summary: Summary, progress: Progress
) -> Generator[PartitionResult]:
    yield from pipeline.collect(wanted, summary, progress.set_total)


def _ranges(
    context: dg.AssetExecutionContext, table: Table, settings: Settings
) -> Iterator[tuple[date, date]]:
    """List the ranges of days of this run; a table without partitions is wanted up to the last day."""
    if table.is_partitioned:
        keys = (Period.parse(table.partition_grain, key) for key in context.partition_keys)
        yield from ((first.first, last.last) for first, last in contiguous_ranges(keys))
        return
    last = last_day_of_run(context.run.tags) or datetime.now(UTC).date()
    yield min(settings.start_date, last), last


def log_materialization(context: dg.AssetExecutionContext, result: PartitionResult) -> None:
    """Log the one event of a partition, and that of the items it refused."""
    key = result.key or None
    metadata = _partition_metadata(result)
    context.log_event(dg.AssetMaterialization(asset_key(result.table), partition=key, metadata=metadata))
    if result.rejected:
        rows = {"dagster/partition_row_count": result.rejected, "rows": result.rejected}
        day = result.period.first.isoformat()
        context.log_event(dg.AssetMaterialization(asset_key(REJECTED_ITEMS), partition=day, metadata=rows))


def _partition_metadata(result: PartitionResult) -> dict[str, Any]:
    """Describe a partition as Dagster shows it."""
    rows = result.rows or 0
    count = "dagster/partition_row_count" if result.table.is_partitioned else "dagster/row_count"
    metadata: dict[str, Any] = {count: rows, "rows": rows, "calls": result.calls}
    metadata |= {"no_data": result.no_data, "rejected": result.rejected}
    return metadata | ({"remark": result.remark} if result.remark else {})


def _preview(lake: Lake, table: Table) -> dict[str, Any]:
    """Show the first rows of a small table."""
    rows = lake.read(table).slice(0, _PREVIEWED_ROWS).to_pylist()
    lines = ["| " + " | ".join(table.schema.names) + " |", "|" + " --- |" * len(table.schema.names)]
    lines += ["| " + " | ".join("" if v is None else str(v) for v in row.values()) + " |" for row in rows]
    return {"preview": dg.MetadataValue.md("\n".join(lines))}
