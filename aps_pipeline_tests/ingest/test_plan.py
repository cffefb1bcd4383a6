"""A plan is what the run then does: to the call, and without making one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.ingest import PlannedCalls, Wanted
from aps_pipeline.tables import FETCHED, Table
from aps_pipeline_tests.sites import EAST, HISTORY, WEST, Site, serving

FIRST, LAST = date(2024, 2, 28), date(2024, 3, 6)


def planned(site: Site, tables: tuple[Table, ...], last: date = LAST) -> list[PlannedCalls]:
    pipeline = site.pipeline(app_id=None, app_secret=None)
    try:
        return pipeline.plan(Wanted(tables, FIRST, last, pipeline.system_ids))
    finally:
        pipeline.ledger.close()


@pytest.mark.parametrize("tables", [HISTORY, FETCHED], ids=["history", "full"])
def test_the_plan_is_exact(tmp_path: Path, tables: tuple[Table, ...]) -> None:
    with serving(tmp_path / "data") as site:
        names = [table.name for table in tables]
        site.collect(FIRST, FIRST, ["systems", "inverters", "meters"])
        known = site.calls
        plan = planned(site, tables)
        assert site.calls == known and all(line.is_exact for line in plan)
        run = site.collect(FIRST, LAST, names, max_calls=7)
        assert run.summary.calls == 7
        rest = planned(site, tables)
        assert sum(line.calls for line in rest) == sum(line.calls for line in plan) - 7
        spared = sum(line.calls for line in rest) - site.collect(FIRST, LAST, names).summary.calls
        if tables == HISTORY:
            assert spared == 0
        else:
            assert 0 <= spared <= 8, "the system turns out to answer for its only ECU"
        assert sum(line.calls for line in planned(site, tables)) == 0


def test_before_the_first_call_it_says_that_there_may_be_more(site: Site) -> None:
    plan = {(line.table.name, line.system_id): line for line in planned(site, HISTORY)}
    assert site.calls == 0
    assert plan["systems", EAST].calls == 1 and not plan["inverter_batch_energy", EAST].is_exact


def test_each_line_says_what_a_call_buys(site: Site) -> None:
    site.collect(FIRST, FIRST, ["systems", "inverters", "meters"])
    plan = {(line.table.name, line.system_id): line for line in planned(site, HISTORY)}
    panels = plan["inverter_batch_energy", WEST]
    assert (panels.covers, panels.calls, panels.first) == (
        "all panels of an ECU, one day",
        2 * 4,
        "2024-03-03",
    )
    assert plan["system_daily_energy", EAST].covers == "one system, one month"
    assert plan["system_yearly_energy", EAST].covers == "one system, all years"
