"""What there is and what is missing, after runs against a server."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from unittest import mock

import duckdb
import pytest

from aps_pipeline import warehouse
from aps_pipeline.ingest import borders
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.planning import Retention, State
from aps_pipeline.simulator import Fault
from aps_pipeline.tables import get_table
from aps_pipeline.warehouse import update
from aps_pipeline_tests.planning.period_states import PeriodState, expand
from aps_pipeline_tests.sites import EAST, WEST, Site, serving
from aps_pipeline_tests.warehouse.lean import only_marts

FIRST, LAST = date(2024, 2, 10), date(2024, 5, 9)
DAILY, HOURS, PANELS, METER = (
    "system_daily_energy",
    "system_hourly_energy",
    "inverter_batch_energy",
    "meter_hourly_energy",
)


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts("coverage"):
        yield


def covered(site: Site, most_systems: int = 100) -> dict[tuple[str, str, str], PeriodState]:
    pipeline = site.pipeline()
    try:
        with mock.patch.object(borders, "_MOST_SYSTEMS", most_systems):
            found = list(expand(pipeline.coverage(site.clock())))
    finally:
        pipeline.ledger.close()
    return {(each.system_id, each.table.name, each.period.key): each for each in found}


def test_before_the_first_call_there_is_nothing(site: Site) -> None:
    pipeline = site.pipeline()
    assert list(pipeline.coverage()) == []
    pipeline.ledger.close()


def test_every_reason_for_a_gap_has_its_name(tmp_path: Path) -> None:
    faults = [
        Fault("short", endpoint="hourly", date_range="2024-05-03"),
        Fault("4001", endpoint="hourly", date_range="2024-05-04"),
        Fault("1001", endpoint="hourly", date_range="2024-05-05"),
    ]
    with serving(tmp_path / "data", faults, retention_days=40) as site:
        site.clock.instant = datetime(2024, 5, 10, 12, tzinfo=UTC)
        site.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(EAST,))
        site.collect(date(2024, 5, 7), LAST, (PANELS, METER))
        found = covered(site)
        assert covered(site, most_systems=1) == found, "one system at a time gives the same"
        states = {key: each.state for key, each in found.items()}
        assert states[EAST, HOURS, "2024-02-20"] is State.BEYOND
        assert states[EAST, HOURS, "2024-05-03"] is State.REFUSED
        assert states[EAST, HOURS, "2024-05-04"] is State.FAILED
        assert states[EAST, HOURS, "2024-05-05"] is State.NO_DATA
        assert states[EAST, HOURS, "2024-05-06"] is State.PRESENT
        assert states[EAST, DAILY, "2024-05"] is State.PARTIAL, "the month goes on"
        assert states[EAST, HOURS, "2024-05-10"] is State.NOT_DUE
        assert states[EAST, PANELS, "2024-05-06"] is State.NOT_ASKED
        assert states[WEST, METER, "2024-05-08"] is State.NOT_APPLICABLE, "it has no meter"
        assert states[WEST, HOURS, "2024-05-08"] is State.NOT_ASKED
        assert min(key for sid, table, key in found if (sid, table) == (WEST, HOURS)) == "2024-03-03"


def test_the_mart_names_the_call_that_proves_it(tmp_path: Path) -> None:
    faults = [Fault("short", endpoint="hourly", date_range="2024-03-04")]
    with serving(tmp_path / "data", faults) as site:
        site.collect(date(2024, 3, 3), date(2024, 3, 5), (HOURS,), system_ids=(EAST,))
        pipeline = site.pipeline()
        path = tmp_path / "warehouse.duckdb"
        warehouse.build(path, pipeline.lake, pipeline.ledger, coverage=lambda _: pipeline.coverage())
        pipeline.ledger.close()
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            "SELECT coverage.period, coverage.state, missing, calls.period, calls.state FROM mart.coverage"
            " JOIN meta.calls USING (call_id) WHERE table_name = 'system_hourly_energy' ORDER BY 1"
        ).fetchall()
        assert rows == [
            ("2024-03-03", "present", 0, "2024-03-03", "answered"),
            ("2024-03-04", "refused", 1, "2024-03-04", "refused"),
            ("2024-03-05", "present", 0, "2024-03-05", "answered"),
        ]
        (error,) = connection.execute("SELECT error FROM mart.coverage WHERE state = 'refused'").fetchall()[0]
        assert "23" in error


def test_borders_are_those_of_all_answers_together_one_system_at_a_time_too(tmp_path: Path) -> None:
    with serving(tmp_path / "data", retention_days=30) as site:
        site.clock.instant = datetime(2024, 5, 10, 12, tzinfo=UTC)
        site.collect(FIRST, LAST, (DAILY, HOURS))
        pipeline = site.pipeline()
        ledger, now, window = pipeline.ledger, site.clock(), pipeline.revision_window
        systems = KnownFleet.load(ledger).systems
        lit, answers = borders.read_history(ledger, systems, [get_table(HOURS).source.kind], window)
        at_once = Retention(systems, lit, answers, now).borders
        with mock.patch.object(borders, "_MOST_SYSTEMS", 1):
            found = borders.get_borders(ledger, systems, window, now)
        pipeline.ledger.close()
    assert found == at_once and {key[2] for key in found} == {EAST, WEST}


def test_coverage_that_is_kept_and_continued_is_that_which_is_computed_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days that follow, days that were left out, other tables, no data twice, a newer inventory, no call."""
    faults = [
        Fault("short", endpoint="hourly", date_range="2024-05-03"),
        Fault("1001", endpoint="hourly", date_range="2024-05-05"),
    ]
    steps: list[tuple[datetime, tuple[date, date] | None, tuple[str, ...], bool]] = [
        (datetime(2024, 5, 6, 12, tzinfo=UTC), (date(2024, 5, 1), date(2024, 5, 5)), (DAILY, HOURS), False),
        (datetime(2024, 5, 6, 13, tzinfo=UTC), None, (), False),
        (datetime(2024, 5, 7, 12, tzinfo=UTC), (date(2024, 5, 6), date(2024, 5, 6)), (DAILY, HOURS), False),
        (datetime(2024, 5, 7, 13, tzinfo=UTC), (date(2024, 3, 20), date(2024, 4, 2)), (DAILY, HOURS), False),
        (datetime(2024, 5, 15, 12, tzinfo=UTC), (date(2024, 5, 1), date(2024, 5, 14)), (HOURS, PANELS), True),
        (datetime(2024, 6, 2, 12, tzinfo=UTC), (date(2024, 5, 28), date(2024, 6, 1)), (DAILY, METER), True),
    ]
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(update, "_LARGEST_SHARE", 2)
    with serving(tmp_path / "data", faults, retention_days=60) as site:
        for instant, days, tables, again in steps:
            site.clock.instant = instant
            if days is not None:
                site.collect(*days, tuple(tables), again=again)
            pipeline = site.pipeline()
            spans = []
            for name, from_nothing in (("kept", False), ("whole", True)):
                warehouse.build(
                    path := tmp_path / f"{name}.duckdb", pipeline.lake, pipeline.ledger,
                    coverage=partial(pipeline.coverage, None), from_nothing=from_nothing,
                )  # fmt: skip
                rows = warehouse.query(path, "FROM meta.coverage_spans ORDER BY ALL").to_pylist()
                spans.append(rows)
            pipeline.ledger.close()
            assert spans[0] == spans[1], instant
    assert "built from nothing" not in caplog.text
