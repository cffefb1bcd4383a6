"""What a day can spare for history, so that a quota month is neither overdrawn nor left unspent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from aps_pipeline.planning.needs import calls_for_one, periods_of
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


def refresh_calls(tables: Iterable[Table], systems: Iterable[System], first: date, last: date) -> int:
    """The most that a refresh of those days can cost, for the devices now there."""
    systems = list(systems)
    by_source = {table.source.kind: table for table in tables}
    return sum(
        calls_for_one(table, systems) * len(periods_of(table, first, last)) for table in by_source.values()
    )
