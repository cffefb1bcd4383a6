"""A small simulated plant, and the queries that show its tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from aps_pipeline.ingest import Pipeline, Summary, Wanted
from aps_pipeline.orchestration.simulated import get_simulated_settings, write_site_files
from aps_pipeline.simulator import Fleet, Simulator, awkward_fleet
from aps_pipeline.tables import FETCHED, PROFILES, Table
from aps_pipeline.warehouse import BuiltWarehouse
from aps_pipeline.wiring import build_warehouse, open_pipeline


@dataclass(frozen=True)
class Query:
    """A question, and the SQL that answers it in any warehouse."""

    question: str
    sql: str


QUERIES = (
    Query(
        "What is there, and what is missing?",
        """\
select state, count(*) as periods, count(distinct table_name) as tables, min(first_date) as since
from mart.coverage
group by state
order by periods desc;""",
    ),
    Query(
        "How much was produced on the last days, and is that the whole of it?",
        """\
select system_id, date, energy_kwh, state, hours_reported, coverage
from mart.daily_production
order by date desc, system_id
limit 10;""",
    ),
    Query(
        "At which hours does a system produce most?",
        """\
select system_id, calendar_month, hour, median_kwh, p10_kwh, p90_kwh, days
from mart.hourly_profile
order by median_kwh desc, system_id
limit 10;""",
    ),
    Query(
        "Which panels do worse than the others, and what has it cost?",
        """\
select system_id, inverter_id, channel, class, round(ratio, 2) as ratio, loss_kwh, evidence
from mart.panel_health
where class not in ('fine', 'removed')
order by loss_kwh desc nulls last, inverter_id, channel;""",
    ),
    Query(
        "Do the hours, days, months and panels agree with one another?",
        """\
select comparison, finding, count(*) as periods, max(abs(residual_kwh)) as largest_kwh
from mart.reconciliation
group by all
order by largest_kwh desc nulls last, comparison, finding;""",
    ),
    Query(
        "Where does a number come from?",
        """\
select date, energy_kwh, is_final, call_id, endpoint, level, period, sent_utc
from core.system_daily_energy
join meta.calls using (call_id, system_id)
order by date desc, system_id
limit 10;""",
    ),
)


FIRST, WHOLE = date(2025, 6, 1), date(2025, 6, 16)
"""Energies are collected from the first of these days on, every table from the second."""

MOMENTS = (datetime(2025, 6, 16, 8, 30, tzinfo=UTC), datetime(2025, 6, 17, 8, 30, tzinfo=UTC))
"""When it is collected: while a day is running, so that some rows are partial, and once more a day later."""

_ENERGIES = tuple(table for table in PROFILES["standard"] if not table.is_five_minute)


def build_sample(directory: Path) -> BuiltWarehouse:
    """Build a warehouse of two systems with a dead panel, a weak one and an ECU offline for four days.

    Ledger, lake and warehouse go below `directory`. Raises LedgerError, StorageError, WarehouseError.
    """
    moment = MOMENTS[0]
    fleet = Fleet(awkward_fleet().systems[:2])
    simulator = Simulator(fleet, seed=1, now=lambda: moment, signing_clock=lambda: datetime.now(UTC))
    write_site_files(directory, fleet, FIRST.year)
    with simulator.serving() as url:
        settings = get_simulated_settings(simulator, url, directory, FIRST)
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
