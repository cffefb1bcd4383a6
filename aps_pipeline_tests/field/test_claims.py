"""Borders of retention are claims: proven twice, for one system, and asked again after a quarter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from aps_pipeline.planning import ClaimKind
from aps_pipeline_tests.field.world import HOUSE_1, HOUSE_2, Roof, World, WorldRequest, two_houses, world

DAILY, PANELS = "system_daily_energy", "inverter_batch_energy"
T = (DAILY, PANELS)
FIRST, LAST = date(2026, 6, 1), date(2026, 8, 31)
KEPT_SINCE = date(2026, 7, 10)
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def forgets(request: WorldRequest) -> int | None:
    """The server has no panels of days before KEPT_SINCE."""
    if request.kind == "batch/energy" and date.fromisoformat(request.when) < KEPT_SINCE:
        return 1001
    return None


def days_asked(at: World, since: int, sid: str = HOUSE_1) -> list[str]:
    return [request.when for request in at.asked("batch/energy", since) if request.sid == sid]


def claims(at: World) -> list[tuple[str, date | None, int]]:
    pipeline = at.pipeline()
    found = pipeline.claims(at.clock())
    pipeline.ledger.close()
    return [
        (claim.system_id, claim.last_day, len(claim.call_ids))
        for claim in found
        if claim.kind is ClaimKind.BEYOND_RETENTION
    ]


def test_a_border_is_asked_twice_when_it_is_drawn_and_once_a_quarter_after(tmp_path: Path) -> None:
    with world(tmp_path / "data", now=NOW) as at:
        at.rules.append(forgets)
        run = at.collect(FIRST, LAST, T)
        assert run.summary.complete == run.summary.partitions
        days = days_asked(at, 0)
        border = str(KEPT_SINCE - timedelta(days=1))
        gone = {day for day in days if day < str(KEPT_SINCE)}
        assert days.count(border) == 2 and sum(days.count(day) for day in gone) == len(gone) + 2
        assert len(gone) <= 9, "⌈log2 92⌉ + 2"
        assert claims(at) == [(HOUSE_1, KEPT_SINCE - timedelta(days=1), 3)]
        before = len(at.requests)
        at.collect(FIRST, LAST, T)
        assert not days_asked(at, before)
        at.clock.turn(days=93)
        assert claims(at) == [], "it has expired"
        at.collect(FIRST, LAST, T)
        assert days_asked(at, before) == [border], "one probe renews it"
        at.collect(FIRST, LAST, T)
        assert days_asked(at, before) == [border] and len(claims(at)) == 1


def test_a_border_falls_when_a_day_beyond_it_has_data(tmp_path: Path) -> None:
    with world(tmp_path / "data", now=NOW) as at:
        at.rules.append(forgets)
        at.collect(FIRST, LAST, T)
        at.rules.clear()
        before = len(at.requests)
        at.collect(date(2026, 6, 20), date(2026, 6, 20), (PANELS,), again=True)
        assert days_asked(at, before) == ["2026-06-20"]
        assert claims(at) != [(HOUSE_1, KEPT_SINCE - timedelta(days=1), 3)]
        run = at.collect(FIRST, LAST, T)
        assert len(set(days_asked(at, 0))) == 92
        assert run.summary.complete == run.summary.partitions


def test_another_system_takes_a_border_as_a_hint_and_confirms_it(tmp_path: Path) -> None:
    with world(tmp_path / "data", *two_houses(), now=NOW) as at:
        at.rules.append(forgets)
        at.collect(FIRST, LAST, T, system_ids=(HOUSE_1,))
        before = len(at.requests)
        at.collect(FIRST, LAST, T, system_ids=(HOUSE_2,))
        days = days_asked(at, before, HOUSE_2)
        assert [day for day in days if day < str(KEPT_SINCE)] == [str(KEPT_SINCE - timedelta(days=1))]
        assert {system for system, *_ in claims(at)} == {HOUSE_1, HOUSE_2}


def test_a_system_that_remembers_more_than_the_other_is_asked_about_all(tmp_path: Path) -> None:
    with world(tmp_path / "data", *two_houses(), now=NOW) as at:
        at.rules.append(lambda request: forgets(request) if request.sid == HOUSE_1 else None)
        at.collect(FIRST, LAST, T, system_ids=(HOUSE_1,))
        before = len(at.requests)
        run = at.collect(FIRST, LAST, T, system_ids=(HOUSE_2,))
        assert len(days_asked(at, before, HOUSE_2)) == 92
        assert not [result for result in run.results if result.skipped]


def test_an_outage_of_minutes_draws_no_border(tmp_path: Path) -> None:
    """Every first answer about panels is 1001, for a whole run: a second answer with data is believed."""
    with world(tmp_path / "data", Roof(), now=NOW) as at:
        seen: set[str] = set()

        def first_time(request: WorldRequest) -> int | None:
            if request.kind != "batch/energy" or request.when in seen:
                return None
            seen.add(request.when)
            return 1001

        at.rules.append(first_time)
        at.collect(FIRST, LAST, T)
        assert claims(at) == []
        at.rules.clear()
        run = at.collect(FIRST, LAST, T)
        assert run.summary.complete == run.summary.partitions
        import pandas as pd

        frame = pd.read_parquet(at.data_dir / "lake" / "core" / PANELS)
        assert frame["date"].nunique() == 92, "and the next run has it all"


def test_again_asks_beyond_a_border(tmp_path: Path) -> None:
    with world(tmp_path / "data", now=NOW) as at:
        at.rules.append(forgets)
        at.collect(FIRST, LAST, T)
        at.rules.clear()
        at.collect(FIRST, date(2026, 6, 5), (PANELS,), again=True)
        import pandas as pd

        frame = pd.read_parquet(at.data_dir / "lake" / "core" / PANELS)
        assert {str(day) for day in frame["date"]} >= {f"2026-06-0{n}" for n in range(1, 6)}
