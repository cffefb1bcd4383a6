"""What a system produced in a month: figures, calendar, days and the usual day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aps_pipeline.reports import charts
from aps_pipeline.reports.model import Drawing, Grid, Key, MonthQuery, Number, Row, Section, month_after
from aps_pipeline.reports.words import (
    ABSENT,
    amount,
    change,
    count_words,
    day_name,
    energy,
    long_day,
    month_name,
    short_month,
)

_MONTH = "FROM mart.monthly_production WHERE system_id = $system_id AND month = $month"
_YEAR_ON_YEAR = "FROM mart.year_on_year WHERE system_id = $system_id AND month = $month"
_YIELD = """
    FROM mart.specific_yield WHERE system_id = $system_id AND level = 'monthly' AND first_date = $month
"""
_DAYS = """
    SELECT date, energy_kwh, is_final FROM mart.daily_production
    WHERE system_id = $system_id AND date BETWEEN {first} AND {last} ORDER BY date
"""
_CLEAR = """
    SELECT date, clear_sky_kwh, energy_kwh FROM mart.expected_daily
    WHERE system_id = $system_id AND date BETWEEN $first AND $last ORDER BY date
"""
_PROFILE = """
    FROM mart.hourly_profile WHERE system_id = $system_id AND calendar_month = month($month) ORDER BY hour
"""

_BASES = {
    "seen": "capacity seen before and after",
    "assumed from the first sighting": "capacity first seen later",
    "assumed from the last sighting": "capacity as last seen",
    "assumed until the change": "capacity changed later",
    "changed": "capacity changed in the month",
    "unknown": "no capacity is known",
}


def energy_number(month: Row | None) -> Number:
    """Build the figure of what the month gave, with the number of days known."""
    if month is None:
        return Number("Produced", ABSENT, note="nothing is held of this month")
    have, of = month["days_reported"], month["days_expected"]
    kwh, text = month["energy_kwh"], month["state"]
    if kwh is None:
        kwh = month["daily_kwh"]
        text = "sum of the days held" if kwh is not None else "no figure was given"
    value, _, unit = energy(kwh).partition(" ")
    return Number("Produced", value, unit, f"{have} of {count_words(of, 'day')}, {text}", have, of)


def last_year_number(compared: Row | None, month: date) -> Number:
    """Compare this month with the same month of the year before, on equal days."""
    before = month_after(month, -12)
    label = f"Against {month_name(before)}"
    if compared is None or compared["ratio"] is None:
        return Number(label, ABSENT, note="no day has a final figure in both years")
    have, of, ratio = compared["days_compared"], compared["days_in_month"], compared["ratio"]
    value, _, unit = change(ratio).partition(" ")
    note = f"{energy(compared['energy_before_kwh'])} then, on {count_words(have, 'equal day')}"
    return Number(label, value, unit, note, have, of, "warn" if ratio < 0.85 else "")


def yield_number(found: Row | None) -> Number:
    """Divide the energy by the installed capacity."""
    if found is None or found["kwh_per_kwp"] is None:
        basis = _BASES[found["capacity_basis"]] if found else "no figure of the month"
        return Number("Yield", ABSENT, note=basis)
    note = f"{amount(found['capacity_kw'])} kWp, {_BASES[found['capacity_basis']]}"
    return Number("Yield", amount(found["kwh_per_kwp"]), "kWh/kWp", note)


def clear_sky_number(days: list[Row]) -> Number | None:
    """Compare the month with one without clouds; None where no location is given."""
    known = [day for day in days if day["energy_kwh"] is not None and day["clear_sky_kwh"]]
    if not known:
        return None
    ratio = sum(day["energy_kwh"] for day in known) / sum(day["clear_sky_kwh"] for day in known)
    note = f"of a month without clouds, on {count_words(len(known), 'day')}"
    return Number("Clear-sky index", amount(100 * ratio, 0), "%", note, len(known), len(days))


def best_day_number(days: list[Row]) -> Number:
    """Find the day that gave most."""
    known = [day for day in days if day["energy_kwh"] is not None]
    if not known:
        return Number("Best day", ABSENT, note="no day has a figure")
    best = max(known, key=lambda day: day["energy_kwh"])
    value, _, unit = energy(best["energy_kwh"]).partition(" ")
    return Number("Best day", value, unit, long_day(best["date"]))


def production(query: MonthQuery) -> tuple[list[Number], Section]:
    """Build the figures at the top, and the section with calendar, days and usual day."""
    days = query.rows(_DAYS.format(first="$first", last="$last"))
    clear = query.rows(_CLEAR)
    numbers = [
        energy_number(query.row(_MONTH)),
        last_year_number(query.row(_YEAR_ON_YEAR), query.month),
        yield_number(query.row(_YIELD)),
        clear_sky_number(clear) or best_day_number(days),
    ]
    before = query.rows(_DAYS.format(first="$first_before", last="$last_before"))
    drawings = [
        daily(query.month, days, before, {row["date"]: row["clear_sky_kwh"] for row in clear}),
        calendar(query.rows(_DAYS.format(first="$year_before", last="$last")), query.month),
        *_usual_day(query),
    ]
    return numbers, Section("production", "Production", drawings=drawings)


def calendar(days: list[Row], month: date) -> Drawing:
    """Draw twelve months of days, each as dark as it was sunny."""
    months = [month_after(month, n - 11) for n in range(12)]
    known = {row["date"]: row["energy_kwh"] for row in days}
    most = max((value for value in known.values() if value is not None), default=0.0)
    cells = [
        {
            "column": str(day.day),
            "line": short_month(first),
            "step": charts.step_of(known.get(day), most),
            "tooltip": f"{long_day(day)}: {energy(known.get(day))}",
        }
        for first in months
        for day in _days_of(first)
    ]
    wide, narrow = charts.draw_both(
        charts.cells,
        cells,
        charts.RAMP,
        [str(day) for day in range(1, 32)],
        [short_month(first) for first in months],
        "Energy of each day of twelve months",
        left=52,
        shown=["1", "5", "10", "15", "20", "25", "30"],
    )
    keys = [
        Key("sun-1", "little"),
        Key("sun-3", ""),
        Key("sun-6", f"most: {energy(most)}" if most else "most"),
        Key("sun-0", "0"),
        Key("absent", "no figure"),
    ]
    sums = []
    for first in months:
        figures = [kwh for day in _days_of(first) if (kwh := known.get(day)) is not None]
        sums.append([short_month(first), str(len(figures)), energy(sum(figures) if figures else None)])
    grid = Grid(("Month", "Days with a figure", "Sum of them"), sums, (False, True, True))
    return Drawing("A year of days", wide, narrow, keys, grid=grid)


@dataclass(frozen=True)
class _Day:
    """A day of the month, the same day a year before, and what a day without clouds would give."""

    date: date
    kwh: float | None
    before: float | None
    clear: float | None
    is_final: bool

    @property
    def chart_row(self) -> dict[str, Any]:
        """The row for `charts.day_bars`."""
        parts = [f"{day_name(self.date)}: {energy(self.kwh)}"]
        parts += [f"a year before: {energy(self.before)}"] if self.before is not None else []
        parts += [f"without clouds: {energy(self.clear)}"] if self.clear is not None else []
        return {"day": self.date.day, **vars(self), "date": str(self.date), "tooltip": ", ".join(parts)}


def daily(month: date, days: list[Row], before: list[Row], clear: Mapping[date, float | None]) -> Drawing:
    """Draw the days of a month beside those a year before, and without clouds where that is known."""
    now = {row["date"]: row for row in days}
    then = {row["date"].day: row["energy_kwh"] for row in before}
    rows = []
    for day in _days_of(month):
        row = now.get(day, {})
        kwh, is_final = row.get("energy_kwh"), bool(row.get("is_final"))
        rows.append(_Day(day, kwh, then.get(day.day), clear.get(day), is_final))
    most = max(value for day in rows for value in (day.kwh or 0, day.before or 0, day.clear or 0))
    label = f"Energy of each day of {month_name(month)}"
    drawings = charts.draw_both(charts.day_bars, [day.chart_row for day in rows], label, most=most)
    grid = Grid(
        ("Day", "Energy", "A year before", "Without clouds"),
        [[str(day.date.day), energy(day.kwh), energy(day.before), energy(day.clear)] for day in rows],
        (True,) * 4,
    )
    return Drawing("Day by day", *drawings, _daily_keys(month, rows), grid=grid)


def _daily_keys(month: date, rows: list[_Day]) -> list[Key]:
    keys = [Key("sun", month_name(month))]
    if any(day.kwh is not None and not day.is_final for day in rows):
        keys.append(Key("sun-2", "provisional"))
    if any(day.before is not None for day in rows):
        keys.append(Key("before", month_name(month_after(month, -12))))
    if any(day.clear is not None for day in rows):
        keys.append(Key("clear", "without clouds"))
    if any(day.kwh is None for day in rows):
        keys.append(Key("missing", "no figure"))
    return keys


def _usual_day(query: MonthQuery) -> list[Drawing]:
    hours = query.rows(_PROFILE)
    if not hours:
        return []
    rows = [
        {
            "hour": row["hour"],
            "median": row["median_kwh"],
            "p10": row["p10_kwh"],
            "p90": row["p90_kwh"],
            "tooltip": f"{row['hour']}:00 to {row['hour'] + 1}:00: {energy(row['median_kwh'])}",
        }
        for row in hours
    ]
    name = month_name(query.month).split(" ", maxsplit=1)[0]
    wide, narrow = charts.draw_both(charts.profile, rows, f"Energy by hour of a usual day in {name}")
    keys = [Key("sun", "median hour"), Key("sun-2", "eight days of ten")]
    days = count_words(max(row["days"] for row in hours), "day")
    caption = f"Local time at the system; {days} whose 24 hours are all known, of every {name} held."
    return [Drawing(f"The usual day in {name}", wide, narrow, keys, caption)]


def _days_of(first: date) -> list[date]:
    return [date.fromordinal(day) for day in range(first.toordinal(), month_after(first, 1).toordinal())]
