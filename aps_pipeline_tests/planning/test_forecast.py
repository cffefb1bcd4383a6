"""Several accounts pay for their own calls: all is done when the last of them is."""

from __future__ import annotations

from aps_pipeline.planning.schedule import combine_forecasts, forecast


def test_the_last_account_decides() -> None:
    soon, late = forecast(10, 10, 1000, 100), forecast(1801, 900, 1000, 100)
    assert combine_forecasts([soon, late]).months == late.months == 2
    assert combine_forecasts([soon]) == soon


def test_calls_a_month_are_those_of_all() -> None:
    assert combine_forecasts([forecast(0, 0, 1000, 0), forecast(0, 0, 500, 0)]).monthly_calls == 1500


def test_one_that_is_never_done_leaves_the_whole_undone() -> None:
    assert combine_forecasts([forecast(1, 5, 10, 0), forecast(1, 0, 10, 10)]).months is None
