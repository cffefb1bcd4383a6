"""What a day can spare for history, so that a quota month is neither overdrawn nor left unspent."""

from __future__ import annotations

from collections.abc import Iterable

from aps_pipeline.periods import Grain
from aps_pipeline.planning.needs import calls_for_one, grain_of, is_inventory
from aps_pipeline.planning.systems import System
from aps_pipeline.tables import Table

_WORTH_THE_INVENTORY = 4
"""Calls that a day must have for each of its inventory calls; with fewer it is saved up for a later day."""


def calls_to_spare(left: int, reserved: int, days: int) -> int:
    """The calls of today: an even share of what is left of the month, without what is reserved in it.

    `days` are those left of the month, today included; on the last day all of it is given. Never negative.
    """
    return max(0, left - reserved) // days


def calls_for_history(spare: int, inventory: int, days: int) -> int:
    """What a day's calls leave for history after the `inventory` calls that its first run makes.

    0 on a day that the inventory would eat up, unless it is the last of the month: nothing is asked then,
    and the days after have more.
    """
    if days > 1 and inventory * _WORTH_THE_INVENTORY > spare:
        return 0
    return max(0, spare - inventory)


def refresh_calls_a_day(tables: Iterable[Table], systems: Iterable[System]) -> float:
    """About how many calls a daily refresh makes for the devices now there, on a day without late data.

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
    if grain_of(table) is Grain.DAY:
        return 1.0 if table.is_five_minute else 2.0
    return 1.0 + (1 / 30 if level == "daily" else 0.0)
