"""The autopilot: each day it spends what the quota can spare on the history that is worth most."""

# No postponed annotations here: Dagster looks at that of `context`.

from collections import Counter
from collections.abc import Mapping

import dagster as dg

from aps_pipeline.ingest import Missing, Wanted
from aps_pipeline.orchestration.collecting import MAX_CALLS_TAG, asset_key
from aps_pipeline.orchestration.failures import told_plainly
from aps_pipeline.orchestration.jobs import INVENTORY, keys_of
from aps_pipeline.orchestration.partitions import Calendar, range_tags
from aps_pipeline.orchestration.resources import Access
from aps_pipeline.orchestration.schedules import DAILY_REFRESH
from aps_pipeline.orchestration.spending import Today, day_of, is_on, today_of, under_way
from aps_pipeline.planning import Stretch, Worth, affordable
from aps_pipeline.tables import FETCHED, HISTORY, Table

AUTOPILOT_TAG, WHY_TAG = "aps/autopilot", "aps/why"
"""Tags of its runs: the day whose calls they spend, and the reason in a few words."""

_ASKING_INVENTORY = "inventory"


def autopilot(calendar: Calendar, access: Access, collected: tuple[Table, ...]) -> dg.SensorDefinition:
    """The sensor that completes the history of the tables `collected` and of HISTORY, and then idles."""
    tables = tuple(table for table in FETCHED if table in {*HISTORY, *collected})

    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        with told_plainly(), access.pipeline() as (settings, pipeline), told_plainly(settings):
            if (run := under_way(context.instance)) is not None:
                return dg.SensorResult(
                    skip_reason=f"Run {run.run_id[:8]} is under way and may make calls: history waits."
                )
            now = pipeline.ledger.now()
            day, _, said = (context.cursor or "").partition(" ")
            is_today = day == str(day_of(now, pipeline))
            if is_today and said != _ASKING_INVENTORY:
                return dg.SensorResult(skip_reason=said)
            last = calendar.last_day(now)
            if last is None:
                return dg.SensorResult(skip_reason=f"No day since {calendar.start} is over yet.")
            missing = pipeline.missing(Wanted(tables, calendar.start, last, pipeline.system_ids))
            refreshed = collected if is_on(context.instance, DAILY_REFRESH) else None
            today = today_of(now, pipeline, calendar, refreshed)
            paid = Counter(pipeline.login_of(question.system_id).name for question in missing.inventory)
            if missing.unknown:
                return _inventory_first(context, today, missing, tables, paid, was_asked=is_today)
            if not missing.wanted:
                return _idle(today, _complete(calendar, missing, str(last)))
            return _spent(context, today, missing, paid)

    return dg.SensorDefinition(
        "autopilot",
        evaluation_fn=tick,
        asset_selection=dg.AssetSelection.assets(*(asset_key(table) for table in tables)),
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=(
            "Completes the history since APS_START_DATE, a day's share of the quota each day, what is worth "
            "most first; what `daily_refresh` needs is kept for it. Once nothing is missing it makes no call."
        ),
    )


def _idle(today: Today, said: str) -> dg.SensorResult:
    """Nothing more today; the ticks that are left of it repeat what was said."""
    return dg.SensorResult(skip_reason=said, cursor=f"{today.day} {said}")


def _complete(calendar: Calendar, missing: Missing, last: str) -> str:
    what = f"History is complete from {calendar.start} to {last}"
    if missing.resting:
        return f"{what}, but for {missing.resting:,} questions that failed and rest for some days."
    return f"{what}: nothing to ask."


def _inventory_first(
    context: dg.SensorEvaluationContext,
    today: Today,
    missing: Missing,
    tables: tuple[Table, ...],
    paid: Mapping[str, int],
    *,
    was_asked: bool,
) -> dg.SensorResult:
    """What stands on the roofs, for without it nobody knows what is missing."""
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
        run_key=f"autopilot {today.day} {_ASKING_INVENTORY}",
        asset_selection=keys_of(INVENTORY, tables),
        tags={
            AUTOPILOT_TAG: str(today.day),
            WHY_TAG: f"the devices of {names} are not known: {len(missing.inventory)} calls",
        },
    )
    context.log.info(f"First the inventory: {request.tags[WHY_TAG]}. {today.figures}.")
    return dg.SensorResult(run_requests=[request], cursor=f"{today.day} {_ASKING_INVENTORY}")


def _spent(
    context: dg.SensorEvaluationContext, today: Today, missing: Missing, paid: Mapping[str, int]
) -> dg.SensorResult:
    """The runs that today's calls pay for; `paid` are the inventory calls of each account that come first."""
    inventory = len(missing.inventory)
    purse = {share.name: share.for_history(paid.get(share.name, 0)) for share in today.shares}
    stretches = affordable([gap.without(today.exhausted) for gap in missing.gaps], purse)
    lacking = f"the history lacks {missing.calls:,} calls"
    if inventory:
        lacking += f", and {inventory:,} for the inventory come first"
    if not stretches:
        return _idle(today, f"Nothing to spare today: {lacking}. {today.figures}; {today.next_share}.")
    context.log.info(f"{lacking[0].upper()}{lacking[1:]}. {today.figures}.")
    for stretch in stretches:
        context.log.info(f"{_range_of(stretch)}: {_why(stretch)}")
    calls = inventory + sum(stretch.calls for stretch in stretches)
    said = (
        f"Today's share of {today.calls:,} calls was given out: {calls:,} calls in "
        f"{len(stretches)} run{'s' * (len(stretches) > 1)} "
        f"of {missing.calls:,} that were missing; {today.next_share}."
    )
    requests = [_request(stretch, today, inventory) for stretch in stretches]
    return dg.SensorResult(run_requests=requests, cursor=f"{today.day} {said}")


def _request(stretch: Stretch, today: Today, inventory: int) -> dg.RunRequest:
    tags = {AUTOPILOT_TAG: str(today.day), WHY_TAG: _why(stretch)}
    if stretch.first.key:
        tags |= range_tags(stretch.first, stretch.last)
    if stretch.is_part:
        tags[MAX_CALLS_TAG] = str(inventory + max(1, stretch.calls // len(stretch.tables)))
    return dg.RunRequest(
        run_key=f"autopilot {today.day} {_range_of(stretch)}",
        asset_selection=[asset_key(table) for table in stretch.tables],
        tags=tags,
    )


def _range_of(stretch: Stretch) -> str:
    names = ", ".join(table.name for table in stretch.tables)
    first, last = stretch.first.key, stretch.last.key
    return f"{names} {first if first == last else f'{first} to {last}'}".strip()


def _why(stretch: Stretch) -> str:
    calls = f"{stretch.calls:,} calls" if stretch.reason is not Worth.BUILD else "no call"
    part = ", a part of one partition that costs more than a day" if stretch.is_part else ""
    return f"{stretch.reason}: {calls}{part}"
