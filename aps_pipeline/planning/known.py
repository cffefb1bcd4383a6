"""What kept answers tell about questions that were never asked, so that they need not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning.answers import Kind
from aps_pipeline.tables import Table


class Reason(StrEnum):
    """Why a question is not asked although nothing is held of it."""

    IDLE = "idle"
    """Nothing was produced that day: its daily value is a final 0."""
    FORGOTTEN = "forgotten"
    """The server no longer has detail of that day."""


@dataclass(frozen=True, slots=True)
class Spared:
    """A reason not to ask, and the call that proves it."""

    reason: Reason
    call_id: int


@dataclass(frozen=True, slots=True)
class Border:
    """The last day of a level that the server has forgotten, and the call that showed it."""

    last: date
    call_id: int


@dataclass(frozen=True, slots=True)
class Known:
    """Days on which nothing was produced, by system, with the call that says so; and borders of memory."""

    idle: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    borders: Mapping[Kind, Border] = field(default_factory=dict)

    def spares(self, table: Table, system_id: str, period: Period) -> Spared | None:
        """Why a table need not be asked for a period of a system; None if it has to be.

        Meters go on at night and in snow, so no day is idle to them.
        """
        if period.grain is not Grain.DAY:
            return None
        day = period.first
        if table.is_sub_day and table.group != "meter" and (call_id := self.idle.get(system_id, {}).get(day)):
            return Spared(Reason.IDLE, call_id)
        border = self.borders.get(table.source.kind)
        if border is not None and day <= border.last:
            return Spared(Reason.FORGOTTEN, border.call_id)
        return None
