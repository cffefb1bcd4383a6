"""Figures in words, the same on every page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

ABSENT = "–"
"""Stands for a figure that nobody measured."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def month_name(month: date) -> str:
    """Name a month, such as December 2025."""
    return f"{_MONTHS[month.month - 1]} {month.year}"


def short_month(month: date) -> str:
    """Name a month in short, such as Dec 25."""
    return f"{_MONTHS[month.month - 1][:3]} {month.year % 100:02}"


def day_name(day: date) -> str:
    """Name a day, such as 3 December."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def long_day(day: date) -> str:
    """Name a day with its year, such as 3 December 2025."""
    return f"{day_name(day)} {day.year}"


def day_range(first: date, last: date) -> str:
    """Name a range of days, such as 9 to 11 December 2025."""
    if first == last:
        return long_day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {long_day(last)}"
    return f"{day_name(first) if first.year == last.year else long_day(first)} to {long_day(last)}"


def amount(value: float | None, digits: int | None = None) -> str:
    """Write a figure with its thousands apart; without `digits`, with three significant digits."""
    if value is None:
        return ABSENT
    if digits is None:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    value = round(value, digits) + 0.0  # no -0
    return f"{value:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", "\N{MINUS SIGN}")


def energy(value: float | None) -> str:
    """Write an energy with its unit: kWh, or MWh from 10,000 kWh on."""
    if value is None:
        return ABSENT
    return f"{amount(value / 1000)} MWh" if abs(value) >= 10_000 else f"{amount(value)} kWh"


def percent(ratio: float | None) -> str:
    """Write a share, such as 62 %; one that is not quite 0 or 100 % is not rounded to it."""
    if ratio is None:
        return ABSENT
    if 0 < ratio < 0.01:
        return "below 1 %"
    if 0.99 < ratio < 1:
        return "over 99 %"
    return f"{amount(100 * ratio, 0)} %"


def change(ratio: float | None) -> str:
    """Write a ratio as a change, such as +4 %."""
    if ratio is None:
        return ABSENT
    points = round(100 * (ratio - 1))
    return f"{'+' if points > 0 else ''}{amount(points, 0)} %"


def count_words(number: int, one: str, many: str = "") -> str:
    """Write a number of things, such as 1 day or 3 days."""
    return f"{amount(number, 0)} {one if number == 1 else many or one + 's'}"


def short_names(texts: Iterable[str], longest: int) -> list[str]:
    """Shorten texts for a drawing, which does not measure them; no two become the same."""
    found: list[str] = []
    for text in texts:
        name, number = text if len(text) <= longest else f"{text[: longest - 1]}…", 1
        while name in found:
            number += 1
            ending = f"… {number}"
            name = text[: longest - len(ending)] + ending
        found.append(name)
    return found


def join_words(texts: Sequence[str]) -> str:
    """Join texts as a sentence lists them: a, b and c."""
    return " and ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
