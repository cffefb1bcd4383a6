"""What today can spend on history, with the figures and the sentences that say why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

import dagster as dg

from aps_pipeline.ingest import Login, Pipeline
from aps_pipeline.ledger import Quota
from aps_pipeline.orchestration.assets import WAREHOUSE
from aps_pipeline.orchestration.jobs import WAREHOUSE_JOB
from aps_pipeline.orchestration.partitions import Calendar
from aps_pipeline.orchestration.schedules import DAILY_REFRESH, refreshed_days, refreshes_between
from aps_pipeline.periods import Grain, Period, local_day
from aps_pipeline.planning import calls_for_history, calls_to_spare, refresh_calls_a_day
from aps_pipeline.tables import Table

_UNFINISHED = [
    dg.DagsterRunStatus[name] for name in ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
]


@dataclass(frozen=True, slots=True)
class Share:
    """One day of an account's quota month. `name` is empty where there is no other account.

    `reserved` is None where the daily refresh is off, so nothing is kept for it; `days` are those left of the
    month, this one included.
    """

    name: str
    days: int
    quota: Quota
    reserved: int | None

    @property
    def calls(self) -> int:
        """Today's share of what is left of the month."""
        return calls_to_spare(self.quota.left, self.reserved or 0, self.days)

    def for_history(self, inventory: int) -> int:
        """What the share leaves after the inventory calls that come first."""
        return calls_for_history(self.calls, inventory, self.days)

    def affords(self, calls: int) -> bool:
        """Whether the month has calls beside those that the refresh needs."""
        return self.quota.left - (self.reserved or 0) >= calls

    @property
    def figures(self) -> str:
        """Where the quota stands, and today's share of it."""
        until = f"{self.quota.resets_utc:%Y-%m-%d %H:%M} UTC"
        left = f"{self.quota.left:,} of {self.quota.limit:,} calls are left for {self._days} until {until}"
        kept = f"{DAILY_REFRESH} is off, so none of them is kept for it"
        if self.reserved is not None:
            kept = f"{self.reserved:,} of them are kept for {DAILY_REFRESH}"
        whose = f"{self.name}: " if self.name else ""
        return f"{whose}{left}; {kept}; today's share is {self.calls:,}"

    @property
    def _days(self) -> str:
        return f"{self.days} days" if self.days > 1 else "the last day"


@dataclass(frozen=True, slots=True)
class Today:
    """A day, where the vendor counts the quota of the first account, and every account's share of it."""

    day: date
    zone_name: str
    shares: tuple[Share, ...]

    @property
    def calls(self) -> int:
        """Today's share of all accounts together."""
        return sum(share.calls for share in self.shares)

    @property
    def figures(self) -> str:
        """Where the quotas stand."""
        return "; ".join(share.figures for share in self.shares)

    @property
    def exhausted(self) -> set[str]:
        """Accounts that cannot ask at all until their month turns."""
        return {share.name for share in self.shares if share.quota.left == 0}

    @property
    def next_share(self) -> str:
        """When the next share is due."""
        return f"the next share is due after {self.day + timedelta(days=1)} 00:00 {self.zone_name}"


def day_of(now: datetime, pipeline: Pipeline) -> date:
    """The day of an instant, where the vendor counts the quota of the first account."""
    return local_day(now, pipeline.logins[0].account.zone)


def today_of(
    now: datetime, pipeline: Pipeline, calendar: Calendar, refreshed: tuple[Table, ...] | None
) -> Today:
    """Where the quotas stand at `now`; `refreshed` are the tables of the daily refresh, None if it is off.

    Raises LedgerError.
    """
    shares = tuple(_share(now, pipeline, login, calendar, refreshed) for login in pipeline.logins)
    return Today(day_of(now, pipeline), pipeline.logins[0].account.zone.key, shares)


def _share(
    now: datetime, pipeline: Pipeline, login: Login, calendar: Calendar, refreshed: tuple[Table, ...] | None
) -> Share:
    day, quota = local_day(now, login.account.zone), pipeline.ledger.quota(login.account)
    reserved = None
    if refreshed is not None:
        systems = pipeline.systems_of(login)
        starts = refreshes_between(now, quota.resets_utc)
        ahead = (refreshed_days(calendar, start, pipeline.revision) for start in starts)
        reserved = ceil(sum(1 for days in ahead if days) * refresh_calls_a_day(refreshed, systems))
    days_left = (Period.containing(Grain.MONTH, day).last - day).days + 1
    return Share(login.name, days_left, quota, reserved)


def under_way(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """A run that is queued or running and may make calls, so that the quota does not stand still."""
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        if run.job_name != WAREHOUSE_JOB and run.asset_selection != {WAREHOUSE}:
            return run
    return None


def is_on(instance: dg.DagsterInstance, schedule: str) -> bool:
    """Whether somebody has turned a schedule on that is off by default."""
    states = instance.all_instigator_state()
    return any(state.name == schedule and state.status.value == "RUNNING" for state in states)
