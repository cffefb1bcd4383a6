"""The account's quota: a number of calls a month, counted in the zone in which the vendor resets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aps_pipeline.periods import Grain, Period, local_day


@dataclass(frozen=True, slots=True)
class Account:
    """One App Id and what it may spend in a quota month; `reserved` calls are left for other tools."""

    app_id: str
    monthly_calls: int
    reserved: int
    zone: ZoneInfo

    @property
    def limit(self) -> int:
        """Calls a month that this program may make."""
        return max(0, self.monthly_calls - self.reserved)


@dataclass(frozen=True, slots=True)
class Quota:
    """Where an account stands in its present quota month; `refused_by_api` after a code 2005."""

    month: str
    used: int
    limit: int
    refused_by_api: bool
    resets_utc: datetime

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return 0 if self.refused_by_api else max(0, self.limit - self.used)


def quota_month(now: datetime, zone: ZoneInfo) -> str:
    """The quota month of an instant: `2026-11`."""
    return Period.containing(Grain.MONTH, local_day(now, zone)).key


def resets_utc(now: datetime, zone: ZoneInfo) -> datetime:
    """When the quota month of an instant ends."""
    end = Period.containing(Grain.MONTH, local_day(now, zone)).end_utc(zone)
    assert end is not None  # noqa: S101 - a month ends
    return end.astimezone(UTC)
