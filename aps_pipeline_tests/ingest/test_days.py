"""Days that are not over, days that may be revised, and days on which something was not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.ingest import Summary, Wanted
from aps_pipeline.parse import PARSERS, ParseContext, Parsed
from aps_pipeline.simulator import Fault, Fleet
from aps_pipeline.simulator.fleet import Ecu
from aps_pipeline.tables import get_table
from aps_pipeline_tests.clocks import Ticking
from aps_pipeline_tests.sites import EAST, WEST, WEST_BARN, Site, a_fleet, serving

TODAY = date(2024, 3, 20)
HOURS, DAYS, YEARS, PANELS = (
    "system_hourly_energy",
    "system_daily_energy",
    "system_yearly_energy",
    "inverter_batch_energy",
)


def test_the_day_in_course_has_the_hours_that_have_begun(site: Site) -> None:
    site.clock.instant = datetime(2024, 3, 20, 6, 20, tzinfo=UTC)
    site.collect(TODAY, TODAY, (HOURS,))
    hours = site.frame(HOURS, date=TODAY).groupby("system_id")["hour"].max()
    assert hours[EAST] == 12, "12:05 in Kathmandu; 13:00 begins too late"
    assert hours[WEST] == 2, "02:20 in New York"


def test_a_day_in_course_is_asked_again_on_another_local_day_only(site: Site) -> None:
    site.clock.instant = datetime(2024, 3, 20, 6, 20, tzinfo=UTC)
    site.collect(TODAY, TODAY, (HOURS,), system_ids=(EAST,))
    site.clock.turn(hours=10)
    assert site.collect(TODAY, TODAY, (HOURS,), system_ids=(EAST,)).summary.calls == 0
    site.clock.turn(hours=3)  # 01:05 on the 21st in Kathmandu, still the 20th in UTC
    assert site.collect(TODAY, TODAY, (HOURS,), system_ids=(EAST,)).of(HOURS, str(TODAY)).calls == 1
    assert site.frame(HOURS)["hour"].tolist() == list(range(24))
    site.clock.turn(days=3)
    assert site.collect(TODAY, TODAY, (HOURS,), system_ids=(EAST,)).summary.calls == 0


def test_a_month_in_course_is_asked_again_on_another_day(site: Site) -> None:
    march = date(2024, 3, 1)
    site.collect(march, march, (DAYS,), system_ids=(EAST,))
    assert site.frame(DAYS)["date"].max() == TODAY
    assert site.collect(march, march, (DAYS,), system_ids=(EAST,)).summary.calls == 0
    site.clock.turn(days=1)
    run = site.collect(march, march, (DAYS,), system_ids=(EAST,))
    assert run.of(DAYS, "2024-03").calls == 1
    assert site.frame(DAYS)["date"].max() == date(2024, 3, 21)


def test_the_years_are_asked_again_weekly_while_the_last_one_wanted_runs(site: Site) -> None:
    site.collect(TODAY, TODAY, (YEARS,), system_ids=(EAST,))
    asked = []
    for _ in range(8):
        site.clock.turn(days=1)
        asked.append(site.collect(TODAY, TODAY, (YEARS,), system_ids=(EAST,)).of(YEARS, "").calls)
    assert 1 <= sum(asked) <= 2, "its turn comes once in seven days"
    site.clock.turn(days=7)
    assert site.collect(TODAY, TODAY, (YEARS,), system_ids=(EAST,)).of(YEARS, "").calls == 1
    site.clock.instant = datetime(2025, 2, 1, tzinfo=UTC)
    assert site.collect(TODAY, TODAY, (YEARS,), system_ids=(EAST,)).of(YEARS, "").calls == 1
    site.clock.turn(days=1)
    assert site.collect(TODAY, TODAY, (YEARS,), system_ids=(EAST,)).of(YEARS, "").calls == 0
    assert site.frame(YEARS)["year"].tolist() == [2024, 2025]


def test_the_future_is_not_asked(site: Site) -> None:
    later = date(2024, 6, 1)
    run = site.collect(later, date(2024, 6, 3), (HOURS, DAYS))
    assert [path for path, query in site.simulator.requests if "date_range" in query] == []
    assert run.summary.complete == run.summary.partitions
    assert "in the future" in run.of(HOURS, "2024-06-01").remark


def test_a_backfill_does_not_revise_and_a_refresh_does_when_the_revision_days_have_ended(site: Site) -> None:
    first, last = date(2024, 3, 14), date(2024, 3, 19)
    tables = (HOURS,)
    site.collect(first, last, tables, system_ids=(EAST,))
    site.clock.turn(days=1)
    assert site.collect(first, last, tables, system_ids=(EAST,)).summary.calls == 0
    run = site.collect(first, last, tables, system_ids=(EAST,), revise=True)
    revised = sorted(r.key for r in run.results if r.table.name == HOURS and r.calls)
    assert revised == ["2024-03-15"], "that of the 14th came five days after it, the others wait for theirs"
    assert site.collect(first, last, tables, system_ids=(EAST,), revise=True).summary.calls == 0
    site.clock.turn(days=9)
    site.collect(first, last, tables, system_ids=(EAST,), revise=True)
    site.clock.turn(days=1)
    run = site.collect(first, last, tables, system_ids=(EAST,), revise=True)
    assert not [r.key for r in run.results if r.table.name == HOURS and r.calls], "all final now"


def test_the_refresh_takes_the_days_that_are_over_everywhere(site: Site) -> None:
    pipeline = site.pipeline()
    assert pipeline.refresh_range() == (date(2024, 3, 14), date(2024, 3, 19))
    pipeline.ledger.close()


def test_a_revised_answer_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        day = date(2024, 3, 19)
        site.collect(day, day, (HOURS,))
        first = site.frame(HOURS).set_index(["system_id", "hour"])
        site.clock.turn(days=6)
        site.collect(day, day, (HOURS,), revise=True)
        second = site.frame(HOURS).set_index(["system_id", "hour"])
        assert (second["call_id"] > first["call_id"]).all()
        assert second["energy_kwh"].equals(first["energy_kwh"])


def test_no_data_that_comes_later_does_not_displace_data(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        day = date(2024, 3, 19)
        site.collect(day, day, (HOURS,))
        before = site.frame(HOURS)
        site.simulator.faults.append(Fault("1001", endpoint="hourly"))
        site.clock.turn(days=6)
        run = site.collect(day, day, (HOURS,), revise=True)
        assert run.of(HOURS, "2024-03-19").calls == 2
        assert site.frame(HOURS).equals(before)


def test_no_data_is_an_answer_with_no_rows_and_a_reason(tmp_path: Path) -> None:
    with serving(tmp_path, [Fault("1001", endpoint="hourly")]) as site:
        day = date(2024, 3, 5)
        run = site.collect(day, day, (HOURS,))
        result = run.of(HOURS, "2024-03-05")
        assert (result.rows, result.no_data, result.is_complete) == (0, 2, True)
        assert result.remark == "no data (1001)"
        assert len(site.frame(HOURS)) == 0
        assert site.collect(day, day, (HOURS,)).summary.calls == 0


@pytest.mark.parametrize("back", [False, True])
def test_an_ecu_that_is_gone_is_not_asked_about_later_days(tmp_path: Path, back: bool) -> None:
    whole = a_fleet()
    west = whole.systems[1]
    left = Fleet((replace(west, ecus=(west.ecus[0],)),))

    def asked(site: Site) -> list[str]:
        return [query[-10:] for path, query in site.simulator.requests if path.endswith(WEST_BARN)]

    with serving(tmp_path, fleet=whole) as site:
        site.collect(date(2024, 3, 19), date(2024, 3, 19), (PANELS,), system_ids=(WEST,))
        assert asked(site) == ["2024-03-19"]
    with serving(tmp_path, fleet=left) as site:
        site.clock.turn(days=4)
        site.collect(date(2024, 3, 18), date(2024, 3, 22), ("ecus",), system_ids=(WEST,), again=True)
        run = site.collect(date(2024, 3, 18), date(2024, 3, 22), (PANELS,), system_ids=(WEST,))
        assert sorted(asked(site)) == ["2024-03-18", "2024-03-20"], "it was last named on the 20th"
        assert run.of(PANELS, "2024-03-22").asked == 1
    if back:
        with serving(tmp_path, fleet=whole) as site:
            site.clock.turn(days=6)
            site.collect(date(2024, 3, 21), date(2024, 3, 25), ("ecus",), system_ids=(WEST,), again=True)
            site.collect(date(2024, 3, 21), date(2024, 3, 25), (PANELS,), system_ids=(WEST,))
            assert sorted(asked(site)) == [f"2024-03-{day}" for day in range(21, 26)]


def test_the_inventory_is_asked_again_weekly_with_other_calls(site: Site) -> None:
    day = date(2024, 3, 5)
    site.collect(day, day, (HOURS,), system_ids=(EAST,))
    site.clock.turn(days=7)
    assert site.collect(day, day, (HOURS,), system_ids=(EAST,)).summary.calls == 0
    run = site.collect(day, date(2024, 3, 6), (HOURS,), system_ids=(EAST,))
    assert run.summary.calls == 4
    assert site.collect(day, date(2024, 3, 7), (HOURS,), system_ids=(EAST,)).summary.calls == 1
    seen = site.frame("systems").iloc[0]
    assert (seen["last_seen_utc"] - seen["first_seen_utc"]).days == 7


def test_an_ecu_without_inverters_is_named_and_not_asked(tmp_path: Path) -> None:
    east = a_fleet().systems[0]
    bare = Ecu(
        "203000000099", (replace(east.ecus[0].inverters[0], uid="702000000999", until=date(2024, 3, 1)),)
    )
    with serving(tmp_path, fleet=Fleet((replace(east, ecus=(*east.ecus, bare)),))) as site:
        run = site.collect(date(2024, 3, 5), date(2024, 3, 5), (PANELS,))
        assert run.of(PANELS, "2024-03-05").asked == 1
        assert set(site.frame("ecus")["ecu_id"]) == {east.ecus[0].eid, "203000000099"}


def test_an_answer_is_judged_by_when_it_was_asked(site: Site) -> None:
    """Sent a moment before midnight, back a moment after it: the day was still open."""
    before_midnight = datetime(2024, 3, 20, 18, 14, 59, 900_000, tzinfo=UTC)  # 23:59:59.9 in Kathmandu
    site.clock.instant = before_midnight
    site.simulator.faults.append(Fault("short", endpoint="hourly"))
    site.collect(TODAY, TODAY, ("systems", "inverters", "meters"), system_ids=(EAST,))
    pipeline = site.pipeline()
    pipeline.ledger.now = Ticking(before_midnight, timedelta(milliseconds=30))
    summary = Summary()
    list(pipeline.collect(Wanted((get_table(HOURS),), TODAY, TODAY, (EAST,)), summary))
    pipeline.ledger.close()
    assert not summary.failures
    assert site.frame(HOURS)["hour"].tolist() == list(range(23))


def test_an_answer_is_parsed_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    parser = PARSERS[HOURS]

    def count(table: Any, data: Any, context: ParseContext) -> Parsed:
        parsed.append(context.call_id)
        return parser(table, data, context)

    monkeypatch.setitem(PARSERS, HOURS, count)
    site.collect(TODAY - timedelta(days=9), TODAY - timedelta(days=7), (HOURS,), system_ids=(EAST,))
    assert len(parsed) == len(set(parsed)) == 3
