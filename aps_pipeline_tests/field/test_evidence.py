"""Answers are doubted for a reason, asked again when it shows, and left alone when it does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import mean

import pytest

from aps_pipeline.tables import PROFILES
from aps_pipeline_tests.field.world import HOUSE_1, Roof, World, WorldRequest, two_houses, world
from aps_pipeline_tests.sites import Run

DAILY, PANELS, HOURS, POWER = (
    "system_daily_energy",
    "inverter_batch_energy",
    "system_hourly_energy",
    "inverter_batch_power",
)
T = (DAILY, PANELS)
STANDARD = tuple(table.name for table in PROFILES["standard"])


def refresh(at: World, tables: tuple[str, ...] = STANDARD, **wanted: object) -> Run:
    """What the daily refresh does."""
    pipeline = at.pipeline()
    first, last = pipeline.refresh_range()
    pipeline.ledger.close()
    return at.collect(first, last, tables, recheck=True, **wanted)


def kwh(at: World, table: str, day: str) -> float:
    """The energy of a day that a table holds."""
    import pandas as pd

    frame = pd.read_parquet(at.data_dir / "lake" / "core" / table)
    return round(float(frame[frame["date"].astype(str) == day]["energy_kwh"].sum()), 2)


def test_two_passing_1001_write_off_nothing(tmp_path: Path) -> None:
    """Case A1."""
    with world(tmp_path / "data", *two_houses()) as at:
        passing = [2]

        def rule(request: WorldRequest) -> int | None:
            if request.kind == "batch/energy" and request.sid == HOUSE_1 and passing[0]:
                passing[0] -= 1
                return 1001
            return None

        at.rules.append(rule)
        at.collect(date(2026, 11, 10), date(2026, 11, 11), T)
        at.collect(date(2026, 11, 12), date(2026, 11, 13), (PANELS,))
        before = len(at.requests)
        run = at.collect(date(2026, 10, 1), date(2026, 11, 26), T)
        assert at.counts(before) == {"energy/daily": 2, "batch/energy": 106 + 2}
        assert run.summary.complete == run.summary.partitions
        assert not [result for result in run.results if result.skipped]
        before = len(at.requests)
        at.collect(date(2026, 10, 1), date(2026, 11, 26), T)
        assert not at.requests[before:], "nothing is doubted any more"


@pytest.mark.parametrize("again_by", ["refresh", "backfill"])
@pytest.mark.parametrize("panels", ["no data", "zeros", "empty"])
def test_what_an_ecu_uploads_late_is_found(tmp_path: Path, again_by: str, panels: str) -> None:
    """Case A2, whatever the API answered for the panels of the ECU while it was offline."""
    offline = {date(2026, 10, day) for day in range(1, 7)}
    roof = Roof()
    normal = roof.kwh
    with world(tmp_path / "data", roof) as at:
        missing = {"no data": None, "zeros": 0.0, "empty": 0.0}[panels]
        roof.kwh = lambda eid, day: missing if day in offline else normal(eid, day)

        def empty(request: WorldRequest) -> object:
            is_gone = request.kind == "batch/energy" and date.fromisoformat(request.when) in offline
            return {"code": 0, "data": {"energy": []}} if is_gone and panels == "empty" else None

        at.rules.append(empty)
        run = at.collect(date(2026, 10, 1), date(2026, 11, 26), T)
        assert run.summary.complete == run.summary.partitions
        assert kwh(at, DAILY, "2026-10-03") == 0
        roof.kwh = normal
        at.rules.clear()
        at.clock.turn(days=1)
        before = len(at.requests)
        if again_by == "refresh":
            refresh(at, T)
        else:
            at.collect(date(2026, 10, 1), date(2026, 11, 26), T)
        assert kwh(at, DAILY, "2026-10-03") == roof.day(date(2026, 10, 3)) > 0
        assert kwh(at, PANELS, "2026-10-03") == roof.day(date(2026, 10, 3))
        late = [request for request in at.requests[before:] if request.when.startswith("2026-10")]
        assert len(late) == 7, "the list of October, and the panels of six days"
        yesterdays = 2 + 2 if again_by == "refresh" else 1
        assert len(at.requests[before:]) <= 7 + yesterdays + 2


@pytest.mark.parametrize(("today", "meters"), [("2026-09-12", ()), ("2026-10-26", ("M00000000001",))])
def test_the_daily_refresh_alone_finds_late_data(tmp_path: Path, today: str, meters: tuple[str, ...]) -> None:
    """Data that comes weeks late arrives within two days, hours and panels too, for little more."""
    roof, now = Roof(meters=meters), datetime.fromisoformat(f"{today}T09:00:00+00:00")
    normal, gone = roof.kwh, {date(2026, 8, 27), date(2026, 8, 28), date(2026, 8, 29)}
    with world(tmp_path / "data", roof, now=now) as at:
        roof.kwh = lambda eid, day: 0.0 if day in gone else normal(eid, day)
        at.collect(date(2026, 8, 26), now.date() - timedelta(days=1), STANDARD)
        roof.kwh, before = normal, len(at.requests)
        for _ in range(2):
            at.clock.turn(days=1)
            refresh(at)
        for table in (DAILY, HOURS, PANELS):
            assert kwh(at, table, "2026-08-28") == pytest.approx(roof.day(date(2026, 8, 28)), abs=0.05)
        asked = [request for request in at.requests[before:] if request.when.startswith("2026-08-2")]
        late = [request.when for request in asked if date.fromisoformat(request.when) in gone]
        parts = 3 + len(meters)
        assert len(late) == len(gone) * parts
        lists = [r for r in at.requests[before:] if r.when == "2026-08" and r.level == "daily"]
        assert len(lists) <= 1 + len(meters) + 1


def test_a_refresh_asks_what_may_have_changed(tmp_path: Path) -> None:
    """Case B4: a metered system, day after day, over the end of a month."""
    with world(
        tmp_path / "data", Roof(meters=("M00000000001",)), now=datetime(2026, 9, 24, 9, tzinfo=UTC)
    ) as at:
        counts = []
        for _ in range(16):
            before = len(at.requests)
            run = refresh(at)
            assert run.summary.complete == run.summary.partitions
            counts.append(len(at.requests) - before)
            at.clock.turn(days=1)
        assert max(counts[2:]) <= 12, counts
        assert mean(counts[2:]) <= 11
        before = len(at.requests)
        at.clock.turn(days=-1)
        refresh(at)
        assert not at.requests[before:], "once a day"


def test_what_is_contradicted_is_asked_once_and_then_rests(tmp_path: Path) -> None:
    """A day with energy whose panels have no data: now, after 1, 2, 4 … days."""
    day = date(2026, 11, 20)
    with world(tmp_path / "data", now=datetime(2026, 11, 27, 10, tzinfo=UTC)) as at:
        at.rules.append(
            lambda request: 1001 if (request.kind, request.when) == ("batch/energy", str(day)) else None
        )
        at.collect(day, day, T)
        asked = []
        for n in range(20):
            for _ in range(2):
                before = len(at.requests)
                at.collect(day, day, T)
                asked += [n] * len(at.asked("batch/energy", before))
            at.clock.turn(days=1)
        assert asked == [0, 1, 3, 7, 15]


def test_parts_that_never_make_the_whole_are_said_and_not_bought(tmp_path: Path) -> None:
    roof = Roof()
    with world(tmp_path / "data", roof, now=datetime(2026, 11, 1, 10, tzinfo=UTC)) as at:

        def more(request: WorldRequest) -> object:
            if request.kind != "batch/energy":
                return None
            uids = roof.ecus[request.device]
            return {"code": 0, "data": {"energy": [f"{uid}-{n}-9.5" for uid in uids for n in (1, 2)]}}

        at.rules.append(more)
        counts = []
        for _ in range(25):
            before = len(at.requests)
            refresh(at, T)
            counts.append(len(at.asked("batch/energy", before)))
            at.clock.turn(days=1)
        assert max(counts[-10:]) <= 2, "yesterday, and the day whose revision days have ended"


def test_again_asks_whatever_is_held(tmp_path: Path) -> None:
    with world(tmp_path / "data") as at:
        first, last = date(2026, 11, 1), date(2026, 11, 5)
        at.collect(first, last, T)
        before = len(at.requests)
        at.collect(first, last, T)
        assert not at.requests[before:]
        run = at.collect(first, last, T, again=True)
        assert at.counts(before)["batch/energy"] == 5 and at.counts(before)["energy/daily"] == 1
        assert run.summary.complete == run.summary.partitions


def test_a_value_that_was_a_dark_day_gives_its_parts(tmp_path: Path) -> None:
    """Hours and panels that were not asked because the day had a 0 are asked once it has energy."""
    roof, day = Roof(), date(2026, 10, 3)
    normal = roof.kwh
    with world(tmp_path / "data", roof) as at:
        roof.kwh = lambda eid, when: 0.0 if when == day else normal(eid, when)
        at.collect(date(2026, 10, 1), date(2026, 11, 26), (DAILY, HOURS, PANELS))
        assert not [request for request in at.asked("energy/hourly") if request.when == str(day)]
        roof.kwh = normal
        at.clock.turn(days=1)
        refresh(at, (DAILY, HOURS, PANELS))
        assert kwh(at, HOURS, str(day)) == pytest.approx(roof.day(day), abs=0.05)
        assert kwh(at, PANELS, str(day)) == roof.day(day)


def test_a_month_that_differs_from_its_days_is_asked_again(tmp_path: Path) -> None:
    roof = Roof()
    tables = (DAILY, "system_monthly_energy")
    with world(tmp_path / "data", roof) as at:
        wrong = {"code": 0, "data": ["1.00"] * 31}
        at.rules.append(lambda r: wrong if (r.kind, r.when) == ("energy/daily", "2026-08") else None)
        at.collect(date(2026, 8, 1), date(2026, 8, 31), (DAILY,))
        at.rules.clear()
        at.clock.turn(hours=1)
        at.collect(date(2026, 8, 1), date(2026, 8, 31), tables)
        assert kwh(at, DAILY, "2026-08-10") == roof.day(date(2026, 8, 10))
        before = len(at.requests)
        at.collect(date(2026, 8, 1), date(2026, 8, 31), tables)
        assert not at.requests[before:]


def test_a_counter_that_fell_is_asked_once_more(tmp_path: Path) -> None:
    with world(tmp_path / "data") as at:
        first, last = date(2026, 9, 1), date(2026, 9, 30)
        at.collect(first, last, (DAILY,))
        at.rules.append(lambda r: {"code": 0, "data": ["0.10"] * 30} if r.when == "2026-09" else None)
        at.collect(first, last, (DAILY,), again=True)
        at.rules.clear()
        before = len(at.requests)
        at.collect(first, last, (DAILY,))
        assert [request.kind for request in at.requests[before:]] == ["energy/daily"]
        at.collect(first, last, (DAILY,))
        assert len(at.requests[before:]) == 1
        assert kwh(at, DAILY, "2026-09-05") == at.roofs[HOUSE_1].day(date(2026, 9, 5))


def test_a_refused_body_is_not_bought_by_every_run(tmp_path: Path) -> None:
    """Case A7: a list of 23 hours."""
    day = date(2026, 11, 20)
    with world(tmp_path / "data") as at:
        short = {"code": 0, "data": ["0.10"] * 23}
        at.rules.append(lambda r: short if r.kind == "energy/hourly" else None)
        asked = []
        for n in range(9):
            for _ in range(2):
                before = len(at.requests)
                run = at.collect(day, day, (HOURS,))
                asked += [n] * len(at.asked("energy/hourly", before))
                assert run.summary.failure_kinds == {"refused"}
                assert not run.of(HOURS, str(day)).is_complete
            at.clock.turn(days=1)
        assert asked == [0, 0, 1, 3, 7], "once more at once, then after 1, 2, 4 days"
        assert "rests until" in run.of(HOURS, str(day)).remark and "--again" in run.of(HOURS, str(day)).remark
        at.rules.clear()
        assert at.collect(day, day, (HOURS,), again=True).of(HOURS, str(day)).is_complete


def test_a_denied_system_is_asked_again_after_days(tmp_path: Path) -> None:
    """Case B3: 2004 for every endpoint of one of two systems."""
    with world(tmp_path / "data", *two_houses()) as at:
        at.rules.append(lambda r: 2004 if r.sid == HOUSE_1 else None)
        day = date(2026, 11, 20)
        calls = []
        for _ in range(12):
            before = len(at.requests)
            at.collect(day, day, T)
            calls.append(sum(r.sid == HOUSE_1 for r in at.requests[before:]))
            before = len(at.requests)
            run = at.collect(day, day, T)
            assert not at.requests[before:], "and not by every run of a day"
            assert run.summary.failure_kinds == {"account"}
            at.clock.turn(days=1)
        assert sum(calls) <= 4 * calls[0], calls
        at.rules.clear()
        at.clock.turn(days=30)
        run = at.collect(day, day, T)
        assert run.summary.complete == run.summary.partitions
