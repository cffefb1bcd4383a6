"""Detail that the server keeps for some months only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from aps_pipeline.simulator import Fault
from aps_pipeline_tests.sites import EAST, WEST, Site, serving

FIRST, LAST = date(2024, 2, 10), date(2024, 5, 9)
DAILY, HOURS, POWER = "system_daily_energy", "system_hourly_energy", "inverter_batch_power"


def asked(site: Site, level: str, sid: str = "") -> list[str]:
    """The days asked about so far at a level, in order."""
    wanted = f"energy_level={level}&date_range="
    return [query[-10:] for path, query in site.simulator.requests if wanted in query and sid in path]


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[Site]:
    """A server that keeps 40 days of detail, on 10 May."""
    with serving(tmp_path / "data", retention_days=40) as site:
        site.clock.instant = datetime(2024, 5, 10, 12, tzinfo=UTC)
        yield site


def test_the_border_is_found_by_halving_and_remembered(forgetful: Site) -> None:
    run = forgetful.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(EAST,))
    assert run.summary.complete == run.summary.partitions
    days = asked(forgetful, "hourly")
    kept = sorted(set(forgetful.frame(HOURS)["date"].astype(str)))
    assert kept[-1] == str(LAST) and 38 <= len(kept) <= 41
    wasted = len(set(days) - set(kept))
    assert len(set(days)) == len(kept) + wasted and wasted <= 7 + 2, "⌈log2 90⌉ + 2"
    assert len(days) == len(set(days)) + 2, "the border and one day beyond it are asked again"
    spared = run.of(HOURS, "2024-02-20")
    assert spared.is_complete and "beyond retention" in spared.remark
    calls = forgetful.calls
    assert forgetful.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(EAST,)).summary.calls == 0
    assert forgetful.calls == calls


def test_what_one_system_has_shown_holds_for_the_others(forgetful: Site) -> None:
    forgetful.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(EAST,))
    forgetful.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(WEST,))
    kept = set(forgetful.frame(HOURS, system_id=WEST)["date"].astype(str))
    days = asked(forgetful, "hourly", WEST)
    assert len(set(days) - kept) == 1 and days[0] < min(kept), (
        "the border of the other, confirmed by one call"
    )
    assert len(days) == len(set(days))


def test_without_the_daily_series_nothing_is_concluded(forgetful: Site) -> None:
    forgetful.collect(FIRST, LAST, (HOURS,), system_ids=(EAST,))
    assert len(asked(forgetful, "hourly")) == 90


def test_a_day_without_data_among_others_is_only_a_day(tmp_path: Path) -> None:
    with serving(tmp_path / "data", [Fault("1001", endpoint="hourly", date_range=str(FIRST))]) as site:
        site.clock.instant = datetime(2024, 5, 10, 12, tzinfo=UTC)
        run = site.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(EAST,))
        assert len(asked(site, "hourly")) == 90, "the oldest day alone had none"
        assert run.of(HOURS, str(FIRST)).remark == "no data (1001)"


def test_a_probe_without_an_answer_says_nothing(forgetful: Site) -> None:
    forgetful.simulator.faults.append(Fault("http500", endpoint="hourly", date_range=str(FIRST)))
    run = forgetful.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(EAST,))
    assert not run.of(HOURS, str(FIRST)).is_complete
    kept = set(forgetful.frame(HOURS)["date"].astype(str))
    assert len(set(asked(forgetful, "hourly")) - kept) <= 7 + 2 + 1, "the next oldest day is asked instead"


def test_newest_first_after_the_border_is_known(forgetful: Site) -> None:
    forgetful.collect(FIRST, LAST, (DAILY, HOURS), system_ids=(EAST,), max_in_flight=1)
    days = asked(forgetful, "hourly")
    assert days[0] == str(FIRST) and days[1] == str(LAST)
    rest = days[9 + 2 :]
    assert rest == sorted(rest), "of what expires the oldest first"


def test_newest_first_where_nothing_is_forgotten(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as site:
        site.clock.instant = datetime(2024, 5, 10, 12, tzinfo=UTC)
        site.collect(FIRST, LAST, (HOURS, DAILY), system_ids=(EAST,), max_in_flight=1)
        coarse = [query for _, query in site.simulator.requests if "level" in query][:4]
        assert all("daily" in query for query in coarse)
        rest = asked(site, "hourly")[1:]
        assert rest == sorted(rest, reverse=True)
