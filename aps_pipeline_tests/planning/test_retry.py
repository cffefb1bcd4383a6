"""When a request that failed is asked again."""

from __future__ import annotations

from datetime import date, timedelta

from aps_pipeline.planning import LONGEST_DENIAL, REMEMBERED, resting_until

DAY = date(2024, 3, 4)


def test_what_never_failed_does_not_rest() -> None:
    assert resting_until([], DAY) is None


def test_what_failed_once_is_asked_again_the_next_day() -> None:
    assert resting_until([DAY, DAY, DAY], DAY) == DAY + timedelta(days=1), "three tries of one day"
    assert resting_until([DAY], DAY + timedelta(days=1)) is None


def test_it_rests_longer_each_time_but_is_never_given_up() -> None:
    tried = [DAY]
    for rest in (1, 2, 4, 8, 8, 8, 8, 8, 8):
        today = tried[-1] + timedelta(days=rest)
        tried = [day for day in tried if today - day <= REMEMBERED]
        assert resting_until(tried, today - timedelta(days=1)) == today
        assert resting_until(tried, today) is None
        tried.append(today)


def test_what_is_denied_rests_for_a_month_at_most() -> None:
    tried = [DAY]
    for rest in (1, 2, 4, 8, 16, 30, 30, 30, 30):
        today = tried[-1] + timedelta(days=rest)
        tried = [day for day in tried if today - day <= REMEMBERED]
        assert resting_until(tried, today - timedelta(days=1), LONGEST_DENIAL) == today
        tried.append(today)
