"""The energies that kept answers give, brought up to date in the ledger and put together as evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from aps_pipeline.endpoints import LEVEL_GRAIN
from aps_pipeline.ingest.answer_rows import context_of_call, readable_rows
from aps_pipeline.ingest.code_digest import Readers
from aps_pipeline.ledger import FigureRow, Ledger, StoredFigure, UnreadAnswer
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import Figure, Kind, System
from aps_pipeline.request import Request
from aps_pipeline.tables import FETCHED, Table

SeriesKey = tuple[str, str, str, str]
"""Endpoint, level, system and device."""

_READERS = Readers()

_PORTION = 200
"""Answers whose bodies are in memory together."""

_FEWEST_DECIMALS, _MOST_DECIMALS = 2, 6
"""The decimals that energies of the API have: a figure that ends with zeros shows fewer than were given."""

_SUBPERIODS = {
    "hourly": Grain.DAY,
    "energy": Grain.DAY,
    "daily": Grain.DAY,
    "monthly": Grain.MONTH,
    "yearly": Grain.YEAR,
}
"""What one figure of an answer covers, by level."""


@cache
def table_of_figures(kind: Kind) -> Table | None:
    """Find the table whose rows give the figures of an endpoint and level; None where there are none."""
    endpoint, level = kind
    if level not in _SUBPERIODS or endpoint.endswith("_summary"):
        return None
    return next((table for table in FETCHED if table.source.kind == kind), None)


def read_figures(
    ledger: Ledger,
    systems: Mapping[str, System],
    kinds: Iterable[Kind],
    revision_window: timedelta,
    periods: Mapping[Kind, tuple[str, str]] | None = None,
    system_ids: Collection[str] | None = None,
) -> dict[SeriesKey, dict[str, Figure]]:
    """Read the figures of those endpoints and levels; answers that were not read yet are read and kept.

    `periods` bounds the periods of some, `system_ids` the systems. An answer that no longer parses gives
    none. Raises LedgerError.
    """
    found: dict[SeriesKey, dict[str, Figure]] = {}
    for kind in kinds:
        table = table_of_figures(kind)
        if table is None:
            continue
        if ledger.get_reader(*kind) != (reader_now := _READERS.of_table(table)):
            ledger.change_reader(*kind, reader_now)
        bounds = (periods or {}).get(kind)
        reader = _Reader(kind, systems)
        for stored in ledger.list_figures(*kind, bounds, system_ids):
            reader.take(stored)
        unread = ledger.list_unread_answers(*kind, bounds, system_ids)
        unread = [each for each in unread if each.system_id in systems]
        for start in range(0, len(unread), _PORTION):
            portion = unread[start : start + _PORTION]
            bodies = ledger.read_bodies(each.call_id for each in portion)
            ledger.keep_figures(
                row
                for each in portion
                for row in reader.read_body(each, bodies.get(each.call_id), revision_window)
            )
        found |= reader.series
    return found


@dataclass(slots=True)
class _Reader:
    """Follows the answers of one endpoint and level, request by request, in the order of the calls."""

    kind: Kind
    systems: Mapping[str, System]
    series: dict[SeriesKey, dict[str, Figure]] = field(default_factory=dict)
    _answered: dict[tuple[str, str, str], tuple[int, datetime, datetime | None]] = field(default_factory=dict)
    """For each request its newest answer so far: call, moment, and the moment of the answer before it."""

    def take(self, stored: StoredFigure) -> None:
        """Take a figure in."""
        system = self.systems.get(stored.system_id)
        if system is None:
            return
        request = (stored.system_id, stored.device_id, stored.request_period)
        call_id, moment, before = self._answered.get(request, (None, None, None))
        if stored.row.call_id != call_id:
            before = moment
            self._answered[request] = (stored.row.call_id, stored.answered_utc, before)
        if not stored.row.period:
            return
        row, series = stored.row, self.series_of(stored.system_id, stored.device_id)
        old = series.get(row.period)
        if old is not None and old.energy_kwh == row.energy_kwh:
            return
        end = Period.parse(_SUBPERIODS[self.kind[1]], row.period).end_utc(system.zone)
        is_correction = old is not None and before is not None and end is not None and before >= end
        series[row.period] = Figure(
            row.energy_kwh,
            row.slack_kwh,
            row.call_id,
            stored.answered_utc,
            old.energy_kwh if old and is_correction else None,
            is_correction,
        )

    def series_of(self, system_id: str, device_id: str) -> dict[str, Figure]:
        """Get the figures of one system or device, to be added to."""
        return self.series.setdefault((*self.kind, system_id, device_id), {})

    def read_body(
        self, answer: UnreadAnswer, body: str | None, revision_window: timedelta
    ) -> list[FigureRow]:
        """Take from the body of an answer what the answer before it did not give."""
        figures = _figures_in(self.kind, answer, self.systems[answer.system_id], body, revision_window)
        known = self.series_of(answer.system_id, answer.device_id)
        rows = [
            FigureRow(answer.call_id, period, energy, slack)
            for period, (energy, slack) in figures.items()
            if period not in known
            or known[period].energy_kwh != energy
            or LEVEL_GRAIN[self.kind[1]] is Grain.DAY
        ]
        rows = rows or [FigureRow(answer.call_id, "")]
        for row in rows:
            self.take(
                StoredFigure(answer.system_id, answer.device_id, answer.period, answer.answered_utc, row)
            )
        return rows


def _figures_in(
    kind: Kind, answer: UnreadAnswer, system: System, body: str | None, revision_window: timedelta
) -> dict[str, tuple[float | None, float]]:
    """Read the energy by day, month or year that an answer gives, each with what rounding may hide."""
    table = table_of_figures(kind)
    if table is None or body is None:
        return {}
    period = Period.parse(LEVEL_GRAIN[kind[1]], answer.period)
    request = Request(*kind, answer.system_id, answer.device_id, period)
    context = context_of_call(request, system, answer.call_id, answer.answered_utc, revision_window)
    rows = readable_rows(table, body, context)
    if rows is None:
        return {}
    names = ["produced_kwh", "imported_kwh"] if table.group == "meter" else ["energy_kwh"]
    label = next(name for name in ("date", "month", "year") if name in table.schema.names)
    values = [rows[name].to_pylist() for name in names]
    slack = _half_unit([number for column in values for number in column if number is not None])
    found: dict[str, tuple[float | None, float]] = {}
    for at, *numbers in zip(rows[label].to_pylist(), *values, strict=True):
        key = str(at) if label == "year" else at.isoformat()[: None if label == "date" else 7]
        energy, hidden = found.get(key, (None, 0.0))
        if None not in numbers:
            energy = round((energy or 0.0) + sum(numbers), _MOST_DECIMALS)
            hidden += slack * len(numbers)
        found[key] = (energy, hidden)
    return found


def _half_unit(numbers: list[float]) -> float:
    """Compute half of the last decimal that the numbers of an answer show."""
    shown = max((len(repr(number).partition(".")[2]) for number in numbers if number % 1), default=0)
    decimals = min(max(shown, _FEWEST_DECIMALS), _MOST_DECIMALS)
    return float(0.5 / 10**decimals)
