"""What kept answers say of the energy of days, months and years, and what follows for the days. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from aps_pipeline.endpoints import LEVEL_GRAIN
from aps_pipeline.periods import Grain, Period, day_end_utc, local_day
from aps_pipeline.planning.answers import Answers, Kind
from aps_pipeline.planning.systems import System
from aps_pipeline.request import LedgerEntry, Request
from aps_pipeline.tables import Table

SYSTEM_ENERGY, BATCH_ENERGY = "system_energy", ("inverter_batch", "energy")
"""The endpoint of the cheap series, and the kind of call that gives all panels of a day."""


@dataclass(frozen=True, slots=True)
class Figure:
    """The energy of a day, month or year in kWh (None: absent), and what rounding may hide of it.

    `call_id` and `since_utc` are those of the first answer with this value. `is_correction` says that an
    answer given after the end of the period had another value before, `before_kwh`.
    """

    energy_kwh: float | None
    slack_kwh: float
    call_id: int
    since_utc: datetime
    before_kwh: float | None = None
    is_correction: bool = False

    @property
    def has_fallen(self) -> bool:
        """Whether a later answer gave less: energy that was counted once does not go."""
        before, now = self.before_kwh, self.energy_kwh or 0.0
        return self.is_correction and before is not None and now < before - self.slack_kwh

    @property
    def was_dark(self) -> bool:
        """Whether the answer before gave no energy, so that parts of the period may not have been asked."""
        return self.is_correction and not self.before_kwh and bool(self.energy_kwh)


Series = Mapping[str, Figure]
"""Figures by the key of their day, month or year."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What kept answers say: figures by endpoint, level, system and device, and which answers are held."""

    figures: Mapping[tuple[str, str, str, str], Series] = field(default_factory=dict)
    answers: Answers = field(default_factory=lambda: Answers({}))

    def series(self, endpoint: str, level: str, system_id: str, device_id: str = "") -> Series:
        """Get the figures of one series."""
        return self.figures.get((endpoint, level, system_id, device_id), {})

    def has_series(self, kind: Kind) -> bool:
        """Tell whether there are figures of an endpoint and level."""
        return any(key[:2] == kind for key in self.figures)


def driving_kinds(table: Table) -> list[Kind]:
    """List the endpoints and levels of the coarser series that show what has changed in a table."""
    endpoint, grain = table.source.endpoint, LEVEL_GRAIN[table.source.level]
    if grain is Grain.DAY:
        found = [(SYSTEM_ENERGY, "daily")]
        found += [("meter_energy", "daily")] if endpoint == "meter_energy" else []
        return [*found, *([BATCH_ENERGY] if table.source.kind == ("inverter_batch", "power") else [])]
    if grain is Grain.MONTH:
        return [(SYSTEM_ENERGY, "daily"), (SYSTEM_ENERGY, "monthly"), (endpoint, "monthly")]
    return [(SYSTEM_ENERGY, "monthly"), (endpoint, "yearly")] if grain is Grain.YEAR else []


def daily_figures(
    evidence: Evidence, systems: Mapping[str, System], revision_window: timedelta
) -> tuple[dict[str, frozenset[date]], dict[str, dict[date, int]]]:
    """Find the days with production by system, and those of 0 after their revision days, with the call."""
    lit: dict[str, frozenset[date]] = {}
    idle: dict[str, dict[date, int]] = {}
    for system_id, system in systems.items():
        figures = {
            date.fromisoformat(k): f for k, f in evidence.series(SYSTEM_ENERGY, "daily", system_id).items()
        }
        lit[system_id] = frozenset(day for day, figure in figures.items() if figure.energy_kwh)
        dark = {day: figure for day, figure in figures.items() if figure.energy_kwh == 0}
        for day, figure in dark.items():
            month = Request(SYSTEM_ENERGY, "daily", system_id, "", Period.containing(Grain.MONTH, day))
            entry = evidence.answers.entry_of(month)
            answered_utc = max(entry.answered_utc or figure.since_utc, figure.since_utc)
            if answered_utc >= day_end_utc(day, system.zone) + revision_window:
                call_id = figure.call_id if entry.answered is None else max(entry.answered, figure.call_id)
                idle.setdefault(system_id, {})[day] = call_id
    return lit, idle


@dataclass(frozen=True, slots=True)
class RequestSlot:
    """A request of a table, its system, and what is held of it."""

    table: Table
    request: Request
    system: System
    entry: LedgerEntry

    @property
    def answered_day(self) -> date | None:
        """The local day of the newest good answer."""
        return local_day(self.entry.asked_utc, self.system.zone) if self.entry.asked_utc else None
