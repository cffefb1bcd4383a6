"""Where the server's memory of a level ends, found with the fewest requests.

High resolution is kept for some months only. Days are forgotten from the oldest on, so between a day that the
server has forgotten and a later one that it still knows, halving finds the border in log2 steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

_WITNESSES = 2
"""Days without detail before a border is believed: one may be a day that the server lost for itself."""


def next_probe(days: Sequence[date], seen: Mapping[date, bool]) -> date | None:
    """Choose the day to ask about next; None once the border is known, or there is none.

    `days` are those, in order, on which something was produced; `seen` says whether the server still had the
    detail of a day. The oldest comes first: a server that has it has everything. Takes at most ⌈log2 n⌉ + 2
    requests for n days.
    """
    gone, there = _border(days, seen)
    if there == 0 or not days:
        return None
    if last_forgotten(days, seen) is None:
        for day in (days[0], days[-1], days[len(days) // 2]):
            if day not in seen:
                return day
    between = days[gone + 1 : there] if there < len(days) else []
    return between[len(between) // 2] if between else None


def last_forgotten(days: Sequence[date], seen: Mapping[date, bool]) -> date | None:
    """Find the last day that the server has forgotten, as far as is known; None if it forgot none."""
    gone, there = _border(days, seen)
    witnesses = sum(seen.get(day) is False for day in days[: gone + 1])
    needed = _WITNESSES if there < len(days) else _WITNESSES + 1  # nothing is there: look once more
    return days[gone] if witnesses >= needed else None


def _border(days: Sequence[date], seen: Mapping[date, bool]) -> tuple[int, int]:
    """Find where the last forgotten day is, and the first one after it that is there; -1 and n if none.

    A day without detail that is younger than one with it is a hole, not the border.
    """
    there = next((n for n, day in enumerate(days) if seen.get(day) is True), len(days))
    gone = max((n for n, day in enumerate(days[:there]) if seen.get(day) is False), default=-1)
    return gone, there
