"""A year of a small fleet, from the simulator through the Dagster assets into a warehouse: `make demo`.

The year before has days, months and years of its systems too, to compare with.
Run again, it makes no call and leaves the lake as it is.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console
from rich.table import Table as Grid

from aps_pipeline.config import Settings
from aps_pipeline.errors import PipelineError
from aps_pipeline.ledger import Ledger
from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.home import prepare_home
from aps_pipeline.orchestration.jobs import GRAINS, INVENTORY, WAREHOUSE_JOB, job_name
from aps_pipeline.orchestration.materialize import asset_key
from aps_pipeline.orchestration.partitions import range_tags
from aps_pipeline.orchestration.resources import RESOURCE, ApsResource
from aps_pipeline.orchestration.simulated import (
    demo_dir,
    demo_year,
    get_simulated_settings,
    write_site_files,
    year_before,
)
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import periods_of
from aps_pipeline.progress import PartitionProgress
from aps_pipeline.simulator import Fleet, Simulator, demo_fleet, serving_apart
from aps_pipeline.tables import FETCHED, PROFILES, TABLES, Table
from aps_pipeline.warehouse import query

_BY_MONTH = """
    SELECT strftime(month, '%Y-%m') AS month, system_id, round(sum(energy_kwh), 1) AS kwh
    FROM core.system_monthly_energy WHERE month BETWEEN '{first:%Y-%m}-01' AND '{last}'
    GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class Demo:
    """The result of a demo. `calls` are those of this run, as the simulator counted them."""

    first: str
    last: str
    seconds: float
    calls: int
    calls_in_ledger: int
    files: int
    lake_bytes: int
    lake_sha256: str
    data_dir: str
    production: list[dict[str, Any]]


def demo_result(settings: Settings, first: date, last: date, seconds: float, calls: int) -> Demo:
    """Read ledger, lake and warehouse. Raises LedgerError, WarehouseError, OSError."""
    with closing(Ledger(settings.ledger_address)) as ledger:
        calls_in_ledger = sum(len(portion) for portion in ledger.iter_calls())
    files = sorted(Path(settings.lake_address).rglob("*.parquet"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(settings.data_dir)).encode() + file.read_bytes())
    return Demo(
        first=first.isoformat(),
        last=last.isoformat(),
        seconds=round(seconds, 1),
        calls=calls,
        calls_in_ledger=calls_in_ledger,
        files=len(files),
        lake_bytes=sum(file.stat().st_size for file in files),
        lake_sha256=digest.hexdigest(),
        data_dir=str(settings.data_dir),
        production=query(settings.warehouse_path, _BY_MONTH.format(first=first, last=last)).to_pylist(),
    )


def show(demo: Demo) -> None:
    """Print a demo, and what to do next."""
    console = Console()
    console.print(_grid(demo))
    console.print(
        f"{demo.calls:,} calls made, {demo.calls_in_ledger:,} kept in the ledger; "
        f"{demo.files:,} files, {demo.lake_bytes / 1e6:.1f} MB, sha256 {demo.lake_sha256[:12]}; "
        f"{demo.seconds:.0f} s\n",
        highlight=False,
        soft_wrap=True,
    )
    aps = _near(Path(sys.executable).with_name("aps"))
    lines = (
        ("Open the UI:", "make dev"),
        ("Query:", f'APS_DATA_DIR={_near(demo.data_dir)} {aps} sql "FROM mart.monthly_production"'),
        ("Report:", f"APS_DATA_DIR={_near(demo.data_dir)} {aps} report"),
        ("Run again:", f"{aps} demo   (makes 0 calls)"),
    )
    for what, how in lines:
        console.print(f"  {what:<13} {how}", highlight=False, soft_wrap=True)


def _grid(demo: Demo) -> Grid:
    systems = list(dict.fromkeys(row["system_id"] for row in demo.production))
    months = list(dict.fromkeys(row["month"] for row in demo.production))
    kwh = {(row["month"], row["system_id"]): row["kwh"] for row in demo.production}
    grid = Grid(title="Energy by month [kWh]", title_justify="left")
    grid.add_column("month")
    for system in systems:
        grid.add_column(system, justify="right")
    for month in months:
        grid.add_row(month, *(_sum([kwh.get((month, system))]) for system in systems))
    grid.add_section()
    grid.add_row("sum", *(_sum(kwh.get((month, system)) for month in months) for system in systems))
    return grid


def _sum(values: Iterable[float | None]) -> str:
    """Add up what is there; empty where nothing is there, because that is not 0."""
    found = [value for value in values if value is not None]
    return f"{sum(found):,.1f}" if found else ""


def _near(path: str | Path) -> str:
    """Shorten a path to how one would type it from here."""
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else str(path)


YEAR_TABLES = (*PROFILES["lean"], TABLES["system_hourly_energy"])
"""What is collected of the whole year."""

EVERY_TABLE_SPAN = timedelta(days=2)
"""How far before the last day every table is collected: high resolution costs most of the calls."""

CALLING_JOBS = [job for job in GRAINS if job != INVENTORY]

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own lines on the console are not wanted beside the progress."""


class DemoError(RuntimeError):
    """A run of the demo failed; the message is that of the run."""


def run(directory: Path, first: date, last: date, fleet: Fleet | None = None) -> Demo:
    """Backfill those days, with their months and years, into `directory` and build its warehouse.

    The last days are those of every table, the others those of YEAR_TABLES; months and years begin a
    year before. Roof file and tariff file are written beside.
    Raises DemoError, KeyboardInterrupt, LedgerError, WarehouseError, OSError.
    """
    began = time.monotonic()
    simulator = Simulator(fleet=fleet or demo_fleet(first.year))
    before = year_before(first)
    write_site_files(directory, simulator.fleet, first.year)
    home = prepare_home(directory / "dagster")
    with (
        serving_apart(simulator.fleet, seed=1) as (url, count_calls),
        dg.DagsterInstance.from_config(str(home)) as instance,
    ):
        settings = get_simulated_settings(simulator, url, directory, before)
        is_known = instance.get_latest_materialization_event(asset_key(TABLES["systems"]))
        # To ask the inventory again would be a refresh.
        parts = [] if is_known else [_Part(INVENTORY, YEAR_TABLES, first, last)]
        for job in CALLING_JOBS:
            parts.append(_Part(job, YEAR_TABLES, first if GRAINS[job] is Grain.DAY else before, last))
        for job in CALLING_JOBS:
            parts.append(_Part(job, FETCHED, max(first, last - EVERY_TABLE_SPAN), last))
        parts.append(_Part(WAREHOUSE_JOB, YEAR_TABLES, first, last))
        names = {name for part in parts for name in part.partition_names()}
        with PartitionProgress("demo", names=names) as progress:
            for number, part in enumerate(parts, 1):
                print(f"{number} of {len(parts)}: {part.title} …", file=sys.stderr, flush=True)
                _execute(settings, instance, part, progress)
        calls = count_calls()
    return demo_result(settings, first, last, time.monotonic() - began, calls)


@dataclass(frozen=True)
class _Part:
    """One run of the demo: a job over tables and a range of days."""

    job: str
    collected: tuple[Table, ...]
    first: date
    last: date

    @property
    def title(self) -> str:
        """What it does, in words."""
        every = " of every table" if self.collected == FETCHED else ""
        return self.job.removeprefix("refresh_").replace("_", " ") + every

    def partition_names(self) -> Iterator[str]:
        """List the partitions that it goes through, as progress names them."""
        for table in self.collected:
            if job_name(table) == self.job:
                for period in periods_of(table, self.first, self.last):
                    yield f"{table.name} {period.key}".strip()


def _execute(
    settings: Settings, instance: dg.DagsterInstance, part: _Part, progress: PartitionProgress
) -> None:
    """Run the job of a part over its range. Raises DemoError, KeyboardInterrupt."""
    grain = GRAINS.get(part.job)
    ends = (Period.containing(grain, day) for day in (part.first, part.last)) if grain else None
    aps = ApsResource(lambda: settings, progress)
    definition = build_definitions(settings.start_date, aps, part.collected).resolve_job_def(part.job)
    result = definition.execute_in_process(
        _QUIET,
        instance=instance,
        tags=range_tags(*ends) if ends else {},
        raise_on_error=False,
        resources={RESOURCE: aps},
    )
    if not result.success:
        raise _run_error(part.job, result)


def _run_error(job: str, result: dg.ExecuteInProcessResult) -> BaseException:
    messages = []
    for event in result.filter_events(lambda event: event.is_step_failure):
        data = event.step_failure_data
        if data.error and "Interrupt" in (data.error.cls_name or ""):
            return KeyboardInterrupt()
        messages.append(data.user_failure_data.description if data.user_failure_data else None)
    return DemoError("\n".join(text for text in messages if text) or f"{job} failed")


def main() -> int:
    """Run the command; returns its exit code."""
    parser = ArgumentParser(prog="aps demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    wants_json = parser.parse_args().json
    year = demo_year()
    try:
        demo = run(demo_dir(), date(year, 1, 1), date(year, 12, 31))
    except KeyboardInterrupt:
        print("stopped; nothing is lost: run it again to go on", file=sys.stderr)
        return 3
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except PipelineError as error:
        print(error, file=sys.stderr)
        return 7 if isinstance(error, OSError) else 2
    except OSError as error:
        print(f"{error.filename or 'storage'}: {error.strerror or error}", file=sys.stderr)
        return 7
    if wants_json:
        print(json.dumps(vars(demo)))
    else:
        show(demo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
