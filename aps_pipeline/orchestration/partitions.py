"""Which days, months and years there are: one calendar for all tables, keyed as `periods` keys them.

A fleet spans time zones, so the calendar is that of the last place on earth where a day ends: a day is there
once it is over everywhere. The current month and year are there as well, because their answers grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import dagster as dg

from aps_pipeline.periods import LAST_ZONE, Grain, Period, local_day, zone
from aps_pipeline.tables import Table

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
ONE_PARTITION = "dagster/partition"

_FORMATS = {Grain.MONTH: ("%Y-%m", "0 0 1 * *"), Grain.YEAR: ("%Y", "0 0 1 1 *")}


@dataclass(frozen=True)
class Calendar:
    """The partitions of each grain since `start`."""

    start: date

    def of(self, grain: Grain) -> dg.TimeWindowPartitionsDefinition | None:
        """Define the partitions of a grain; None for a lifetime, which has none."""
        if grain is Grain.LIFETIME:
            return None
        first = Period.containing(grain, self.start).key
        if grain is Grain.DAY:
            return dg.DailyPartitionsDefinition(start_date=first, timezone=LAST_ZONE)
        fmt, cron = _FORMATS[grain]
        return dg.TimeWindowPartitionsDefinition(
            start=first, fmt=fmt, cron_schedule=cron, timezone=LAST_ZONE, end_offset=1
        )

    def of_table(self, table: Table) -> dg.TimeWindowPartitionsDefinition | None:
        """Define the partitions of a table."""
        return self.of(table.partition_grain)

    def last_day(self, now: datetime) -> date | None:
        """Find the last day that is over everywhere; None before the first one is."""
        day = local_day(now, zone(LAST_ZONE)) - timedelta(days=1)
        return day if day >= self.start else None


def range_tags(first: Period, last: Period) -> dict[str, str]:
    """Make the tags of one run over all partitions from `first` to `last`."""
    return {RANGE_START: first.key, RANGE_END: last.key}


def contiguous_ranges(periods: Iterable[Period]) -> Iterator[tuple[Period, Period]]:
    """Find the first and last of each range of periods without a gap, in order."""
    ordered = sorted(periods)
    if not ordered:
        return
    first = before = ordered[0]
    for period in ordered[1:]:
        if period.first > before.last + timedelta(days=1):
            yield first, before
            first = period
        before = period
    yield first, before


def last_day_of_run(tags: Mapping[str, str]) -> date | None:
    """Find the last day of a run by the partitions it was launched for; None if there are none."""
    key = tags.get(RANGE_END) or tags.get(ONE_PARTITION)
    grain = {10: Grain.DAY, 7: Grain.MONTH, 4: Grain.YEAR}.get(len(key or ""))
    return Period.parse(grain, key).last if key and grain else None
