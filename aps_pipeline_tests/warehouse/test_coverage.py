"""`mart.coverage` is a view: each span of `meta.coverage_spans`, period by period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from aps_pipeline.periods import zone
from aps_pipeline.planning import Answers, Border, CoverageSpan, Device, Outlook, SkipRules, System, coverage
from aps_pipeline.request import LedgerEntry
from aps_pipeline.tables import FETCHED
from aps_pipeline.warehouse.coverage import add_coverage
from aps_pipeline_tests.planning.fleets import REVISION, Case, cases
from aps_pipeline_tests.planning.period_states import PeriodState, entries_of, reference
from aps_pipeline_tests.warehouse.conftest import Plant
from aps_pipeline_tests.warehouse.lean import only_marts

FACTS = [table for table in FETCHED if table.group != "inventory"]
NAMED_BY = {(sid, kind): 55 for sid in ("S1", "S2") for kind in ("system", "ecu", "inverter")}
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts("coverage"):
        yield


def row_of(each: PeriodState) -> tuple[object, ...]:
    return (
        each.system_id,
        each.table.name,
        each.period.key,
        each.period.first if each.period.key else None,
        each.state.value,
        each.parts,
        each.with_data,
        each.no_data,
        each.is_final,
        each.call_id,
    )


def shown(spans: list[CoverageSpan]) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA meta")
        add_coverage(connection, spans)
        return connection.execute("FROM meta.coverage").fetchall()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases())
def test_the_view_shows_what_a_look_at_each_period_gives(case: Case) -> None:
    outlook = Outlook(case.known, NAMED_BY, case.policy.now, REVISION)
    tables = [case.table, *(table for table in FACTS if table is not case.table)][:4]
    expected = [row_of(each) for each in reference(tables, case.system, case.answers, outlook)]
    found = list(coverage(tables, case.system, entries_of("S1", case.answers), outlook))
    assert shown(found) == sorted(expected, key=lambda row: row[:3])


def an_awkward_history() -> tuple[list[CoverageSpan], list[PeriodState]]:
    """Two systems that were registered long ago: days with answers here and there, and every table."""
    sent = datetime(2024, 2, 10, tzinfo=UTC)
    entries = {
        ("system_energy", "hourly"): {
            ("S1", "", "2024-02-28"): LedgerEntry(answered=1, answered_utc=sent, asked_utc=sent),
            ("S1", "", "2024-02-29"): LedgerEntry(refused=2),
            ("S1", "", "2024-02-30"): LedgerEntry(failed=3),
            ("S2", "", "2023-12-31"): LedgerEntry(no_data=4, asked_utc=sent),
        },
        ("inverter_batch", "energy"): {
            ("S1", "E1", f"2024-02-{day:02}"): LedgerEntry(answered=day, answered_utc=NOW, asked_utc=NOW)
            for day in range(1, 20)
        },
        ("system_energy", "daily"): {
            ("S1", "", "2023-11"): LedgerEntry(answered=41, answered_utc=sent, asked_utc=sent),
            ("S1", "", "2024-01"): LedgerEntry(answered=42, answered_utc=sent, asked_utc=sent),
        },
    }
    answers = Answers.from_entries(entries)
    systems = (
        System("S1", zone("America/St_Johns"), date(2019, 2, 28), (Device("E1", None, date(2024, 2, 12)),)),
        System("S2", zone("Pacific/Apia"), date(2011, 12, 1), (Device("E2", date(2012, 1, 31)),)),
    )
    rules = SkipRules(
        {"S1": dict.fromkeys((date(2024, 1, 2), date(2024, 1, 3), date(2024, 2, 2)), 91)},
        {("inverter_batch", "energy", "S1"): Border(date(2023, 5, 31), (92,), NOW)},
    )
    outlook = Outlook(rules, NAMED_BY, NOW, REVISION)
    spans = [each for s in systems for each in coverage(FACTS, s, entries_of(s.system_id, answers), outlook)]
    return spans, [each for system in systems for each in reference(FACTS, system, answers, outlook)]


def test_so_it_does_over_years_and_in_the_same_order() -> None:
    spans, periods = an_awkward_history()
    expected = sorted(map(row_of, periods), key=lambda row: row[:3])
    assert shown(spans) == expected
    assert len(spans) < len(periods) / 500


def test_the_mart_is_a_view_in_the_order_of_its_key(plant: Plant) -> None:
    _, plant.covered = an_awkward_history()
    built = plant.build()
    with duckdb.connect(str(built.path), read_only=True) as connection:
        rows = connection.execute("SELECT * EXCLUDE (missing, sent_utc, error) FROM mart.coverage").fetchall()
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
    assert rows == sorted(map(row_of, plant.covered), key=lambda row: row[:3])
    assert built.rows["mart.coverage"] == built.rows["meta.coverage"] == len(rows)
    assert views == [("coverage",), ("coverage",)]
