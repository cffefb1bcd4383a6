"""`mart.coverage` is a view: each span of `meta.coverage_spans`, period by period."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from aps_pipeline.planning import CoverageSpan, KnownCoverage, Outlook, coverage
from aps_pipeline.warehouse.coverage import add_coverage
from aps_pipeline_tests.planning.fleets import REVISION, Case, cases
from aps_pipeline_tests.planning.period_states import (
    FACTS,
    NAMED_BY,
    PeriodState,
    an_awkward_history,
    entries_of,
    reference,
)
from aps_pipeline_tests.warehouse.conftest import Plant
from aps_pipeline_tests.warehouse.lean import only_marts


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
        connection.execute("CREATE SCHEMA internal")
        add_coverage(connection, lambda _: spans, KnownCoverage())
        return connection.execute("FROM meta.coverage").fetchall()


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases())
def test_the_view_shows_what_a_look_at_each_period_gives(case: Case) -> None:
    outlook = Outlook(case.known, NAMED_BY, case.policy.now, REVISION)
    tables = [case.table, *(table for table in FACTS if table is not case.table)][:4]
    expected = [row_of(each) for each in reference(tables, case.system, case.answers, outlook)]
    found = list(coverage(tables, case.system, entries_of("S1", case.answers), outlook))
    assert shown(found) == sorted(expected, key=lambda row: row[:3])


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
