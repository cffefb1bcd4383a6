"""What a run of a core asset does: collect its partitions, tell Dagster about each one that is complete."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

from aps_pipeline.config import Settings
from aps_pipeline.ingest import NotConfiguredError, PartitionResult, Pipeline, Summary, Wanted
from aps_pipeline.lake import Lake
from aps_pipeline.orchestration.ahead import ahead
from aps_pipeline.orchestration.failures import incomplete
from aps_pipeline.orchestration.partitions import last_day_of_run, stretches
from aps_pipeline.orchestration.resources import Access
from aps_pipeline.periods import Period
from aps_pipeline.planning import grain_of, is_inventory
from aps_pipeline.tables import REJECTED_ITEMS, Table

REVISE_TAG = "aps/revise"
"""Tag of a run that asks answers again that may have been revised since: a refresh."""

AGAIN_TAG = "aps/again"
"""Tag of a run that asks whatever its partitions hold, and what is concluded about them, once more."""

MAX_CALLS_TAG = "aps/max_calls"
"""Tag of a run each of whose tables makes at most so many calls; one that needs more ends incomplete."""

_PREVIEWED_ROWS = 10


def asset_key(table: Table) -> dg.AssetKey:
    """The asset of a table."""
    return dg.AssetKey(["core", table.name])


def collect(
    context: dg.AssetExecutionContext, table: Table, access: Access, settings: Settings, pipeline: Pipeline
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
        for result in ahead(_collected(pipeline, wanted, summary, access)):
            access.watch.advance(f"{result.table.name} {result.key}".strip(), result.calls)
            if result.table is not table:
                _tell_along(context, table, result)
                continue
            mine += 1
            if not result.is_complete:
                unfinished.append(result)
            elif table.partition:
                tell(context, result)
            else:
                yield dg.MaterializeResult(metadata=_facts_of(result) | _preview(pipeline.lake, table))
    for sentence in (*map(str, summary.rejections), *summary.notes, *summary.unheard):
        context.log.warning(sentence)
    if unfinished:
        raise incomplete(table, mine, unfinished, summary)


def _max_calls(tags: Mapping[str, str]) -> int | None:
    """The calls that each table may make, if the run says so. Raises NotConfiguredError."""
    text = tags.get(MAX_CALLS_TAG)
    if text is not None and not (text.isascii() and text.isdecimal()):
        raise NotConfiguredError(f"the tag {MAX_CALLS_TAG} is no number of calls: {text[:40]!r}")
    return None if text is None else int(text)


def _collected(
    pipeline: Pipeline, wanted: Wanted, summary: Summary, access: Access
) -> Generator[PartitionResult]:
    yield from pipeline.collect(wanted, summary, access.watch.planned)


def _ranges(
    context: dg.AssetExecutionContext, table: Table, settings: Settings
) -> Iterator[tuple[date, date]]:
    """The stretches of days that this run is about; a table without partitions is wanted up to its end."""
    if table.partition:
        keys = (Period.parse(grain_of(table), key) for key in context.partition_keys)
        yield from ((first.first, last.last) for first, last in stretches(keys))
        return
    last = last_day_of_run(context.run.tags) or datetime.now(UTC).date()
    yield min(settings.start_date, last), last


def tell(context: dg.AssetExecutionContext, result: PartitionResult) -> None:
    """Log the one event of a partition, and that of the items it refused."""
    key = result.key or None
    facts = _facts_of(result)
    context.log_event(dg.AssetMaterialization(asset_key(result.table), partition=key, metadata=facts))
    if result.rejected:
        rows = {"dagster/partition_row_count": result.rejected, "rows": result.rejected}
        day = result.period.first.isoformat()
        context.log_event(dg.AssetMaterialization(asset_key(REJECTED_ITEMS), partition=day, metadata=rows))


def _tell_along(context: dg.AssetExecutionContext, table: Table, result: PartitionResult) -> None:
    """Tell of inventory that was asked ahead of facts; inventory assets each tell of themselves."""
    if result.is_complete and not is_inventory(table):
        tell(context, result)


def _facts_of(result: PartitionResult) -> dict[str, Any]:
    """What Dagster shows of a partition."""
    rows = result.rows or 0
    count = "dagster/partition_row_count" if result.table.partition else "dagster/row_count"
    facts: dict[str, Any] = {count: rows, "rows": rows, "calls": result.calls}
    facts |= {"no_data": result.no_data, "rejected": result.rejected}
    return facts | ({"remark": result.remark} if result.remark else {})


def _preview(lake: Lake, table: Table) -> dict[str, Any]:
    """The first rows of a small table, as people read them."""
    rows = lake.read(table).slice(0, _PREVIEWED_ROWS).to_pylist()
    lines = ["| " + " | ".join(table.schema.names) + " |", "|" + " --- |" * len(table.schema.names)]
    lines += ["| " + " | ".join("" if v is None else str(v) for v in row.values()) + " |" for row in rows]
    return {"preview": dg.MetadataValue.md("\n".join(lines))}
