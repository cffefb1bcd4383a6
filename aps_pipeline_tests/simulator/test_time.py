"""Clock changes, periods that are not over, and what no longer can be asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from aps_pipeline.simulator import Fleet, Simulator, healthy_fleet
from aps_pipeline.simulator.production import day_slots
from aps_pipeline_tests.simulator.caller import NOW, code, data

PARIS = "A0E1253B7C9D4F60"
METER = f"{PARIS}/devices/meter/period/216200041835"
ECU = f"{PARIS}/devices/ecu/energy/216200041835"
BATCH = f"{PARIS}/devices/inverter/batch/energy/216200041835"
YOUNG = Fleet((replace(healthy_fleet().systems[0], create_date=date(2025, 12, 1)),))


@pytest.mark.parametrize(
    ("zone", "day", "slots"),
    [
        ("Europe/Paris", "2025-07-20", 288),
        ("Europe/Paris", "2025-03-30", 276),
        ("Europe/Paris", "2025-10-26", 300),
        ("Australia/Lord_Howe", "2025-04-06", 294),
        ("Australia/Lord_Howe", "2025-10-05", 282),
        ("Asia/Kathmandu", "2025-03-30", 288),
        ("America/Havana", "2025-11-02", 300),
        ("Asia/Beirut", "2025-03-30", 276),
    ],
)
def test_a_day_has_the_slots_that_end_on_it(zone: str, day: str, slots: int) -> None:
    found = day_slots(datetime.fromisoformat(day).date(), zone)
    assert len(found.ends) == slots
    assert found.minutes[-1] == 23 * 60 + 55
    assert found.minutes[0] == (60 if zone == "Asia/Beirut" else 0)
    assert set((found.ends[1:] - found.ends[:-1]).tolist()) == {300}


def labels(sim: Simulator, day: str) -> list[str]:
    found = data(sim, METER, "minutely", day)["time"]
    assert isinstance(found, list)
    return found


def test_in_autumn_labels_come_twice_and_their_hour_holds_both(sim: Simulator) -> None:
    autumn = labels(sim, "2025-10-26")
    twice = Counter(label[:2] for label in autumn if Counter(autumn)[label] == 2)
    assert set(twice) == {"02"}
    assert twice["02"] >= 16
    hours = data(sim, METER, "hourly", "2025-10-26")["consumed"]
    slots = data(sim, METER, "minutely", "2025-10-26")
    both = [
        float(e) for t, e in zip(slots["time"], slots["energy"]["consumed"], strict=True) if t[:2] == "02"
    ]
    assert len(hours) == 24
    assert float(hours[2]) == pytest.approx(sum(both), abs=0.001)


def test_in_spring_the_skipped_hour_is_zero(sim: Simulator) -> None:
    assert not [label for label in labels(sim, "2025-03-30") if label[:2] == "02"]
    hours = data(sim, METER, "hourly", "2025-03-30")
    assert [hours[flow][2] for flow in ("consumed", "imported")] == ["0", "0"]
    assert float(hours["consumed"][3]) > 0


def test_a_day_that_a_zone_left_out_has_no_data() -> None:
    # Samoa crossed the date line at the end of 2011-12-29.
    apia = replace(
        healthy_fleet().systems[0],
        timezone="Pacific/Apia",
        lat=-13.8,
        lon=-171.8,
        create_date=date(2011, 12, 1),
    )
    sim = at(datetime(2012, 2, 1, tzinfo=UTC), fleet=Fleet((apia,)))
    for path, level in (
        (ECU, "minutely"),
        (ECU, "hourly"),
        (METER, "minutely"),
        (METER, "hourly"),
        (BATCH, "power"),
    ):
        codes = [code(sim, path, level, f"2011-12-{day}") for day in (29, 30, 31)]
        assert codes == [0, 1001, 0]
    month = data(sim, ECU, "daily", "2011-12")
    assert [n for n, text in enumerate(month, 1) if text == "0"] == [30] and len(month) == 31


def test_five_minutes_with_gaps(sim: Simulator) -> None:
    steps: Counter[int] = Counter()
    for day in range(1, 31):
        ends = [
            int(t[:2]) * 60 + int(t[3:]) for t in data(sim, ECU, "minutely", f"2025-06-{day:02d}")["time"]
        ]
        steps.update(b - a for a, b in pairwise(ends))
    assert steps[5] > 0.9 * steps.total()
    assert steps[10] > 20
    assert max(steps) > 15


def test_the_current_month_and_year_are_short(sim: Simulator) -> None:
    assert len(data(sim, ECU, "daily", "2026-01")) == NOW.day
    assert len(data(sim, ECU, "monthly", "2026")) == 1
    assert data(sim, METER, "daily", "2026-01")["time"] == [f"{day:02d}" for day in range(1, 16)]
    assert len(data(sim, ECU, "daily", "2025-12")) == 31
    assert data(sim, METER, "yearly", "")["time"] == ["2022", "2023", "2024", "2025", "2026"]


def test_today_goes_only_as_far_as_now(sim: Simulator) -> None:
    hours = data(sim, ECU, "hourly", "2026-01-15")
    assert len(hours) == 24
    assert float(hours[11]) > 0
    assert set(hours[13:]) == {"0"}
    assert data(sim, ECU, "minutely", "2026-01-15")["time"][-1] == "12:05", "it is 12:07 in Paris"


def at(instant: datetime, **settings: Any) -> Simulator:
    return Simulator(now=lambda: instant, **settings)


def test_the_last_day_is_provisional() -> None:
    noon, night, later = (at(NOW + timedelta(hours=h)) for h in (0, 12, 48))
    entries = [float(data(sim, ECU, "daily", "2026-01")[14]) for sim in (noon, night, later)]
    assert 0 < entries[0] < entries[1] == entries[2]


def test_what_is_over_does_not_depend_on_the_clock(sim: Simulator) -> None:
    later = at(NOW + timedelta(days=400))
    for path, level, date_range in (
        (ECU, "minutely", "2025-07-20"),
        (ECU, "hourly", "2026-01-14"),
        (ECU, "daily", "2025-12"),
        (ECU, "monthly", "2025"),
        (METER, "hourly", "2026-01-14"),
        (BATCH, "energy", "2026-01-14"),
    ):
        assert data(later, path, level, date_range) == data(sim, path, level, date_range)
    young, older = (at(NOW + timedelta(days=days), fleet=YOUNG) for days in (0, 400))
    assert data(older, ECU, "yearly", "")[0] == data(young, ECU, "yearly", "")[0]


def test_before_sunrise_there_is_no_data_yet() -> None:
    night = at(datetime(2026, 1, 15, 3, 0, tzinfo=UTC), fleet=YOUNG)
    assert code(night, ECU, "minutely", "2026-01-15") == 1001
    assert code(night, BATCH, "power", "2026-01-15") == 1001
    assert code(night, BATCH, "energy", "2026-01-15") == 1001
    assert data(night, ECU, "hourly", "2026-01-15") == ["0"] * 24
    assert len(data(night, ECU, "daily", "2026-01")) == 15
    assert data(night, f"summary/{PARIS}")["today"] is None
    assert data(night, f"{PARIS}/devices/inverter/summary/702000061874")["d1"] is None
    assert len(data(night, METER, "minutely", "2026-01-15")["time"]) > 40, "a meter never sleeps"


def test_today_is_the_day_of_the_system() -> None:
    # Noon on the 16th in Lord Howe, the evening of the 15th in Calgary.
    sim = at(datetime(2026, 1, 16, 1, 0, tzinfo=UTC))
    assert len(data(sim, "energy/AZ24419C3DFF", "daily", "2026-01")) == 16
    assert len(data(sim, "energy/C12263D8840175AF", "daily", "2026-01")) == 15
    assert code(sim, "energy/C12263D8840175AF", "hourly", "2026-01-16") == 1001


def test_fine_values_fade_and_totals_remain() -> None:
    sim = at(NOW, retention_days=30)
    for day, expected in (("2025-12-16", 0), ("2025-12-15", 1001)):
        assert code(sim, ECU, "minutely", day) == expected
        assert code(sim, ECU, "hourly", day) == expected
        assert code(sim, BATCH, "power", day) == expected
        assert code(sim, BATCH, "energy", day) == 0
    assert code(sim, ECU, "daily", "2022-03") == 0


def test_a_naive_clock_is_an_error() -> None:
    with pytest.raises(ValueError, match="aware"):
        at(datetime(2026, 1, 15))
