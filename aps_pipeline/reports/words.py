"""Figures in words, the same on every page, and how they came about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from aps_pipeline.reports.model import Section

_NOTES = (
    "Energies are in kilowatt-hours (kWh), capacities in kilowatts of panels (kWp). Days, hours and months "
    "are local to each system.",
    "A figure is final if its answer was given after the revision days of its period had ended, and "
    "provisional before. An ECU that was offline may deliver later still: the newest answer counts.",
    "A figure that nobody measured is a dash or an empty frame. It is never 0, and no sum counts it.",
    "Peers of a panel are the other panels of its system that face the same way, if a roof file says how "
    "they do, and all others if not. A day counts where at least two peers gave 0.05 kWh or more in the "
    "median.",
    "A panel is weak below 85 % of its peers in the median of the days compared. An input is dead below 5 % "
    "of them on the newest days while another input of its inverter gives more, or if it has a lifetime, and "
    "no day held has energy of it. It counts as unused only where an answer gives it no lifetime. An "
    "inverter is silent only where answers about its ECU are held. All others are unknown, and say why. The "
    "loss is what the median of the peers gave more.",
    "This month is compared with the same month of the year before on the days that are final in both.",
    "A month without clouds is computed from the position given for the system (pvlib, Ineichen's clear "
    "sky), less 14 % for the plant itself. Without a position there is no such figure.",
    "Everything here is read from the warehouse, whose tables say the same to anybody who asks them.",
)


def method() -> Section:
    """Method and units."""
    return Section("method", "Method and units", notes=_NOTES)


ABSENT = "–"
"""What stands for a figure that nobody measured."""

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def month_name(month: date) -> str:
    """A month such as December 2025."""
    return f"{_MONTHS[month.month - 1]} {month.year}"


def short_month(month: date) -> str:
    """A month such as Dec 25."""
    return f"{_MONTHS[month.month - 1][:3]} {month.year % 100:02}"


def day_name(day: date) -> str:
    """A day such as 3 December."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def long_day(day: date) -> str:
    """A day such as 3 December 2025."""
    return f"{day_name(day)} {day.year}"


def day_range(first: date, last: date) -> str:
    """A stretch of days such as 9 to 11 December 2025."""
    if first == last:
        return long_day(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {long_day(last)}"
    return f"{day_name(first) if first.year == last.year else long_day(first)} to {long_day(last)}"


def amount(value: float | None, digits: int | None = None) -> str:
    """A figure with thousands apart; three digits that count unless told otherwise."""
    if value is None:
        return ABSENT
    if digits is None:
        digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    value = round(value, digits) + 0.0  # no -0
    return f"{value:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", "\N{MINUS SIGN}")


def energy(value: float | None) -> str:
    """An energy with its unit: kWh, from 10,000 on MWh."""
    if value is None:
        return ABSENT
    return f"{amount(value / 1000)} MWh" if abs(value) >= 10_000 else f"{amount(value)} kWh"


def percent(ratio: float | None) -> str:
    """A share such as 62 %; what is not quite 0 or 100 % does not say so."""
    if ratio is None:
        return ABSENT
    if 0 < ratio < 0.01:
        return "below 1 %"
    if 0.99 < ratio < 1:
        return "over 99 %"
    return f"{amount(100 * ratio, 0)} %"


def change(ratio: float | None) -> str:
    """A ratio as a change, such as +4 %."""
    if ratio is None:
        return ABSENT
    points = round(100 * (ratio - 1))
    return f"{'+' if points > 0 else ''}{amount(points, 0)} %"


def count_words(number: int, one: str, many: str = "") -> str:
    """How many, such as 1 day or 3 days."""
    return f"{amount(number, 0)} {one if number == 1 else many or one + 's'}"


def short_names(texts: Iterable[str], longest: int) -> list[str]:
    """Texts for a drawing, where nobody measures them: none is longer, and no two are the same."""
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
    """Texts as a sentence lists them: a, b and c."""
    return " and ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
