"""A long phase of days is cut into spans: every period belongs to one step, in the order of worth."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.ingest import KnownFleet, Wanted, plan
from aps_pipeline.ingest.plan import Step, steps_of
from aps_pipeline.tables import get_table
from aps_pipeline_tests.field.world import Roof, two_houses, world

DAYS = tuple(map(get_table, ("system_hourly_energy", "inverter_batch_energy")))
FIRST, LAST = date(2026, 10, 1), date(2026, 11, 26)


def test_steps_hold_every_period_once_in_the_order_of_worth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_MOST_REQUESTS", 40)
    with world(tmp_path / "data", *two_houses()) as api:
        api.collect(LAST, LAST, ["systems", "inverters", "meters"])
        pipeline = api.pipeline()
        run = pipeline._run(Wanted(DAYS, FIRST, LAST, pipeline.system_ids))
        fleet = KnownFleet.load(pipeline.ledger)
        batch = DAYS[1]
        for kinds in (set(), {batch.source.kind}):
            found = steps_of(run, fleet, lambda _, kinds=kinds: kinds)  # type: ignore[misc]
            for table in DAYS:
                mine = [step for step in found if table in step.tables]
                days = [p.first for step in mine for p in run.periods_of(table) if step.holds(p)]
                assert len(days) == len(set(days)) == 57 and days[0] == LAST
                assert len(mine) == 7
                oldest = [step.first for step in mine[1:]]
                assert oldest == sorted(oldest, reverse=table.source.kind not in kinds)
        assert steps_of(run, KnownFleet({}, fleet.sightings), lambda _: set()) == [Step([*DAYS])]


def test_a_run_in_steps_asks_what_one_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, plans = [], []
    for most in (40_000, 40):
        monkeypatch.setattr(plan, "_MOST_REQUESTS", most)
        with world(tmp_path / str(most), Roof()) as api:
            tables = ["system_daily_energy", *(table.name for table in DAYS)]
            api.collect(FIRST, LAST, ["systems", "inverters", "meters"])
            pipeline = api.pipeline()
            wanted = Wanted(tuple(map(get_table, tables)), FIRST, LAST, pipeline.system_ids)
            plans.append([(line.table.name, line.calls, line.first) for line in pipeline.plan(wanted)])
            run = api.collect(FIRST, LAST, tables)
            assert run.summary.complete == run.summary.partitions == len(run.results) == 116
            asked.append(api.requests)
            assert not api.pipeline().plan(wanted) or not sum(x.calls for x in api.pipeline().plan(wanted))
    assert sorted(map(str, asked[0])) == sorted(map(str, asked[1])) and plans[0] == plans[1]


def test_what_lies_before_every_system_is_complete_without_a_plan(tmp_path: Path) -> None:
    with world(tmp_path / "data", Roof(create_date=date(2026, 11, 20))) as api:
        api.collect(LAST, LAST, ["systems", "inverters", "meters"])
        run = api.collect(date(2026, 11, 1), LAST, ["inverter_batch_energy"])
        assert run.summary.complete == run.summary.partitions == 26
        assert min(r.when for r in api.asked("batch/energy")) == "2026-11-20"
