"""When calls will have been made: under the present quota and under the plans that can be bought."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

PLANS = {"free": 1_000, "100 k": 100_000, "500 k": 500_000, "1 M": 1_000_000}
"""Calls a month of the account types there are."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many quota months it takes: 0 is the present one; None if it can never be done."""

    monthly_calls: int
    months: int | None


def forecast(calls: int, left: int, monthly_calls: int, reserved: int) -> Forecast:
    """When `calls` will be done with `left` of this month's and then the whole budget of every later one."""
    if calls <= left:
        return Forecast(monthly_calls, 0)
    budget = monthly_calls - reserved
    return Forecast(monthly_calls, ceil((calls - left) / budget) if budget > 0 else None)


def together(forecasts: Iterable[Forecast]) -> Forecast:
    """When all accounts will be done, each paying for its own: with the last; calls a month of all."""
    each = list(forecasts)
    months = [one.months for one in each if one.months is not None]
    return Forecast(sum(one.monthly_calls for one in each), max(months) if len(months) == len(each) else None)
