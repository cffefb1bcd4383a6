"""A warehouse of a few simulated days, the same each time: its clock is set, and calls go one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from aps_pipeline.ingest import Pipeline, Summary, Wanted
from aps_pipeline.orchestration.simulated import describe_site, simulated_settings
from aps_pipeline.simulator import Fleet, Simulator, awkward_fleet
from aps_pipeline.tables import FETCHED, PROFILES, Table
from aps_pipeline.warehouse import Built
from aps_pipeline.wiring import build_warehouse, open_pipeline

FIRST, WHOLE = date(2025, 6, 1), date(2025, 6, 16)
"""Energies are collected from the first of these days on, every table from the second."""

MOMENTS = (datetime(2025, 6, 16, 8, 30, tzinfo=UTC), datetime(2025, 6, 17, 8, 30, tzinfo=UTC))
"""When it is collected: while a day is running, so that some rows are partial, and once more a day later."""

_ENERGIES = tuple(table for table in PROFILES["standard"] if not table.is_five_minute)


def build_sample(directory: Path) -> Built:
    """The warehouse of two systems with a dead panel, a weak one and an ECU that is offline for four days.

    Ledger, lake and warehouse go below `directory`. Raises LedgerError, StorageError, WarehouseError.
    """
    moment = MOMENTS[0]
    fleet = Fleet(awkward_fleet().systems[:2])
    simulator = Simulator(fleet, seed=1, now=lambda: moment, signing_clock=_real_time)
    describe_site(directory, fleet, FIRST.year)
    with simulator.serving() as url:
        settings = simulated_settings(simulator, url, directory, FIRST)
        settings = settings.model_copy(update={"max_in_flight": 1})  # so that calls have the same numbers
        pipeline = open_pipeline(settings)
        pipeline.ledger.now = lambda: moment
        try:
            for moment in MOMENTS:  # what both clocks show
                _collect(pipeline, _ENERGIES, FIRST, moment.date())
                _collect(pipeline, FETCHED, WHOLE, moment.date())
            built = build_warehouse(settings, pipeline, force=True)
        finally:
            pipeline.ledger.close()
    assert built is not None  # noqa: S101 - forced
    return built


def _collect(pipeline: Pipeline, tables: tuple[Table, ...], first: date, last: date) -> None:
    for _ in pipeline.collect(Wanted(tables, first, last, pipeline.system_ids, recheck=True), Summary()):
        pass


def _real_time() -> datetime:
    return datetime.now(UTC)
