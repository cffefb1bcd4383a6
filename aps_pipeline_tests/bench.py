"""Ratios of CPU time within one run, for `make bench`; wall time would say more about the machine."""

from __future__ import annotations

import random
import tempfile
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aps_pipeline.endpoints import DEVICES
from aps_pipeline.lake import Lake
from aps_pipeline.parse import ParseContext
from aps_pipeline.parse.batch import GRAMMAR, inverter_batch_energy
from aps_pipeline.periods import Grain, Period, zone
from aps_pipeline.planning import Device, Outlook, SkipRules, System, coverage, is_inventory
from aps_pipeline.request import LedgerEntry
from aps_pipeline.tables import FETCHED, from_columns, get_table

_STRINGS = 1_000_000
_REPEATS = 3


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def _batch_strings(*, odd: bool) -> list[str]:
    rng = random.Random(1)
    usual = [f"{804_000_000_000 + i // 4:012d}-{i % 4 + 1}-{rng.random() * 3:.6f}" for i in range(_STRINGS)]
    if odd:
        usual[:: _STRINGS // 1000] = [f"A-{i}-1-{i}.0E-4" for i in range(len(usual[:: _STRINGS // 1000]))]
    return usual


def batch_strings() -> None:
    """One million batch strings, to rows and rejects, against a bare extract_regex of the same grammar."""
    table = get_table("inverter_batch_energy")
    asked = ParseContext(
        1, "S", "E", Period.parse(Grain.DAY, "2024-03-05"), datetime.now(UTC), zone("UTC"), None, timedelta(5)
    )
    for odd in (False, True):
        strings = _batch_strings(odd=odd)
        column = pa.array(strings)
        bare = _best(lambda column=column: pc.extract_regex(column, GRAMMAR))  # type: ignore[misc]
        ours = _best(
            lambda strings=strings: inverter_batch_energy(table, {"energy": strings}, asked)  # type: ignore[misc]
        )
        name = "one in 1000 odd" if odd else "all usual"
        print(f"batch strings, {name}: {bare / ours:.2f} of the speed of a bare extract_regex (at least 0.8)")


def partition_write() -> None:
    """A day of two systems written to the lake, against the bare Parquet write."""
    table = get_table("system_hourly_energy")
    day, count = date(2024, 3, 5), 48
    instant = datetime(2024, 3, 5, tzinfo=UTC)
    rows = from_columns(
        table,
        {
            "system_id": ["A"] * 24 + ["B"] * 24,
            "date": [day] * count,
            "hour": [*range(24), *range(24)],
            "start_utc": [instant] * count,
            "end_utc": [instant] * count,
            "energy_kwh": [1.0] * count,
            "call_id": [1] * count,
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        lake, bare_path = Lake(folder), str(Path(folder, "bare.parquet"))
        bare = _best(lambda: [pq.write_table(rows, bare_path, compression="zstd") for _ in range(100)])
        ours = _best(lambda: [lake.write(table, (day.isoformat(),), rows, "x") for _ in range(100)])
    print(f"partition write: {ours / bare:.1f} times a bare Parquet write (checks, sync and rename included)")


def coverage_spans() -> None:
    """How systems stand over ten years in which a month was asked, against one year with the same month."""
    tables = [table for table in FETCHED if not is_inventory(table)]
    sent, asked = datetime(2026, 1, 1, tzinfo=UTC), Period(Grain.MONTH, date(2025, 6, 1))
    entry = LedgerEntry(answered=1, answered_utc=sent, asked_utc=sent)
    entries = {("system_energy", "hourly"): {day.isoformat(): {"": entry} for day in asked.days()}}
    named_by = dict.fromkeys((("S", kind) for kind in DEVICES), 1)
    outlook = Outlook(SkipRules(), named_by, sent, timedelta(5))

    def stand(since: date) -> None:
        system = System("S", zone("Europe/Madrid"), since, (Device("E"),), (Device("I"),), (Device("M"),))
        for _ in range(200):
            deque(coverage(tables, system, entries, outlook), maxlen=0)

    year, decade = (_best(lambda since=since: stand(since)) for since in (date(2025, 1, 1), date(2016, 1, 1)))  # type: ignore[misc]
    print(f"coverage of ten years: {decade / year:.1f} times that of one with the same calls (at most 1.5)")


if __name__ == "__main__":
    batch_strings()
    partition_write()
    coverage_spans()
