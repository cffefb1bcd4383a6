"""What a parser knows besides the body, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from aps_pipeline.periods import Period, day_end_utc

CLOCK_TOLERANCE = timedelta(minutes=15)
"""How far our clock may lie behind the server's before its answer speaks of a future."""


class RefusedError(ValueError):
    """A body that is not what the manual promises; the message says how. No row is made of it."""


class NotBegunError(RefusedError):
    """Values for a time to come: whichever series has them, the calendar of the whole body is in doubt."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The call behind a body: whose, which period, when it was sent, and the calendar of the system."""

    call_id: int
    system_id: str
    device_id: str
    period: Period
    asked_utc: datetime
    zone: ZoneInfo
    create_date: date | None
    revision: timedelta
    """How long after its end a period's answer may still change."""
    answered_by: str = ""
    """Whose answer it is: system, ecu, meter or inverter."""

    def is_open(self) -> bool:
        """Whether the period was still running when the call was sent."""
        end = self.period.end_utc(self.zone)
        return end is None or end > self.asked_utc

    def has_begun(self, start_utc: datetime) -> bool:
        """Whether something that starts at `start_utc` can have been measured."""
        return start_utc <= self.asked_utc + CLOCK_TOLERANCE

    def is_final(self, last_day: date) -> bool:
        """Whether a period that ends with `last_day` had stopped changing when the call was sent."""
        return day_end_utc(last_day, self.zone) + self.revision <= self.asked_utc


@dataclass(frozen=True, slots=True)
class Parsed:
    """Rows of one table, and the items that could not become rows (rows of `rejected_items`).

    `items` counts all that were judged one by one: 0 where an answer is taken or refused as a whole.
    """

    rows: pa.Table
    rejected: pa.Table
    items: int = 0
