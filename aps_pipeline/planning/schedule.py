"""What comes first, and what the quota of a month and of a day allows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from aps_pipeline.periods import Grain
from aps_pipeline.planning.requirements import PartitionPlan, calls_for_one, is_inventory
from aps_pipeline.planning.systems import System
from aps_pipeline.request import Request
from aps_pipeline.tables import Table

_COARSE_FIRST = (Grain.LIFETIME, Grain.YEAR, Grain.MONTH, Grain.DAY)


def phases(tables: Iterable[Table]) -> list[list[Table]]:
    """Group the tables by the length of their periods, coarse first: each phase saves calls of the next.

    The whole history in kWh of a system costs fewer than a hundred calls.
    """
    by_grain: dict[Grain, list[Table]] = {}
    for table in tables:
        by_grain.setdefault(table.partition_grain, []).append(table)
    return [by_grain[grain] for grain in _COARSE_FIRST if grain in by_grain]


def by_priority(
    plans: Sequence[PartitionPlan], newest: date, expiring: Iterable[tuple[str, str]] = ()
) -> list[Request]:
    """Sort the requests of one phase by their worth, each once.

    First come those of the `newest` day, then those of endpoints and levels that the server is known to
    forget, oldest first, then all others, newest first. Systems take turns: what is alike is ordered by
    period.
    """
    forgetting = set(expiring)

    def worth(item: tuple[int, Request]) -> tuple[int, int, int]:
        position, request = item
        day = request.period.first.toordinal()
        if request.period.first <= newest <= request.period.last:
            return (0, 0, position)
        if (request.endpoint, request.level) in forgetting:
            return (1, day, position)
        return (2, -day, position)

    requests = dict.fromkeys(request for each in plans for request in each.due)
    return [request for _, request in sorted(enumerate(requests), key=worth)]


PLANS = {"free": 1_000, "100 k": 100_000, "500 k": 500_000, "1 M": 1_000_000}
"""Calls a month of the account types there are."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How many quota months it takes: 0 is the present one; None if it can never be done."""

    monthly_calls: int
    months: int | None


def forecast(calls: int, left: int, monthly_calls: int, reserved: int) -> Forecast:
    """Forecast when `calls` will be done with `left` of this month and the whole budget of later ones."""
    if calls <= left:
        return Forecast(monthly_calls, 0)
    budget = monthly_calls - reserved
    return Forecast(monthly_calls, ceil((calls - left) / budget) if budget > 0 else None)


def combine_forecasts(forecasts: Iterable[Forecast]) -> Forecast:
    """Combine forecasts of accounts that each pay for their own: done with the last; calls a month of all."""
    each = list(forecasts)
    months = [one.months for one in each if one.months is not None]
    return Forecast(sum(one.monthly_calls for one in each), max(months) if len(months) == len(each) else None)


_WORTH_THE_INVENTORY = 4
"""Calls that a day must have for each of its inventory calls; with fewer it is saved up for a later day."""


def calls_to_spare(left: int, reserved: int, days: int) -> int:
    """Count the calls of today: an even share of what is left of the month, without what is reserved.

    `days` are those left of the month, today included; on the last day all of it is given. Never negative.
    """
    return max(0, left - reserved) // days


def calls_for_history(spare: int, inventory: int, days: int) -> int:
    """Count the calls that a day leaves for history after the `inventory` calls of its first run.

    0 on a day that the inventory would use up, unless it is the last of the month: no call is made then, and
    the days after have more.
    """
    if days > 1 and inventory * _WORTH_THE_INVENTORY > spare:
        return 0
    return max(0, spare - inventory)


def refresh_calls_a_day(tables: Iterable[Table], systems: Iterable[System]) -> float:
    """Estimate the calls of a daily refresh for the devices now there, on a day without late data.

    Yesterday once, and once more when its revision days have ended; slots of 5 minutes once. Lists of days
    daily, what only grows and the inventory weekly, the months of systems every other day (`evidence`).
    """
    systems = list(systems)
    by_source = {table.source.kind: table for table in tables}
    return sum(_calls_a_day(table) * calls_for_one(table, systems) for table in by_source.values())


def _calls_a_day(table: Table) -> float:
    endpoint, level = table.source.kind
    if is_inventory(table) or level == "yearly":
        return 1 / 7
    if level == "monthly":
        return 1 / 2 if endpoint == "system_energy" else 1 / 7
    if table.partition_grain is Grain.DAY:
        return 1.0 if table.is_five_minute else 2.0
    return 1.0 + (1 / 30 if level == "daily" else 0.0)
