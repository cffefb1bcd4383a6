"""Autopilot: spend what today can spare of the quota on history, and say why."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil

import dagster as dg

from aps_pipeline.ingest import ApiAccount, MissingHistory, Pipeline, Wanted
from aps_pipeline.ledger import Quota
from aps_pipeline.orchestration.assets import WAREHOUSE
from aps_pipeline.orchestration.jobs import (
    DAILY_REFRESH,
    INVENTORY,
    WAREHOUSE_JOB,
    asset_keys_of,
    get_refresh_days,
    refreshes_between,
)
from aps_pipeline.orchestration.materialize import MAX_CALLS_TAG, as_dagster_failure, asset_key
from aps_pipeline.orchestration.partitions import Calendar, range_tags
from aps_pipeline.orchestration.resources import ApsResource
from aps_pipeline.periods import Grain, Period, local_day
from aps_pipeline.planning import (
    BackfillRun,
    Priority,
    calls_for_history,
    calls_to_spare,
    refresh_calls_a_day,
    select_runs,
)
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
        """Subtract the inventory calls, which come first, from the share."""
        return calls_for_history(self.calls, inventory, self.days)

    def affords(self, calls: int) -> bool:
        """Tell whether the month has that many calls beside those that the refresh needs."""
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


def quota_day(now: datetime, pipeline: Pipeline) -> date:
    """Find the day of an instant, in the zone of the first account's quota."""
    return local_day(now, pipeline.accounts[0].quota_account.zone)


def get_today(
    now: datetime, pipeline: Pipeline, calendar: Calendar, refreshed: tuple[Table, ...] | None
) -> Today:
    """Read the quotas at `now`; `refreshed` are the tables of the daily refresh, None if it is off.

    Raises LedgerError.
    """
    shares = tuple(_share(now, pipeline, account, calendar, refreshed) for account in pipeline.accounts)
    return Today(quota_day(now, pipeline), pipeline.accounts[0].quota_account.zone.key, shares)


def _share(
    now: datetime,
    pipeline: Pipeline,
    account: ApiAccount,
    calendar: Calendar,
    refreshed: tuple[Table, ...] | None,
) -> Share:
    day, quota = local_day(now, account.quota_account.zone), pipeline.ledger.get_quota(account.quota_account)
    reserved = None
    if refreshed is not None:
        systems = pipeline.systems_of(account)
        starts = refreshes_between(now, quota.resets_utc)
        ahead = (get_refresh_days(calendar, start, pipeline.revision_window) for start in starts)
        reserved = ceil(sum(1 for days in ahead if days) * refresh_calls_a_day(refreshed, systems))
    days_left = (Period.containing(Grain.MONTH, day).last - day).days + 1
    return Share(account.name, days_left, quota, reserved)


def find_unfinished_run(instance: dg.DagsterInstance) -> dg.DagsterRun | None:
    """Find a run that is queued or running and may make calls, so that the quota is in motion."""
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED)):
        if run.job_name != WAREHOUSE_JOB and run.asset_selection != {WAREHOUSE}:
            return run
    return None


def is_schedule_on(instance: dg.DagsterInstance, schedule: str) -> bool:
    """Tell whether somebody has turned on a schedule that is off by default."""
    states = instance.all_instigator_state()
    return any(state.name == schedule and state.status.value == "RUNNING" for state in states)


AUTOPILOT_TAG, WHY_TAG = "aps/autopilot", "aps/why"
"""Tags of its runs: the day whose calls they spend, and the reason in a few words."""

_INVENTORY_LAUNCHED = "inventory"


def autopilot_sensor(
    calendar: Calendar, aps: ApsResource, collected: tuple[Table, ...]
) -> dg.SensorDefinition:
    """Build the sensor that completes the history of `collected`, and then idles."""

    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with as_dagster_failure(), aps.pipeline() as (settings, pipeline), as_dagster_failure(settings):
            if (run := find_unfinished_run(context.instance)) is not None:
                return dg.SensorResult(
                    skip_reason=f"Run {run.run_id[:8]} is under way and may make calls: history waits."
                )
            now = pipeline.ledger.now()
            day, _, reason = (context.cursor or "").partition(" ")
            is_today = day == str(quota_day(now, pipeline))
            if is_today and reason != _INVENTORY_LAUNCHED:
                return dg.SensorResult(skip_reason=reason)
            last = calendar.last_day(now)
            if last is None:
                return dg.SensorResult(skip_reason=f"No day since {calendar.start} is over yet.")
            missing = pipeline.missing(Wanted(collected, calendar.start, last, pipeline.system_ids))
            refreshed = collected if is_schedule_on(context.instance, DAILY_REFRESH) else None
            today = get_today(now, pipeline, calendar, refreshed)
            paid = Counter(pipeline.account_of(request.system_id).name for request in missing.inventory)
            if missing.unknown:
                return _launch_inventory(context, today, missing, collected, paid, was_asked=is_today)
            if not missing.wanted:
                return _idle(today, _completion(calendar, missing, str(last)))
            return _launch_runs(context, today, missing, paid)

    return dg.SensorDefinition(
        "autopilot",
        evaluation_fn=tick,
        asset_selection=dg.AssetSelection.assets(*(asset_key(table) for table in collected)),
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            "Completes the history since APS_START_DATE, a day's share of the quota each day, what is worth "
            "most first; what `daily_refresh` needs is kept for it. Once nothing is missing it makes no call."
        ),
    )


def _idle(today: Today, reason: str) -> dg.SensorResult:
    """Do nothing more today; the later ticks of the day repeat the reason."""
    return dg.SensorResult(skip_reason=reason, cursor=f"{today.day} {reason}")


def _completion(calendar: Calendar, missing: MissingHistory, last: str) -> str:
    what = f"History is complete from {calendar.start} to {last}"
    if missing.resting:
        return f"{what}, except {missing.resting:,} requests that failed and rest for some days."
    return f"{what}: nothing to ask."


def _launch_inventory(
    context: dg.SensorEvaluationContext,
    today: Today,
    missing: MissingHistory,
    tables: tuple[Table, ...],
    paid: Mapping[str, int],
    *,
    was_asked: bool,
) -> dg.SensorResult:
    """Ask for the devices first, because without them nobody knows what is missing."""
    names = ", ".join(sorted(missing.unknown))
    if was_asked:
        return _idle(
            today,
            f"The devices of {names} are still not known: see the failed run, and check APS_SYSTEM_IDS. "
            "They are asked for again tomorrow.",
        )
    if not any(share.affords(paid.get(share.name, 0)) and paid.get(share.name) for share in today.shares):
        return _idle(today, f"Nothing to spare to ask for the devices of {names}: {today.figures}.")
    request = dg.RunRequest(
        run_key=f"autopilot {today.day} {_INVENTORY_LAUNCHED}",
        asset_selection=asset_keys_of(INVENTORY, tables),
        tags={
            AUTOPILOT_TAG: str(today.day),
            WHY_TAG: f"the devices of {names} are not known: {len(missing.inventory)} calls",
        },
    )
    context.log.info(f"First the inventory: {request.tags[WHY_TAG]}. {today.figures}.")
    return dg.SensorResult(run_requests=[request], cursor=f"{today.day} {_INVENTORY_LAUNCHED}")


def _launch_runs(
    context: dg.SensorEvaluationContext, today: Today, missing: MissingHistory, paid: Mapping[str, int]
) -> dg.SensorResult:
    """Launch the runs that today's calls pay for; `paid` are the inventory calls by account, made first."""
    inventory = len(missing.inventory)
    purse = {share.name: share.for_history(paid.get(share.name, 0)) for share in today.shares}
    runs = select_runs([gap.without(today.exhausted) for gap in missing.gaps], purse)
    lacking = f"the history lacks {missing.calls:,} calls"
    if inventory:
        lacking += f", and {inventory:,} for the inventory come first"
    if not runs:
        return _idle(today, f"Nothing to spare today: {lacking}. {today.figures}; {today.next_share}.")
    context.log.info(f"{lacking[0].upper()}{lacking[1:]}. {today.figures}.")
    for run in runs:
        context.log.info(f"{_range_of(run)}: {_why(run)}")
    calls = inventory + sum(run.calls for run in runs)
    summary = (
        f"Today's share of {today.calls:,} calls was given out: {calls:,} calls in "
        f"{len(runs)} run{'s' * (len(runs) > 1)} "
        f"of {missing.calls:,} that were missing; {today.next_share}."
    )
    requests = [_request(run, today, inventory) for run in runs]
    return dg.SensorResult(run_requests=requests, cursor=f"{today.day} {summary}")


def _request(run: BackfillRun, today: Today, inventory: int) -> dg.RunRequest:
    tags = {AUTOPILOT_TAG: str(today.day), WHY_TAG: _why(run)}
    if run.first.key:
        tags |= range_tags(run.first, run.last)
    if run.is_part:
        tags[MAX_CALLS_TAG] = str(inventory + max(1, run.calls // len(run.tables)))
    return dg.RunRequest(
        run_key=f"autopilot {today.day} {_range_of(run)}",
        asset_selection=[asset_key(table) for table in run.tables],
        tags=tags,
    )


def _range_of(run: BackfillRun) -> str:
    names = ", ".join(table.name for table in run.tables)
    first, last = run.first.key, run.last.key
    return f"{names} {first if first == last else f'{first} to {last}'}".strip()


def _why(run: BackfillRun) -> str:
    calls = f"{run.calls:,} calls" if run.reason is not Priority.BUILD else "no call"
    part = ", a part of one partition that costs more than a day" if run.is_part else ""
    return f"{run.reason}: {calls}{part}"
