"""Days on which nothing was produced: the daily value tells, so parts of them are not asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from aps_pipeline.ingest import Wanted
from aps_pipeline.simulator import Fleet
from aps_pipeline.simulator.fleet import Span
from aps_pipeline.tables import get_table
from aps_pipeline_tests.sites import EAST, Site, a_fleet, serving

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 31)
DARK = [date(2024, 3, day) for day in (11, 12, 13)]
DAILY, HOURS, POWER, PANELS, METER = (
    "system_daily_energy",
    "system_hourly_energy",
    "ecu_power",
    "inverter_batch_energy",
    "meter_hourly_energy",
)


def dark_fleet() -> Fleet:
    """East recorded nothing for three days."""
    east, west = a_fleet().systems
    (ecu,) = east.ecus
    return Fleet((replace(east, ecus=(replace(ecu, offline=(Span(DARK[0], date(2024, 3, 14)),)),)), west))


@pytest.fixture
def dark(tmp_path: Path) -> Iterator[Site]:
    """That fleet on 10 May."""
    with serving(tmp_path / "data", fleet=dark_fleet()) as site:
        site.clock.instant = datetime(2024, 5, 10, 12, tzinfo=UTC)
        yield site


def asked(site: Site, part: str) -> set[str]:
    """The days asked about so far of what has `part` in its request."""
    return {query[-10:] for path, query in site.simulator.requests if part in f"{path}?{query}"}


def test_parts_of_a_day_without_production_are_not_asked(dark: Site) -> None:
    run = dark.collect(FIRST, LAST, (DAILY, HOURS, POWER), system_ids=(EAST,))
    days = {str(day) for day in DARK}
    assert not days & asked(dark, "hourly") and not days & asked(dark, "minutely")
    assert len(asked(dark, "hourly")) == len(asked(dark, "minutely")) == 31 - 3
    spared = run.of(HOURS, str(DARK[1]))
    assert spared.is_complete and spared.rows is None and spared.remark.startswith("idle")
    assert not days & set(dark.frame(HOURS)["date"].astype(str)), "nobody measured those hours: no row says 0"
    assert dark.collect(FIRST, LAST, (DAILY, HOURS, POWER), system_ids=(EAST,)).summary.calls == 0


def test_meters_and_panels_by_day_are_asked_all_the_same(dark: Site) -> None:
    dark.collect(FIRST, LAST, (DAILY,), system_ids=(EAST,))
    dark.collect(FIRST, LAST, (PANELS, METER), system_ids=(EAST,))
    assert {str(day) for day in DARK} <= asked(dark, "batch") & asked(dark, "meter/period")


def test_a_zero_that_may_still_change_spares_nothing(dark: Site) -> None:
    dark.clock.instant = datetime(2024, 3, 16, 12, tzinfo=UTC)
    dark.collect(FIRST, date(2024, 3, 15), (DAILY, HOURS), system_ids=(EAST,))
    assert {str(day) for day in DARK} <= asked(dark, "hourly")


def test_null_is_no_zero(tmp_path: Path) -> None:
    with serving(tmp_path / "data", fleet=dark_fleet(), quirks=["nulls"]) as site:
        site.clock.instant = datetime(2024, 5, 10, 12, tzinfo=UTC)
        site.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(EAST,))
        assert {str(day) for day in DARK} <= asked(site, "hourly")


def test_the_plan_counts_them_as_spared(dark: Site) -> None:
    dark.collect(FIRST, LAST, (DAILY,), system_ids=(EAST,))
    pipeline = dark.pipeline(system_ids=(EAST,))
    (line,) = pipeline.plan(Wanted((get_table(HOURS),), FIRST, LAST, (EAST,)))
    pipeline.ledger.close()
    assert (line.calls, line.skipped, line.held) == (28, 3, 0)
