"""What kept answers tell about requests that were never made, so that they need not be: claims with a proof.

A claim names the calls that it rests on and expires; a newer answer that contradicts it ends it; `--again`
overrules it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning.answers import Kind
from aps_pipeline.question import Question
from aps_pipeline.tables import Table

CLAIM_AGE = timedelta(days=92)
"""How old the newest proof of a claim may be: one probe a quarter keeps it."""

BorderKey = tuple[str, str, str]
"""Endpoint, level and system."""


class Reason(StrEnum):
    """Why a question is not asked although nothing is held of it."""

    IDLE = "idle"
    """Nothing was produced that day: its daily value is 0 in an answer that came after the revision days."""
    FORGOTTEN = "forgotten"
    """The server no longer gives detail of days so old: it was asked twice."""


class ClaimKind(StrEnum):
    """What a claim says."""

    BEYOND_RETENTION = "beyond retention"
    """The server gives no detail of these days any more."""
    SOLE_ECU_EQUAL = "sole ECU equal"
    """The energy of a system is that of its only ECU."""
    RESTING = "resting"
    """A request was denied or its answer refused; it is made again later."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something concluded about an endpoint and level of a system, the calls that show it, and its term.

    `last_day` is the last local day that it speaks of, None where it speaks of all.
    """

    kind: ClaimKind
    system_id: str
    endpoint: str
    level: str
    device_id: str
    last_day: date | None
    call_ids: tuple[int, ...]
    proven_utc: datetime | None
    expires_utc: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class Spared:
    """A reason not to ask, and the call that proves it."""

    reason: Reason
    call_id: int


@dataclass(frozen=True, slots=True)
class Rest:
    """A request that was made in vain: until which day it rests, the newest such call, and what was said."""

    until: date
    call_id: int
    text: str
    trouble: str = "refused"


@dataclass(frozen=True, slots=True)
class Border:
    """The last day of a level that a server no longer gives, the calls that show it, and the newest."""

    last: date
    call_ids: tuple[int, ...]
    proven_utc: datetime

    @property
    def call_id(self) -> int:
        """The newest call that it rests on."""
        return max(self.call_ids, default=0)


@dataclass(frozen=True, slots=True)
class Known:
    """Days on which nothing was produced, by system, with the call that says so; borders of retention; rests.

    A request rests under its own parts, or under its endpoint and system.
    """

    idle: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    borders: Mapping[BorderKey, Border] = field(default_factory=dict)
    rests: Mapping[tuple[str, ...], Rest] = field(default_factory=dict)

    def spares(self, table: Table, system_id: str, period: Period) -> Spared | None:
        """Why a table need not be asked for a period of a system; None if it has to be.

        Meters go on at night and in snow, so no day is idle to them.
        """
        if period.grain is not Grain.DAY:
            return None
        day = period.first
        if table.is_sub_day and table.group != "meter" and (call_id := self.idle.get(system_id, {}).get(day)):
            return Spared(Reason.IDLE, call_id)
        border = self.borders.get((*table.source.kind, system_id))
        if border is not None and day <= border.last:
            return Spared(Reason.FORGOTTEN, border.call_id)
        return None

    def rest_of(self, request: Question) -> Rest | None:
        """Whether a request rests, and why."""
        return self.rests.get(request_key(request)) or self.rests.get((request.endpoint, request.system_id))


def request_key(request: Question) -> tuple[str, ...]:
    """The parts of a request, as rests are kept by them."""
    return request.endpoint, request.level, request.system_id, request.device_id, request.period.key


__all__ = [
    "CLAIM_AGE",
    "Border",
    "BorderKey",
    "Claim",
    "ClaimKind",
    "Kind",
    "Known",
    "Reason",
    "Rest",
    "Spared",
    "request_key",
]
