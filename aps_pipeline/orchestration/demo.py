"""A year of a small fleet, from the simulator through the Dagster assets into a warehouse: `make demo`.

Run again, it makes no call and leaves the lake as it is.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from argparse import ArgumentParser
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console
from rich.table import Table as Grid

from aps_pipeline.config import Settings
from aps_pipeline.ledger import Ledger
from aps_pipeline.orchestration.collecting import asset_key
from aps_pipeline.orchestration.definitions import definitions_of
from aps_pipeline.orchestration.failures import EXPECTED
from aps_pipeline.orchestration.home import prepare_home
from aps_pipeline.orchestration.jobs import GRAINS, INVENTORY, WAREHOUSE_JOB
from aps_pipeline.orchestration.partitions import range_tags
from aps_pipeline.orchestration.resources import RESOURCE, Access
from aps_pipeline.orchestration.simulated import demo_dir, demo_year, simulated_settings
from aps_pipeline.periods import Period
from aps_pipeline.progress import PartitionProgress
from aps_pipeline.simulator import Simulator, demo_fleet
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse import query

_BY_MONTH = """
    SELECT strftime(month, '%Y-%m') AS month, system_id, round(sum(energy_kwh), 1) AS kwh
    FROM core.system_monthly_energy WHERE year(month) = {year} GROUP BY ALL ORDER BY ALL
"""


class DemoError(RuntimeError):
    """A run of the demo failed; the message is what it said."""


@dataclass(frozen=True)
class Demo:
    """What a demo came to."""

    year: int
    seconds: float
    calls: int
    calls_in_ledger: int
    files: int
    lake_bytes: int
    lake_sha256: str
    data_dir: str
    production: list[dict[str, Any]]


def run(directory: Path, year: int, *, quiet: bool = False) -> Demo:
    """Backfill that year into `directory` and build its warehouse. Raises DemoError and what assets raise."""
    began = time.monotonic()
    simulator = Simulator(fleet=demo_fleet(), seed=1)
    home = prepare_home(directory / "dagster")
    with simulator.serving() as url, dg.DagsterInstance.from_config(str(home)) as instance:
        settings = simulated_settings(simulator, url, directory, date(year, 1, 1))
        for job in (*GRAINS, WAREHOUSE_JOB):
            if job == INVENTORY and instance.get_latest_materialization_event(asset_key(TABLES["systems"])):
                continue  # known from the first run; asking again would be a refresh
            _execute(job, year, settings, instance, quiet=quiet)
    with closing(Ledger(settings.ledger_address)) as ledger:
        held = sum(len(portion) for portion in ledger.rows())
    files = sorted(Path(settings.lake_address).rglob("*.parquet"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.relative_to(directory)).encode() + file.read_bytes())
    return Demo(
        year=year,
        seconds=round(time.monotonic() - began, 1),
        calls=simulator.counts.total,
        calls_in_ledger=held,
        files=len(files),
        lake_bytes=sum(file.stat().st_size for file in files),
        lake_sha256=digest.hexdigest(),
        data_dir=str(directory),
        production=query(settings.warehouse_path, _BY_MONTH.format(year=year)).to_pylist(),
    )


def _execute(job: str, year: int, settings: Settings, instance: dg.DagsterInstance, *, quiet: bool) -> None:
    """One run of a job over the whole year."""
    grain = GRAINS.get(job)
    first, last = date(year, 1, 1), date(year, 12, 31)
    tags = range_tags(Period.containing(grain, first), Period.containing(grain, last)) if grain else {}
    title = job.replace("_", " ")
    if not quiet:
        print(f"{title} …", file=sys.stderr, flush=True)
    with PartitionProgress(title, quiet=quiet or job == WAREHOUSE_JOB) as progress:
        access = Access(lambda: settings, progress)
        definition = definitions_of(settings.start_date, access).resolve_job_def(job)
        result = definition.execute_in_process(
            instance=instance, tags=tags, raise_on_error=False, resources={RESOURCE: access}
        )
    if not result.success:
        failed = result.filter_events(lambda event: event.is_step_failure)
        said = [
            failure.description for event in failed if (failure := event.step_failure_data.user_failure_data)
        ]
        raise DemoError("\n".join(str(text) for text in said) or f"{job} failed")


def show(demo: Demo) -> None:
    """Print what came of it and where to go from here."""
    console = Console()
    systems = list(dict.fromkeys(row["system_id"] for row in demo.production))
    months = list(dict.fromkeys(row["month"] for row in demo.production))
    kwh = {(row["month"], row["system_id"]): row["kwh"] for row in demo.production}
    grid = Grid(title=f"Energy by month in {demo.year} [kWh]", title_justify="left")
    grid.add_column("month")
    for system in systems:
        grid.add_column(system, justify="right")
    for month in months:
        grid.add_row(month, *(f"{kwh.get((month, system), 0):,.1f}" for system in systems))
    grid.add_section()
    grid.add_row("year", *(f"{sum(kwh.get((m, s), 0) for m in months):,.1f}" for s in systems))
    console.print(grid)
    console.print(
        f"{demo.calls:,} calls made, {demo.calls_in_ledger:,} kept in the ledger; "
        f"{demo.files:,} files, {demo.lake_bytes / 1e6:.1f} MB, sha256 {demo.lake_sha256[:12]}; "
        f"{demo.seconds:.0f} s\n",
        highlight=False,
    )
    lines = (
        ("Open the UI:", "make dev"),
        ("Query:", f'APS_DATA_DIR={demo.data_dir} aps sql "FROM mart.monthly_production"'),
        ("Run again:", "aps demo   (makes 0 calls)"),
    )
    for what, how in lines:
        console.print(f"  {what:<13} {how}", highlight=False, soft_wrap=True)


def main() -> int:
    """The command; returns its exit code."""
    parser = ArgumentParser(prog="aps demo", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    wants_json = parser.parse_args().json
    logging.getLogger("dagster").setLevel(logging.CRITICAL)  # the progress bar says it all
    try:
        demo = run(demo_dir(), demo_year())
    except KeyboardInterrupt:
        print("stopped; nothing is lost: run it again to go on", file=sys.stderr)
        return 130
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except (*EXPECTED, OSError) as error:
        print(error, file=sys.stderr)
        return 7 if isinstance(error, OSError) else 2
    if wants_json:
        print(json.dumps(vars(demo)))
    else:
        show(demo)
    return 0


if __name__ == "__main__":
    sys.exit(main())
