"""Calendar and time zones."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aps_pipeline.periods import (
    FIRST_ZONE,
    LAST_ZONE,
    LIFETIME,
    Grain,
    Period,
    UnknownZoneError,
    day_bounds_utc,
    day_end_utc,
    days_between,
    hour_bounds_utc,
    hours_utc,
    local_day,
    periods_between,
    wall_to_utc,
    zone,
)

HOUR = timedelta(hours=1)
CALENDAR = (Grain.DAY, Grain.MONTH, Grain.YEAR)
days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
zones = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory"}))


@given(st.sampled_from(CALENDAR), st.dates())
def test_a_key_leads_back_to_its_period(grain: Grain, day: date) -> None:
    period = Period.containing(grain, day)
    assert Period.parse(grain, period.key) == period
    assert period.first <= day <= period.last and len(period) == (period.last - period.first).days + 1
    assert Period.containing(grain, period.last) == period


@pytest.mark.parametrize(
    ("grain", "key", "first", "last"),
    [
        (Grain.DAY, "2024-02-29", date(2024, 2, 29), date(2024, 2, 29)),
        (Grain.MONTH, "2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        (Grain.MONTH, "2023-12", date(2023, 12, 1), date(2023, 12, 31)),
        (Grain.YEAR, "2024", date(2024, 1, 1), date(2024, 12, 31)),
        (Grain.YEAR, "0001", date(1, 1, 1), date(1, 12, 31)),
        (Grain.LIFETIME, "", date.min, date.max),
    ],
)
def test_keys(grain: Grain, key: str, first: date, last: date) -> None:
    period = Period.parse(grain, key)
    assert (period.key, period.first, period.last) == (key, first, last)


@pytest.mark.parametrize("grain", Grain)
@pytest.mark.parametrize(
    "key",
    [
        "",
        "2024-2",
        "2024-13",
        "2024-02-30",
        "20240305",
        "2024-W10-2",
        "24",
        "2024-03-05 ",
        "٢٠٢٤",
        "x",
        "2024-065",
    ],
)
def test_what_is_no_key_is_refused(grain: Grain, key: str) -> None:
    if grain is Grain.LIFETIME and not key:
        return
    with pytest.raises(ValueError, match="is not the key of a"):
        Period.parse(grain, key)


@given(st.sampled_from(CALENDAR), days, st.integers(0, 900))
def test_periods_between_cover_the_range_once(grain: Grain, first: date, more: int) -> None:
    last = first + timedelta(days=more)
    found = periods_between(grain, first, last)
    assert found[0] == Period.containing(grain, first) and found[-1] == Period.containing(grain, last)
    covered = [day for period in found for day in period.days()]
    assert covered == list(days_between(found[0].first, found[-1].last))


def test_periods_at_the_ends_of_time() -> None:
    assert periods_between(Grain.DAY, date(2024, 3, 2), date(2024, 3, 1)) == []
    assert periods_between(Grain.LIFETIME, date(2024, 3, 2), date(2024, 3, 2)) == [LIFETIME]
    assert [p.key for p in periods_between(Grain.YEAR, date(9998, 5, 1), date.max)] == ["9998", "9999"]
    assert LIFETIME.end_utc(zone("UTC")) is None


@given(zones, days)
@example("Pacific/Apia", date(2011, 12, 30))
@example("Pacific/Apia", date(2011, 12, 29))
@example("America/Sao_Paulo", date(2018, 11, 4))
@example("Africa/Casablanca", date(2024, 3, 10))
@example("Antarctica/Troll", date(2024, 3, 31))
@example("Europe/Dublin", date(2024, 10, 27))
def test_the_hours_of_a_day_follow_each_other_and_fill_it(name: str, day: date) -> None:
    where = zone(name)
    bounds = [hour_bounds_utc(day, hour, where) for hour in range(24)]
    assert list(hours_utc(day, where)) == bounds
    for (_, end), (start, _) in pairwise(bounds):
        assert end == start
    assert all(start <= end for start, end in bounds)
    begin, end = bounds[0][0], bounds[-1][1]
    assert end == day_end_utc(day, where) == hour_bounds_utc(day + timedelta(days=1), 0, where)[0]
    if end > begin:
        assert local_day(begin, where) == day == local_day(end - timedelta(microseconds=1), where)
    assert local_day(end, where) > day


@pytest.mark.parametrize(
    ("name", "day", "lasting"),
    [
        ("Europe/Paris", date(2024, 3, 31), {2: 0.0}),
        ("Europe/Paris", date(2024, 10, 27), {2: 2.0}),
        ("America/New_York", date(2024, 3, 10), {2: 0.0}),
        ("America/New_York", date(2024, 11, 3), {1: 2.0}),
        ("Canada/Mountain", date(2024, 3, 10), {2: 0.0}),
        ("Canada/Mountain", date(2024, 11, 3), {1: 2.0}),
        ("Australia/Lord_Howe", date(2024, 10, 6), {2: 0.5}),
        ("Australia/Lord_Howe", date(2024, 4, 7), {1: 1.5}),
        ("Asia/Kathmandu", date(2024, 3, 31), {}),
        ("Asia/Kathmandu", date(2024, 10, 27), {}),
        ("America/Sao_Paulo", date(2018, 11, 4), {0: 0.0}),
        ("Pacific/Apia", date(2011, 12, 30), dict.fromkeys(range(24), 0.0)),
        ("Pacific/Apia", date(2011, 12, 31), {}),
    ],
)
def test_the_hours_of_days_of_clock_change(name: str, day: date, lasting: dict[int, float]) -> None:
    bounds = [hour_bounds_utc(day, hour, zone(name)) for hour in range(24)]
    found = {hour: (end - start) / HOUR for hour, (start, end) in enumerate(bounds)}
    assert {hour: hours for hour, hours in found.items() if hours != 1.0} == lasting


def test_hours_at_known_instants() -> None:
    assert hour_bounds_utc(date(2024, 3, 31), 3, zone("Europe/Paris")) == (
        datetime(2024, 3, 31, 1, tzinfo=UTC),
        datetime(2024, 3, 31, 2, tzinfo=UTC),
    )
    assert hour_bounds_utc(date(2024, 7, 1), 0, zone("Asia/Kathmandu"))[0] == datetime(
        2024, 6, 30, 18, 15, tzinfo=UTC
    )
    jump = datetime(2024, 3, 31, 1, tzinfo=UTC)
    assert wall_to_utc(datetime(2024, 3, 31, 2, 30), zone("Europe/Paris")) == jump
    first = wall_to_utc(datetime(2024, 10, 27, 2, 30), zone("Europe/Paris"))
    assert first == datetime(2024, 10, 27, 0, 30, tzinfo=UTC), "the clock shows it first in summer time"


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "europe/paris", "../../etc/passwd", "/etc/localtime", "UTC+1"]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(UnknownZoneError):
        zone(name)


def test_zones_know_their_legacy_names() -> None:
    assert zone("Canada/Mountain").key == "Canada/Mountain"
    assert zone("Europe/Paris") is zone("Europe/Paris")


@given(zones, days)
def test_the_first_and_the_last_zone_are_that(name: str, day: date) -> None:
    first, last = (hour_bounds_utc(day, 0, zone(each))[0] for each in (FIRST_ZONE, LAST_ZONE))
    if day.year >= 1995:
        assert first <= hour_bounds_utc(day, 0, zone(name))[0] <= last


@pytest.mark.parametrize("machine", ["America/New_York", "Asia/Tokyo", ":/nowhere"])
def test_the_zone_of_the_machine_does_not_matter(machine: str) -> None:
    code = (
        "from datetime import date, datetime, UTC; from aps_pipeline.periods import *;"
        "z = zone('Europe/Paris'); d = date(2024, 10, 27);"
        "print([hour_bounds_utc(d, h, z) for h in range(24)], local_day(datetime(2024, 3, 1, tzinfo=UTC), z))"
    )
    environment = {**os.environ, "TZ": machine, "PYTHONTZPATH": ""}
    told = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    paris = zone("Europe/Paris")
    expected = [hour_bounds_utc(date(2024, 10, 27), hour, paris) for hour in range(24)]
    assert told.stdout.strip() == f"{expected} 2024-03-01"


def test_zones_come_from_the_package_and_not_from_the_machine() -> None:
    assert isinstance(zone("Europe/Paris"), ZoneInfo)
    assert zone("Europe/Paris") is not ZoneInfo("Europe/Paris")


def _rules() -> dict[bytes, str]:
    """Every zone of tzdata, those that are the same by other names once."""
    folder = resources.files("tzdata").joinpath("zoneinfo")
    names = resources.files("tzdata").joinpath("zones").read_text("ascii").split()
    return {folder.joinpath(*name.split("/")).read_bytes(): name for name in names}


@pytest.mark.slow
def test_a_day_ends_when_the_clock_of_its_zone_first_shows_another_in_every_zone() -> None:
    first, last, second = date(2023, 1, 1), date(2026, 12, 31), timedelta(seconds=1)
    for name in _rules().values():
        local, before = zone(name), None
        for day, start, end in day_bounds_utc(first, last, local):
            assert before in (None, start), (name, day)
            assert (end - second).astimezone(local).date() <= day < end.astimezone(local).date(), (name, day)
            before = end
    assert day_end_utc(last, local) == before
