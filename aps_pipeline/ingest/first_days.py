"""Since when a system gave energy, where answers show some from before its registration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from aps_pipeline.ledger import Ledger
from aps_pipeline.parse import Asked, RefusedError, parse_rows
from aps_pipeline.periods import LIFETIME, Grain, Period
from aps_pipeline.planning.systems import System
from aps_pipeline.question import Held
from aps_pipeline.tables import Table, table_named

_YEARLY, _MONTHLY, _DAILY = (
    table_named(f"system_{level}_energy") for level in ("yearly", "monthly", "daily")
)


def with_first_days(ledger: Ledger, systems: Iterable[System]) -> dict[str, System]:
    """The systems with the day since which kept answers show energy. Raises LedgerError.

    Looked at are the newest list of years, and of months and days only those in which the border lies: at
    most three bodies a system.
    """
    found = {system.system_id: replace(system, data_since=None) for system in systems}
    since = {sid: system.create_date for sid, system in found.items() if system.create_date is not None}
    since = _earlier(ledger, _YEARLY, found, since, lambda _: LIFETIME)
    since = _earlier(ledger, _MONTHLY, found, since, lambda day: Period.containing(Grain.YEAR, day))
    since = _earlier(ledger, _DAILY, found, since, lambda day: Period.containing(Grain.MONTH, day))
    for sid, day in since.items():
        if day != found[sid].create_date:
            found[sid] = replace(found[sid], data_since=day)
    return found


def _earlier(
    ledger: Ledger,
    table: Table,
    systems: Mapping[str, System],
    since: Mapping[str, date],
    asked_for: Callable[[date], Period],
) -> dict[str, date]:
    """The first days as the answers of one level tell them; `asked_for` is the period that holds a day."""
    by_period: dict[Period, list[str]] = {}
    for sid, day in since.items():
        by_period.setdefault(asked_for(day), []).append(sid)
    held = {
        (sid, period): each
        for period, mine in by_period.items()
        for (sid, _, _), each in ledger.held(*table.source.kind, (period.key, period.key)).items()
        if sid in mine and each.answered
    }
    bodies = ledger.bodies(each.answered for each in held.values())
    found = dict(since)
    for (sid, period), each in held.items():
        if each.answered in bodies:
            first = _first_energy(table, bodies[each.answered], systems[sid], period, each)
            found[sid] = _first_day(found[sid], first, systems[sid].create_date)
    return found


def _first_day(known: date, first: Period | None, created: date | None) -> date:
    """The first day after one more answer: what it shows is earlier than registration, or exacter."""
    if first is None or created is None:
        return known
    if known < created:
        return max(known, first.first)
    return first.first if first.last < created else known


def _first_energy(table: Table, body: str, system: System, period: Period, held: Held) -> Period | None:
    """The first year, month or day with energy in an answer; None if there is none, or nobody can read it."""
    assert held.answered_utc is not None  # noqa: S101 - an answered call was sent
    asked = _asked(system, period, held.answered, held.answered_utc)
    try:
        rows = parse_rows(table, body, asked).rows
    except RefusedError:  # which is said where its table is built
        return None
    label = table.keys[-1]
    grain = {"year": Grain.YEAR, "month": Grain.MONTH, "date": Grain.DAY}[label]
    for value, energy in zip(rows[label].to_pylist(), rows["energy_kwh"].to_pylist(), strict=True):
        if energy:
            return Period.containing(grain, date(value, 1, 1) if label == "year" else value)
    return None


def _asked(system: System, period: Period, call_id: int, sent: datetime) -> Asked:
    return Asked(
        call_id=call_id,
        system_id=system.system_id,
        device_id="",
        period=period,
        asked_utc=sent,
        zone=system.zone,
        create_date=system.create_date,
        revision=timedelta(0),
    )
