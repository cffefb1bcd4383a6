"""Ratios of CPU time within one run, for `make bench`; wall time would say more about the machine."""

from __future__ import annotations

import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aps_pipeline.endpoints import DEVICES
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger
from aps_pipeline.ledger.bodies import pack
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


def _write_day(lake: Lake, systems: int, day: date, call_id: int) -> None:
    """Write the hours and the panels of a day: 20 panels a system."""
    ids = [f"S{n}" for n in range(systems)]
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = {
        "system_hourly_energy": [
            {"system_id": name, "date": day, "hour": hour, "start_utc": instant + timedelta(hours=hour),
             "end_utc": instant + timedelta(hours=hour + 1), "energy_kwh": hour / 8, "call_id": call_id}
            for name in ids for hour in range(24)
        ],
        "inverter_batch_energy": [
            {"system_id": name, "ecu_id": f"E{name}", "inverter_id": f"I{name}-{panel // 4}",
             "channel": panel % 4 + 1, "date": day, "energy_kwh": 1 + panel / 7, "call_id": call_id}
            for name in ids for panel in range(20)
        ],
    }  # fmt: skip
    for name, of_table in rows.items():
        table = get_table(name)
        columns = {field: [row[field] for row in of_table] for field in table.schema.names}
        lake.write(table, (day.isoformat(),), from_columns(table, columns), "x")


def _build_alone(folder: str, lake: str, *, from_nothing: bool) -> tuple[float, float]:
    """Build in a process of its own; measure its CPU seconds, and by how many MB its memory grows at most."""
    script = (
        "import resource, sys, time\n"
        "from datetime import timedelta\n"
        "from pathlib import Path\n"
        "from aps_pipeline.ingest.coverage_spans import get_coverage\n"
        "from aps_pipeline.lake import Lake\n"
        "from aps_pipeline.ledger import Ledger\n"
        "from aps_pipeline.warehouse import build\n"
        "ledger = Ledger(f'sqlite:///{sys.argv[1]}/ledger.sqlite')\n"
        "def coverage(known):\n"
        "    now = ledger.get_newest_time()\n"
        "    return get_coverage(ledger, now, timedelta(5), known) if now else ()\n"
        "def peak():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before, start = peak(), time.process_time()\n"
        "path, is_whole = Path(sys.argv[1], 'w.duckdb'), sys.argv[3] == 'True'\n"
        "build(path, Lake(sys.argv[2]), ledger, coverage=coverage, from_nothing=is_whole)\n"
        "print(time.process_time() - start, peak() - before)\n"
    )
    command = [sys.executable, "-c", script, folder, lake, str(from_nothing)]
    seconds, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(peak)


def warehouse_update(systems: int, years: int, goal: str) -> None:
    """One more day, brought into the warehouse, against a build from nothing."""
    first = date(2020, 1, 1)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(f"{folder}/lake")
        for n in range(365 * years):
            _write_day(lake, systems, first + timedelta(n), 1)
        whole = _build_alone(folder, lake.url, from_nothing=True)
        _write_day(lake, systems, first + timedelta(365 * years), 1)
        update = _build_alone(folder, lake.url, from_nothing=False)
    _say_update(f"warehouse, a day more of {systems} systems x {years} years", whole, update, goal)


def _say_update(what: str, whole: tuple[float, float], update: tuple[float, float], goal: str) -> None:
    print(
        f"{what}: {update[0] / whole[0]:.2f} of the CPU of a build from nothing,"
        f" {update[0]:.1f} s and {update[1]:.0f} MB more memory ({goal})"
    )


def coverage_update(systems: int = 1000) -> None:
    """A day more of calls for systems with a year of days, brought into a warehouse without rows."""
    first, days = date(2025, 1, 1), 365
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{folder}/ledger.sqlite")
        ledger.close()
        with sqlite3.connect(f"{folder}/ledger.sqlite") as connection:
            for number in range(systems):
                _keep_answers(connection, f"S{number:04}", first, days)
        whole = _build_alone(folder, f"{folder}/lake", from_nothing=True)
        with sqlite3.connect(f"{folder}/ledger.sqlite") as connection:
            for number in range(systems):
                _keep_calls(connection, f"S{number:04}", [first + timedelta(days)])
        update = _build_alone(folder, f"{folder}/lake", from_nothing=False)
    _say_update(f"coverage, a day more of {systems} systems", whole, update, "at most 5 s and 100 MB")


_INSERT = (
    "INSERT INTO calls (account, quota_month, endpoint, level, system_id, device_id, period, state, sent_utc,"
    " finished_utc, http_status, code, owner)"
    " VALUES ('a', '2025-01', ?, ?, ?, '', ?, 'answered', ?, ?, 200, 0, 'o')"
)


def _keep_answers(connection: sqlite3.Connection, system_id: str, first: date, days: int) -> None:
    details = {
        "sid": system_id, "create_date": first.isoformat(), "capacity": "5", "type": 1,
        "timezone": "Europe/Madrid", "ecu": [f"E{system_id}"], "light": 1,
    }  # fmt: skip
    sent = f"{first} 12:00:00.000000"
    call = connection.execute(_INSERT, ("system_details", "", system_id, "", sent, sent)).lastrowid
    body = pack(json.dumps({"code": 0, "data": details}).encode())
    connection.execute("INSERT INTO bodies (call_id, body) VALUES (?, ?)", (call, body))
    _keep_calls(connection, system_id, [first + timedelta(n) for n in range(days)])


def _keep_calls(connection: sqlite3.Connection, system_id: str, days: Sequence[date]) -> None:
    for day in days:
        sent = f"{day + timedelta(8)} 12:00:00.000000"
        connection.execute(_INSERT, ("system_energy", "hourly", system_id, day.isoformat(), sent, sent))


if __name__ == "__main__":
    batch_strings()
    partition_write()
    coverage_spans()
    warehouse_update(3, 10, "at most 2 s, 300 MB in all")
    warehouse_update(30, 3, "at most 4 s")
    coverage_update()
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
