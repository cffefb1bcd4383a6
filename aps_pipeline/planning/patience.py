"""When a question that was asked in vain is worth asking again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

_LONGEST_REST = 8

REMEMBERED = timedelta(days=4 * _LONGEST_REST)
"""How old a failure may be and still count."""


def rests_until(tried: Collection[date], today: date) -> date | None:
    """The day from which a question may be asked again that has failed on those days; None if it may today.

    It rests for 1, 2, 4 and then 8 days: a fault that passes is soon forgotten, one that stays costs little.
    """
    if not tried:
        return None
    again = max(tried) + timedelta(days=min(2 ** (len(set(tried)) - 1), _LONGEST_REST))
    return again if again > today else None
