"""What a history lacks: what a run would ask, without what is not worth a call."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

from aps_pipeline.ingest import MissingHistory, Wanted
from aps_pipeline.planning import Priority
from aps_pipeline.simulator import Fault
from aps_pipeline.tables import SUMMARIES, get_table
from aps_pipeline_tests.sites import EAST, HISTORY, WEST, Site, serving

FIRST, LAST = date(2024, 2, 10), date(2024, 3, 19)
HOURS, DAILY = "system_hourly_energy", "system_daily_energy"
EVERY = tuple(table.name for table in HISTORY)


def missing(site: Site, *names: str, last: date = LAST) -> MissingHistory:
    pipeline = site.pipeline(app_id=None, app_secret=None)
    try:
        return pipeline.missing(Wanted(tuple(map(get_table, names)), FIRST, last, pipeline.system_ids))
    finally:
        pipeline.ledger.close()


def know_the_devices(site: Site) -> None:
    site.collect(FIRST, FIRST, ["systems", "inverters", "meters"])


def test_before_the_first_call_only_the_inventory_is_known(site: Site) -> None:
    found = missing(site, *EVERY)
    assert not found.wanted and found.unknown == {EAST, WEST} and len(found.inventory) == 6
    assert site.calls == 0


def test_it_is_what_a_run_then_asks_coarse_before_fine_and_newest_first(site: Site) -> None:
    know_the_devices(site)
    found = missing(site, *EVERY)
    assert not found.unknown and not found.inventory
    asked = site.collect(FIRST, LAST, EVERY).summary.calls
    assert found.calls == asked > 100
    lengths = [gap.period.grain for gap in found.wanted]
    assert lengths == sorted(lengths, key=["lifetime", "year", "month", "day"].index)
    days = [gap.period.key for gap in found.wanted if gap.period.grain == "day"]
    assert days == sorted(days, reverse=True) and days[0] == str(LAST)


def test_a_complete_history_lacks_nothing_and_needs_no_inventory(site: Site) -> None:
    site.collect(FIRST, LAST, EVERY)
    calls = site.calls
    site.clock.turn(days=1, hours=3)
    found = missing(site, *EVERY)
    assert not found.wanted and not found.inventory, "the month and the year are left to a refresh"
    assert found.gaps, "though a run over them would ask"
    assert site.calls == calls


def test_what_grew_is_missing_once_it_is_over(site: Site) -> None:
    site.collect(FIRST, LAST, [DAILY, "system_monthly_energy", "system_yearly_energy"])
    site.clock.instant = datetime(2024, 4, 2, 12, tzinfo=UTC)
    names = (DAILY, "system_monthly_energy", "system_yearly_energy")
    assert [g.period.key for g in missing(site, *names, last=date(2024, 3, 30)).wanted] == []
    assert [g.period.key for g in missing(site, *names, last=date(2024, 4, 1)).wanted] == [
        "2024-04",
        "2024-03",
    ]
    site.clock.instant = datetime(2025, 1, 15, 12, tzinfo=UTC)
    found = missing(site, "system_yearly_energy", "system_monthly_energy", last=date(2025, 1, 14))
    assert [gap.period.key for gap in found.wanted] == ["", "2025", "2024"]


def test_a_snapshot_is_missing_only_until_there_is_one(site: Site) -> None:
    names = [table.name for table in SUMMARIES]
    know_the_devices(site)
    assert missing(site, *names).calls == site.collect(FIRST, LAST, names).summary.calls > 0
    site.clock.turn(days=3)
    assert not missing(site, *names, last=date(2024, 3, 22)).wanted


def test_what_the_server_has_forgotten_is_not_missing(tmp_path: Path) -> None:
    with serving(tmp_path / "data", retention_days=20) as site:
        site.collect(FIRST, LAST, (DAILY,))
        found = missing(site, HOURS)
        oldest, *others = found.wanted
        assert (oldest.period.key, oldest.reason) == ("2024-02-10", Priority.MEMORY)
        assert {gap.reason for gap in others} == {Priority.NEWEST}
        site.collect(date(2024, 2, 15), date(2024, 3, 8), (HOURS,))
        found = missing(site, HOURS)
        assert found.wanted and {gap.reason for gap in found.wanted} <= {Priority.EXPIRING, Priority.MEMORY}
        kept = site.frame(HOURS)["date"].astype(str).min()
        assert min(gap.period.key for gap in found.wanted) > kept
        site.collect(FIRST, LAST, (HOURS,))
        assert not missing(site, HOURS).wanted


def test_what_failed_rests_and_is_asked_again_some_days_later(tmp_path: Path) -> None:
    fault = Fault("short", endpoint=f"energy/{EAST}", date_range="2024-03-05")
    with serving(tmp_path / "data", [fault]) as site:
        tried = []
        site.collect(FIRST, LAST, (HOURS,))
        for day in range(20):
            found = missing(site, HOURS)
            assert len(found.wanted) + found.resting == 1
            if found.wanted:
                tried.append(day)
                site.collect(date(2024, 3, 5), date(2024, 3, 5), (HOURS,))
            site.clock.turn(days=1)
        assert tried == [1, 3, 7, 15]


def test_a_denied_endpoint_rests_as_a_whole(tmp_path: Path) -> None:
    with serving(tmp_path / "data", [Fault("2004", endpoint=f"energy/{EAST}")]) as site:
        site.collect(FIRST, LAST, (HOURS,))
        found = missing(site, HOURS)
        assert not found.wanted and found.resting == 39
        site.clock.turn(days=1)
        assert missing(site, HOURS).calls == 39, "a permission may have been given"


def test_what_the_account_failed_at_does_not_rest(site: Site) -> None:
    know_the_devices(site)
    site.simulator.faults.append(Fault("2005", endpoint="hourly"))
    site.collect(FIRST, LAST, (HOURS,))
    assert missing(site, HOURS).resting == 0


def test_a_partition_that_was_answered_and_not_written_is_built_without_a_call(site: Site) -> None:
    site.collect(FIRST, LAST, (HOURS, DAILY))
    shutil.rmtree(site.data_dir / "lake/core" / HOURS / "date=2024-03-05")
    (gap,) = missing(site, HOURS, DAILY).wanted
    assert (gap.period.key, gap.calls, gap.reason) == ("2024-03-05", 0, Priority.BUILD)
    assert site.collect(date(2024, 3, 5), date(2024, 3, 5), (HOURS,)).summary.calls == 0
    assert not missing(site, HOURS, DAILY).wanted


def test_a_call_of_two_tables_is_one_gap_of_both(site: Site) -> None:
    know_the_devices(site)
    names, last = ("inverter_dc_telemetry", "inverter_ac_telemetry"), date(2024, 2, 20)
    found = missing(site, *names, last=last)
    assert {tuple(sorted(table.name for table in gap.tables)) for gap in found.wanted} == {
        tuple(sorted(names))
    }
    assert found.calls == site.collect(FIRST, last, names).summary.calls
