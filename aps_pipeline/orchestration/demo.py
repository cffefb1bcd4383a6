"""A year of a small fleet, from the simulator through the Dagster assets into a warehouse: `make demo`.

Of the year before, days, months and years of its systems are there to compare with.
Run again, it makes no call and leaves the lake as it is.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import dagster as dg

from aps_pipeline.config import Settings
from aps_pipeline.orchestration.code_location import definitions_of
from aps_pipeline.orchestration.collecting import asset_key
from aps_pipeline.orchestration.demo_result import Demo, result_of, show
from aps_pipeline.orchestration.failures import EXPECTED
from aps_pipeline.orchestration.home import prepare_home
from aps_pipeline.orchestration.jobs import GRAINS, INVENTORY, WAREHOUSE_JOB
from aps_pipeline.orchestration.partitions import range_tags
from aps_pipeline.orchestration.resources import RESOURCE, Access
from aps_pipeline.orchestration.simulated import (
    demo_dir,
    demo_year,
    describe_site,
    simulated_settings,
    year_before,
)
from aps_pipeline.periods import Grain, Period
from aps_pipeline.progress import PartitionProgress
from aps_pipeline.simulator import Fleet, Simulator, demo_fleet
from aps_pipeline.tables import FETCHED, HISTORY, TABLES, Table

WHOLE = timedelta(days=2)
"""How far before the last day every table is collected: high resolution costs most of the calls."""

ASKING = [job for job in GRAINS if job != INVENTORY]

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Dagster's own lines on the console are not wanted beside the progress."""


class DemoError(RuntimeError):
    """A run of the demo failed; the message is what it said."""


def run(directory: Path, first: date, last: date, fleet: Fleet | None = None) -> Demo:
    """Backfill those days, with their months and years, into `directory` and build its warehouse.

    The last days are those of every table, the others those of a usual history; months and years begin a
    year before. Roof file and tariff file are written beside.
    Raises DemoError, KeyboardInterrupt, LedgerError, WarehouseError, OSError.
    """
    began = time.monotonic()
    simulator = Simulator(fleet=fleet or demo_fleet(first.year), seed=1)
    before = year_before(first)
    describe_site(directory, simulator.fleet, first.year)
    home = prepare_home(directory / "dagster")
    with simulator.serving() as url, dg.DagsterInstance.from_config(str(home)) as instance:
        settings = simulated_settings(simulator, url, directory, before)
        known = instance.get_latest_materialization_event(asset_key(TABLES["systems"]))
        execute = partial(_execute, settings, instance)
        if not known:  # asking again would be a refresh
            execute(INVENTORY, HISTORY, first, last)
        for job in ASKING:
            execute(job, HISTORY, first if GRAINS[job] is Grain.DAY else before, last)
        for job in ASKING:
            execute(job, FETCHED, max(first, last - WHOLE), last)
        execute(WAREHOUSE_JOB, HISTORY, first, last)
    return result_of(settings, first, last, time.monotonic() - began, simulator.counts.total)


def _execute(
    settings: Settings,
    instance: dg.DagsterInstance,
    job: str,
    collected: tuple[Table, ...],
    first: date,
    last: date,
) -> None:
    """One run of a job for those tables over the whole range."""
    grain = GRAINS.get(job)
    tags = range_tags(Period.containing(grain, first), Period.containing(grain, last)) if grain else {}
    every = " of every table" if collected == FETCHED else ""
    title = job.removeprefix("refresh_").replace("_", " ") + every
    print(f"{title} …", file=sys.stderr, flush=True)
    with PartitionProgress(title, quiet=job == WAREHOUSE_JOB) as progress:
        access = Access(lambda: settings, progress)
        definition = definitions_of(settings.start_date, access, collected).resolve_job_def(job)
        result = definition.execute_in_process(
            _QUIET, instance=instance, tags=tags, raise_on_error=False, resources={RESOURCE: access}
        )
    if not result.success:
        raise _error_of(job, result)


def _error_of(job: str, result: dg.ExecuteInProcessResult) -> BaseException:
    said = []
    for event in result.filter_events(lambda event: event.is_step_failure):
        data = event.step_failure_data
        if data.error and "Interrupt" in (data.error.cls_name or ""):
            return KeyboardInterrupt()
        said.append(data.user_failure_data.description if data.user_failure_data else None)
    return DemoError("\n".join(text for text in said if text) or f"{job} failed")


def main() -> int:
    """The command; returns its exit code."""
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
    except EXPECTED as error:
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
