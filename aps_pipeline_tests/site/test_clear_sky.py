"""The sun without clouds, against what is known of the sun."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from aps_pipeline.periods import zone
from aps_pipeline.site.clear_sky import Days

SUMMER, WINTER = date(2025, 6, 21), date(2025, 12, 21)


def at(latitude: float, longitude: float, name: str, *days: date) -> Days:
    return Days(latitude, longitude, zone(name), days)


PARIS = at(48.86, 2.35, "Europe/Paris", SUMMER, WINTER)


def test_a_clear_midsummer_day_in_paris_gives_eight_kilowatt_hours_on_flat_ground() -> None:
    summer, winter = PARIS.insolation(0, 0)
    assert 7.7 < summer < 8.6
    assert 1.0 < winter < 1.5


def test_a_roof_to_the_south_wins_in_winter_and_one_to_the_north_loses() -> None:
    flat, south, north = (PARIS.insolation(*lies)[1] for lies in ((0, 0), (35, 180), (35, 0)))
    assert north < flat / 2 < flat < south / 1.8


def test_east_and_west_are_alike_over_the_day() -> None:
    east, west = PARIS.insolation(35, 90)[0], PARIS.insolation(35, 270)[0]
    assert east == pytest.approx(west, rel=0.02)


def test_the_other_hemisphere_is_the_other_way_round() -> None:
    sydney = at(-33.9, 151.2, "Australia/Sydney", SUMMER, WINTER)
    (june_north, december_north), (june_south, _) = sydney.insolation(30, 0), sydney.insolation(30, 180)
    assert june_south < june_north < december_north


def test_polar_night_and_midnight_sun() -> None:
    svalbard = at(78.2, 15.6, "Arctic/Longyearbyen", WINTER, SUMMER)
    assert svalbard.insolation(90, 180)[0] == 0.0
    night, day = svalbard.light()
    assert night is None
    assert day is not None and day[1] - day[0] == timedelta(days=1)


def test_days_are_those_of_the_clock_at_the_system() -> None:
    """Kiritimati is 14 hours ahead of UTC: its day lies in two of UTC's, and is as sunny as the next."""
    days = [date(2025, 3, n) for n in (19, 20, 21)]
    ahead = at(1.87, -157.4, "Pacific/Kiritimati", *days)
    assert max(ahead.insolation(0, 0)) - min(ahead.insolation(0, 0)) < 0.1
    (_, light, _) = ahead.light()
    assert light is not None
    assert datetime(2025, 3, 19, 16, tzinfo=UTC) <= light[0] <= datetime(2025, 3, 19, 17, 30, tzinfo=UTC)


def test_the_days_on_which_clocks_change_are_as_sunny_as_the_next() -> None:
    for first in (date(2025, 3, 30), date(2025, 10, 26)):
        changing, after = at(48.86, 2.35, "Europe/Paris", first, first + timedelta(1)).insolation(30, 180)
        assert changing == pytest.approx(after, rel=0.02)


def test_days_with_gaps_between_them_are_each_by_itself() -> None:
    (alone,) = at(48.86, 2.35, "Europe/Paris", WINTER).insolation(35, 105)
    assert PARIS.insolation(35, 105)[1] == alone
