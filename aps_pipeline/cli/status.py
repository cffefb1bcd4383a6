"""`aps status`: what is held by month, one mark for each table and month, and what is left of the quota."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from typing import Any

from rich.console import Console
from rich.text import Text

from aps_pipeline.cli import console
from aps_pipeline.cli.console import show
from aps_pipeline.config import load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.ledger import CallState, Ledger
from aps_pipeline.periods import Grain, periods_between
from aps_pipeline.planning import CoverageSpan, State, merge_states
from aps_pipeline.wiring import open_pipeline

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


def by_month(spans: Sequence[CoverageSpan]) -> dict[str, dict[date, State]]:
    """Find one state for each table and month of one system; a year counts for those months that existed.

    Snapshots, which have no period, are left out.
    """
    dated = [each for each in spans if each.first.key]
    there = {month for each in dated if each.first.grain is not Grain.YEAR for month in _list_months(each)}
    found: dict[str, dict[date, set[State]]] = {}
    for each in dated:
        months = found.setdefault(each.table.name, {})
        for month in _list_months(each):
            if month in there:
                months.setdefault(month, set()).add(each.state)
    merged = {name: {month: merge_states(each) for month, each in found[name].items()} for name in found}
    return {name: {month: state for month, state in merged[name].items() if state} for name in merged}


def _list_months(span: CoverageSpan) -> list[date]:
    return [month.first for month in periods_between(Grain.MONTH, span.first.first, span.last.last)]


def _by_system(covered: Iterable[CoverageSpan]) -> Iterator[tuple[str, dict[str, dict[date, State]]]]:
    for system_id, spans in groupby(covered, key=attrgetter("system_id")):
        yield system_id, by_month(list(spans))


def show_matrix(covered: Iterable[CoverageSpan], today: date) -> None:
    """Print the matrix of each system, the newest months that fit; unrequested tables in one line."""
    console = Console(soft_wrap=True)
    is_empty = True
    for system_id, tables in _by_system(covered):
        if tables:
            _show_system(console, system_id, tables, today)
            is_empty = False
    if is_empty:
        return
    legend = Text("", style="dim")
    for state in State:
        if state is not State.NOT_DUE:
            legend.append(*_mark(console, state))
            legend.append(f" {state}  ")
    console.print(legend, highlight=False)


def _show_system(
    console: Console, system_id: str, tables: Mapping[str, Mapping[date, State]], today: date
) -> None:
    unasked = {State.NOT_ASKED, State.NOT_DUE, State.NOT_APPLICABLE}
    asked = {name: months for name, months in tables.items() if set(months.values()) - unasked}
    idle = [
        name for name, months in tables.items() if State.NOT_ASKED in months.values() and name not in asked
    ]
    if not asked:
        console.print(Text(system_id, style="bold"), "nothing asked for yet", highlight=False)
        return
    width = max(map(len, asked))
    first = min((month for months in asked.values() for month in months), default=today)
    months = [period.first for period in periods_between(Grain.MONTH, first, today)]
    if console.is_terminal:
        months = months[-(console.width - width - _MARGIN) :]
    years = ""  # each above its first month
    for position, month in enumerate(months):
        if (month.month == 1 or position == 0) and len(years) <= position:
            years = f"{years:<{position}}{month.year}"
    indent = " " * (max(width - len(system_id), 0) + _MARGIN)
    console.print(Text(f"{system_id}", style="bold"), Text(indent + years), sep="")
    for name, marks in asked.items():
        line = Text(f"{name:<{width}}  ")
        for month in months:
            line.append(*_mark(console, marks.get(month, State.NOT_DUE)))
        console.print(line)
    if idle:
        console.print(f"nobody asked for: {', '.join(idle)}", style="dim", highlight=False)
    console.print()


def _mark(console: Console, state: State) -> tuple[str, str]:
    mark, plain, style = MARKS[state]
    return (mark if console.encoding.lower().startswith("utf") else plain), style


def coverage_json(covered: Iterable[CoverageSpan]) -> list[dict[str, Any]]:
    """List the same for machines."""
    return [
        {"system_id": system_id, "table": name, "month": f"{month:%Y-%m}", "state": state}
        for system_id, tables in _by_system(covered)
        for name, months in tables.items()
        for month, state in sorted(months.items())
    ]


def status(wants_json: bool) -> int:
    """Show coverage by table and month, calls by outcome, and the quota of each account."""
    pipeline = open_pipeline(load_settings())
    now = pipeline.ledger.now()
    covered = pipeline.coverage(now)
    quotas = pipeline.quotas()
    reserved = {account.name: account.quota_account.reserved for account in pipeline.accounts}
    if wants_json:
        found = {"calls": _calls(pipeline.ledger), "coverage": coverage_json(covered)}
        print(json.dumps(console.quotas_json(quotas, reserved) | found, default=str))
        return Exit.COMPLETE
    show_matrix(covered, now.date())
    counts = Counter[CallState]()
    for _, _, state, number, _, _ in pipeline.ledger.summarize_calls():
        counts[state] += number
    calls = " · ".join(f"{counts[state]:,} {state.replace('_', ' ')}" for state in CallState if counts[state])
    show(f"calls: {calls}" if counts else "no calls yet: run `aps backfill --from … --to …`")
    for name, quota in quotas.items():
        sentence = (
            f"quota {quota.month}: {quota.used:,} used of {quota.limit:,}, {quota.left:,} left, "
            f"{reserved[name]:,} reserved for other tools; resets {quota.resets_utc:%Y-%m-%d %H:%M} UTC"
        )
        sentence += " · refused by the API (2005)" if quota.refused_by_api else ""
        show(console.with_account_name(name, sentence))
    return Exit.COMPLETE


def _calls(ledger: Ledger) -> list[dict[str, Any]]:
    """Count calls by endpoint and level: their number by outcome, and the first and last period."""
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    for endpoint, level, state, number, first, last in ledger.summarize_calls():
        kind = counts.setdefault((endpoint, level), {"first": first, "last": last})
        kind[state] = number
        kind["first"], kind["last"] = min(kind["first"], first), max(kind["last"], last)
    return [{"endpoint": e, "level": level} | counted for (e, level), counted in counts.items()]
