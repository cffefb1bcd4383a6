"""When a request without success, or one whose answer stays contradicted, is worth making again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

LONGEST_REST, LONGEST_DENIAL = 8, 30
"""Days that a request rests at most: one that failed or was refused, and one that is denied."""

REMEMBERED = timedelta(days=7 * LONGEST_DENIAL)
"""How old a failure may be and still count."""


def next_attempt_day(attempts: int, last: date, longest: int = LONGEST_REST) -> date:
    """Compute the day on which a request may be made again after unsuccessful attempts, the last on `last`.

    It rests for 1, 2, 4 … days: a fault that passes is soon forgotten, one that stays costs little.
    """
    return last + timedelta(days=min(2 ** min(max(attempts, 1) - 1, 16), longest))


def resting_until(tried: Collection[date], today: date, longest: int = LONGEST_REST) -> date | None:
    """Compute until which day a request rests that failed on the days `tried`; None if it rests no more."""
    if not tried:
        return None
    again = next_attempt_day(len(set(tried)), max(tried), longest)
    return again if again > today else None
