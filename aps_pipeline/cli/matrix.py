"""What is held, by month: one mark for each table and month of a system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from rich.console import Console
from rich.text import Text

from aps_pipeline.periods import Grain, Period, periods_between
from aps_pipeline.planning import Covered, State, merged

MARKS: dict[State, tuple[str, str, str]] = {
    State.PRESENT: ("█", "#", "green"),
    State.PARTIAL: ("▒", "+", "yellow"),
    State.NO_DATA: ("·", ".", ""),
    State.BEYOND: ("‹", "<", "dim"),
    State.REFUSED: ("x", "x", "bold red"),
    State.FAILED: ("!", "!", "bold red"),
    State.NOT_ASKED: ("░", "?", "dim"),
    State.NOT_DUE: (" ", " ", ""),
    State.NOT_APPLICABLE: ("-", "-", "dim"),
}
"""A mark, the same in ASCII, and its style."""

_MARGIN = 2
_YEAR = 365


def by_month(covered: Iterable[Covered]) -> dict[tuple[str, str], dict[date, State]]:
    """One state for each system, table and month; a year stands for those of its months that there were.

    Snapshots, which have no period, are left out.
    """
    found: dict[tuple[str, str], dict[date, set[State]]] = {}
    told = [each for each in covered if each.period.key]
    there = {(each.system_id, each.period.first.replace(day=1)) for each in told if len(each.period) < _YEAR}
    for each in told:
        months = found.setdefault((each.system_id, each.table.name), {})
        for month in _months(each.period):
            if (each.system_id, month) in there:
                months.setdefault(month, set()).add(each.state)
    return {
        key: {month: state for month, states in months.items() if (state := merged(states)) is not None}
        for key, months in found.items()
    }


def _months(period: Period) -> list[date]:
    if period.grain is Grain.YEAR:
        return [period.first.replace(month=number) for number in range(1, 13)]
    return [period.first.replace(day=1)]


def show_matrix(covered: Sequence[Covered], systems: Sequence[str], today: date) -> None:
    """Print the matrix of each system, the newest months that fit; tables nobody asked for in one line."""
    console = Console(soft_wrap=True)
    states = by_month(covered)
    tables = list(dict.fromkeys(each.table for each in covered if each.period.key))
    for system_id in systems:
        mine = {
            table.name: states[system_id, table.name] for table in tables if (system_id, table.name) in states
        }
        if mine:
            _show_system(console, system_id, mine, today)
    if states:
        console.print(_legend(console), highlight=False)


def _show_system(
    console: Console, system_id: str, tables: Mapping[str, Mapping[date, State]], today: date
) -> None:
    asked = {name: months for name, months in tables.items() if _is_asked(months.values())}
    idle = [
        name for name, months in tables.items() if State.NOT_ASKED in months.values() and name not in asked
    ]
    if not asked:
        console.print(Text(system_id, style="bold"), "nothing asked for yet", highlight=False)
        return
    months = _months_that_fit(console, asked, today)
    width = max(map(len, asked), default=0)
    console.print(Text(f"{system_id}", style="bold"), Text(_years(months, width - len(system_id))), sep="")
    for name, marks in asked.items():
        line = Text(f"{name:<{width}}  ")
        for month in months:
            line.append(*_mark(console, marks.get(month, State.NOT_DUE)))
        console.print(line)
    if idle:
        console.print(f"nobody asked for: {', '.join(idle)}", style="dim", highlight=False)
    console.print()


def _is_asked(states: Iterable[State]) -> bool:
    return bool(set(states) - {State.NOT_ASKED, State.NOT_DUE, State.NOT_APPLICABLE})


def _months_that_fit(console: Console, tables: Mapping[str, Mapping[date, State]], today: date) -> list[date]:
    first = min((month for months in tables.values() for month in months), default=today)
    months = [period.first for period in periods_between(Grain.MONTH, first, today)]
    room = console.width - max(map(len, tables), default=0) - _MARGIN
    return months[-room:] if console.is_terminal else months


def _years(months: Sequence[date], indent: int) -> str:
    """A line that names each year above its first month."""
    line = ""
    for position, month in enumerate(months):
        if (month.month == 1 or position == 0) and len(line) <= position:
            line = f"{line:<{position}}{month.year}"
    return " " * (max(indent, 0) + _MARGIN) + line


def _mark(console: Console, state: State) -> tuple[str, str]:
    mark, plain, style = MARKS[state]
    return (mark if console.encoding.lower().startswith("utf") else plain), style


def _legend(console: Console) -> Text:
    line = Text("", style="dim")
    for state in State:
        if state is not State.NOT_DUE:
            line.append(*_mark(console, state))
            line.append(f" {state}  ")
    return line


def as_json(covered: Iterable[Covered]) -> list[dict[str, Any]]:
    """The same for machines."""
    return [
        {"system_id": system_id, "table": name, "month": f"{month:%Y-%m}", "state": state}
        for (system_id, name), months in by_month(covered).items()
        for month, state in sorted(months.items())
    ]
