"""What kept answers tell about requests that were never made, so that they need not be: claims with a proof.

A claim names the calls that it is based on, and it expires. A newer answer that contradicts it ends it;
`--again` overrules it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from aps_pipeline.errors import FailureKind
from aps_pipeline.periods import Grain, Period
from aps_pipeline.request import Request
from aps_pipeline.tables import Table

CLAIM_AGE = timedelta(days=92)
"""How old the newest proof of a claim may be: one probe a quarter keeps it."""

BorderKey = tuple[str, str, str]
"""Endpoint, level and system."""


class SkipReason(StrEnum):
    """Why a request is not made although nothing is held of it."""

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
class Skip:
    """A reason not to ask, and the call that proves it."""

    reason: SkipReason
    call_id: int


@dataclass(frozen=True, slots=True)
class Rest:
    """A request without success: until which day it rests, the newest such call, and its error."""

    until: date
    call_id: int
    text: str
    kind: FailureKind = FailureKind.REFUSED


@dataclass(frozen=True, slots=True)
class Border:
    """The last day of a level that a server no longer gives, the calls that show it, and the newest."""

    last: date
    call_ids: tuple[int, ...]
    proven_utc: datetime

    @property
    def call_id(self) -> int:
        """The newest call that it is based on."""
        return max(self.call_ids)


@dataclass(frozen=True, slots=True)
class SkipRules:
    """Why requests need not be made.

    `idle` holds the days on which a system produced nothing, with the call that says so. `borders` say what
    the server has forgotten. `rests` are kept by the parts of a request, or by its endpoint and system.
    """

    idle: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    borders: Mapping[BorderKey, Border] = field(default_factory=dict)
    rests: Mapping[tuple[str, ...], Rest] = field(default_factory=dict)

    def find_skip(self, table: Table, system_id: str, period: Period) -> Skip | None:
        """Find why a table need not be asked for a period of a system; None if it has to be."""
        if period.grain is not Grain.DAY:
            return None
        day = period.first
        idle_call = self.idle_days(table, system_id).get(day)
        if idle_call is not None:
            return Skip(SkipReason.IDLE, idle_call)
        border = self.find_border(table, system_id)
        if border is not None and day <= border.last:
            return Skip(SkipReason.FORGOTTEN, border.call_id)
        return None

    def idle_days(self, table: Table, system_id: str) -> Mapping[date, int]:
        """List the days that a table of a system has nothing of, with the call that says so.

        Meters go on at night and in snow, so they have no idle day.
        """
        is_idle = table.is_sub_day and table.group != "meter"
        return self.idle.get(system_id, {}) if is_idle else {}

    def find_border(self, table: Table, system_id: str) -> Border | None:
        """Find the border beyond which the server has forgotten a table of a system."""
        return self.borders.get((*table.source.kind, system_id))

    def find_rest(self, request: Request) -> Rest | None:
        """Find why a request rests, and until when; None if it does not."""
        return self.rests.get(request_key(request)) or self.rests.get((request.endpoint, request.system_id))


def request_key(request: Request) -> tuple[str, ...]:
    """Get the parts of a request, by which rests are kept."""
    return request.endpoint, request.level, request.system_id, request.device_id, request.period.key
