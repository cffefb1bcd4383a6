"""When a kept answer may be wrong, so that its request is due again: the one place that decides this. Pure.

A kept answer is doubted because its period was still running, because another kept answer contradicts it, or
because late data may have come. Its age alone proves nothing.

The cheap series (the list of days at one call a month, the list of months at one call a year) show what has
changed, and the parts below follow them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zlib import crc32

from aps_pipeline.periods import LIFETIME, Grain, Period, local_day
from aps_pipeline.planning.contradictions import Doubt, doubt, drivers
from aps_pipeline.planning.figures import SYSTEM_ENERGY, Evidence, RequestSlot
from aps_pipeline.planning.retry import next_attempt_day
from aps_pipeline.planning.systems import System
from aps_pipeline.request import LedgerEntry, Request

LATE_DATA = timedelta(days=60)
"""How long after a day an ECU that was offline may still upload it."""

_LATE_CHECK_DAYS, _SLOW_SERIES_DAYS = 2, 7
"""Days between two looks at what may show late data, and at what only grows."""

_TURNS = {
    ("system_details", ""): 0,
    ("system_inverters", ""): 1,
    ("system_meters", ""): 2,
    ("system_energy", "yearly"): 3,
    ("meter_energy", "yearly"): 4,
    ("meter_energy", "monthly"): 5,
    ("ecu_energy", "monthly"): 6,
}
"""The day of the week on which each slow series of a system has its turn, so that no day has them all."""


class DueReason(StrEnum):
    """Why a request is due."""

    NEW = "no answer is held"
    RUNNING = "its period was still running when it was answered"
    CHANGED = Doubt.CHANGED.value
    CONTRADICTED = Doubt.CONTRADICTED.value
    WINDOW_ENDED = "its revision days have ended since"
    LATE = "late data would show here"
    AGAIN = "it was asked for again"


@dataclass(frozen=True, slots=True)
class DuePolicy:
    """What a run wants to know.

    `until` is its last day, which closes a lifetime. A `recheck` (a refresh) also looks where answers may
    have changed: within `revision_window` after a period's end, and, up to LATE_DATA back, where late data
    would show; what was never asked counts from `new_since` on. `again` asks even where an answer is held.
    """

    now: datetime
    revision_window: timedelta
    until: date
    recheck: bool = False
    again: bool = False
    new_since: date | None = None

    @property
    def first_day(self) -> date | None:
        """The first day that a recheck looks at, which is before the days that were wanted."""
        if not self.recheck or self.again or self.new_since is None:
            return None
        return self.new_since - LATE_DATA

    def is_history(self, request: Request, system: System, entry: LedgerEntry) -> bool:
        """Tell whether an answer would be the first or last one: what still grows is left to a refresh."""
        period = request.period
        if entry.asked_utc is None:
            return True
        if period == LIFETIME:
            if not request.level:
                return False
            year = Period.containing(Grain.YEAR, self.until + timedelta(days=1))  # the last that is over
            period = Period.containing(Grain.YEAR, year.first - timedelta(days=1))
        end = period.end_utc(system.zone)
        return end is not None and period.last <= self.until and entry.asked_utc < end


def due_reason(slot: RequestSlot, evidence: Evidence, policy: DuePolicy) -> DueReason | None:
    """Find why a request has to be made, or made again; None where its answer is good enough.

    The same request is due once on a local day at most, apart from contradictions and `again`.
    """
    if policy.again:
        return DueReason.AGAIN
    answered_utc, answered_day = slot.entry.asked_utc, slot.answered_day
    if answered_utc is None or answered_day is None:
        return DueReason.NEW if _counts_as_new(slot, evidence, policy) else None
    today = local_day(policy.now, slot.system.zone)
    if slot.table.is_snapshot and policy.recheck:
        return DueReason.RUNNING if answered_day < today else None
    end = _closing_period(slot.request, policy).end_utc(slot.system.zone)
    if end is None or answered_utc < end:
        is_due = answered_day < today and _has_grown(slot, answered_day, today, end, policy)
        return DueReason.RUNNING if is_due else None
    if (found := doubt(slot, evidence, today)) is not None:
        return DueReason[found.name]
    window_end = end + policy.revision_window
    if slot.request.period.grain is not Grain.DAY and slot.request.endpoint != SYSTEM_ENERGY:
        window_end += timedelta(days=1)  # a day after the system's own list, so that no day has them all
    if policy.recheck and answered_utc < window_end <= policy.now and not slot.table.is_five_minute:
        return DueReason.WINDOW_ENDED
    if answered_day < today and _may_show_late_data(slot, evidence, policy, today):
        return DueReason.LATE
    return None


def _counts_as_new(slot: RequestSlot, evidence: Evidence, policy: DuePolicy) -> bool:
    """Tell whether a request without answer is wanted: a recheck asks old days only if they seemed dark."""
    period = slot.request.period
    if (
        not policy.recheck
        or policy.new_since is None
        or period == LIFETIME
        or period.last >= policy.new_since
    ):
        return True
    return any(figure.was_dark for figure in drivers(slot, evidence))


def _closing_period(request: Request, policy: DuePolicy) -> Period:
    """Find the period after whose end an answer is whole: a summary's last day, the last year of years."""
    if request.period != LIFETIME:
        return request.period
    return Period.containing(Grain.YEAR if request.level else Grain.DAY, policy.until)


def _has_grown(
    slot: RequestSlot, answered_day: date, today: date, end: datetime | None, policy: DuePolicy
) -> bool:
    """Tell whether a running period is worth another answer: daily, for months and years by turns."""
    request = slot.request
    if request.level not in ("monthly", "yearly") or (end is not None and end <= policy.now):
        return True
    boundary = today.replace(day=1) if request.level == "monthly" else today.replace(month=1, day=1)
    if answered_day < boundary:
        return True
    is_probe = policy.recheck and request.kind == (SYSTEM_ENERGY, "monthly")
    return answered_day < last_turn(request, today, _LATE_CHECK_DAYS if is_probe else _SLOW_SERIES_DAYS)


def last_turn(request: Request, today: date, every: int = _SLOW_SERIES_DAYS) -> date:
    """Find the newest day, today included, on which a slow request has its turn, every `every` days.

    The turns of a system's requests fall on different days, and so do those of different systems.
    """
    offset = _TURNS.get(request.kind, 0) + crc32(request.system_id.encode())
    return today - timedelta(days=(today.toordinal() + offset) % every)


def _may_show_late_data(slot: RequestSlot, evidence: Evidence, policy: DuePolicy, today: date) -> bool:
    """Tell whether late data would first show in this answer, and it has rested.

    In a recheck that is the list of months where it is collected, else the list of days. A list with days
    without energy is doubted at growing distances in any run.
    """
    request, system = slot.request, slot.system
    is_list = request.level in ("daily", "monthly") and request.endpoint in (SYSTEM_ENERGY, "meter_energy")
    if not is_list or today - request.period.last > LATE_DATA:
        return False
    answered_day = slot.answered_day
    assert answered_day is not None  # noqa: S101 - it was answered
    if request.endpoint == SYSTEM_ENERGY and policy.recheck:
        if _is_watched_by_months(slot, evidence, today):
            return False
        if answered_day < last_turn(request, today, _LATE_CHECK_DAYS):
            return True
    if request.level == "monthly":
        return False
    series = evidence.series(request.endpoint, request.level, request.system_id, request.device_id)
    dark = [
        figure
        for day in request.period.days()
        if (figure := series.get(day.isoformat())) and not figure.energy_kwh
        if system.first_day is None or day >= system.first_day
        if today - day <= LATE_DATA
    ]
    answers = min((slot.entry.answers_since(figure.call_id - 1) for figure in dark), default=0)
    return bool(dark) and next_attempt_day(answers, answered_day) <= today


def _is_watched_by_months(slot: RequestSlot, evidence: Evidence, today: date) -> bool:
    """Tell whether the list of months that covers a list of days was asked of late."""
    request = slot.request
    if request.level != "daily":
        return False
    year = Period.containing(Grain.YEAR, request.period.first)
    months = evidence.answers.entry_of(Request(SYSTEM_ENERGY, "monthly", request.system_id, "", year))
    if months.asked_utc is None:
        return False
    return today - local_day(months.asked_utc, slot.system.zone) <= timedelta(days=_LATE_CHECK_DAYS)
