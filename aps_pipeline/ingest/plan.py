"""The plan of a run: steps of tables and days, and for each partition the calls that it still needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from aps_pipeline.ingest.borders import get_borders
from aps_pipeline.ingest.ecu_equivalence import with_equivalence
from aps_pipeline.ingest.fetch import CallOutcome
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.inventory import unknown_inventory
from aps_pipeline.ingest.plan_context import PlanContext, get_plan_context
from aps_pipeline.ingest.results import Failure
from aps_pipeline.ingest.run import Run
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import (
    SERVED,
    Answers,
    Border,
    BorderKey,
    Kind,
    PartitionPlan,
    SkipReason,
    SkipRules,
    calls_for_one,
    kinds_of,
    periods_of,
    phases,
    plan_partitions,
)
from aps_pipeline.request import Request
from aps_pipeline.tables import Table

_MOST_REQUESTS = 40_000
"""Requests that are planned together: each takes about a kilobyte until it has its answer."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Step:
    """Tables of one phase, and the days between which their periods begin."""

    tables: list[Table]
    first: date = date.min
    last: date = date.max

    def holds(self, period: Period) -> bool:
        """Tell whether a period belongs to it."""
        return self.first <= period.first <= self.last


def count_partitions(run: Run, step: Step) -> int:
    """Count how many of the wanted partitions a step looks at."""
    first = run.wanted.first
    return sum(
        step.holds(period) and period.last >= first
        for table in step.tables
        for period in run.periods_of(table)
    )


def periods_before(run: Run, fleet: KnownFleet, step: Step) -> Iterator[tuple[Table, Period]]:
    """List the wanted partitions of a step in which no system was there: they need no plan."""
    first, last = run.wanted.first, run.wanted.last
    earliest = fleet.first_day(run.wanted.system_ids)
    for table in step.tables:
        for period in periods_of(table, first, min(earliest, last)):
            if period.last < earliest and step.holds(period):
                yield table, period


def steps_of(run: Run, fleet: KnownFleet, forgotten: Callable[[list[Table]], Collection[Kind]]) -> list[Step]:
    """Order the steps by what they are worth: coarse before fine, then as `by_priority` has it.

    `forgotten` lists the kinds that the server is known to forget; it is called for a phase that is cut.
    """
    return [
        step for tables in phases(run.wanted.facts) for step in _split_steps(run, fleet, tables, forgotten)
    ]


def _split_steps(
    run: Run, fleet: KnownFleet, tables: list[Table], forgotten: Callable[[list[Table]], Collection[Kind]]
) -> Iterator[Step]:
    systems = [fleet.systems[sid] for sid in run.wanted.system_ids if sid in fleet.systems]
    a_day = sum(calls_for_one(table, systems) for table in tables)
    oldest = max(run.wanted.first, fleet.first_day(run.wanted.system_ids))
    if (
        tables[0].partition_grain is not Grain.DAY
        or a_day * ((run.wanted.last - oldest).days + 1) <= _MOST_REQUESTS
    ):
        yield Step(tables)
        return
    kinds = forgotten(tables)
    fading = [table for table in tables if table.source.kind in kinds]
    lasting = [table for table in tables if table.source.kind not in kinds]
    spans = list(_spans(oldest, run.newest, max(1, _MOST_REQUESTS // a_day)))
    yield Step(tables, run.newest)
    if fading:
        yield from (Step(fading, *span) for span in reversed(spans))
    if lasting:
        yield from (Step(lasting, *span) for span in spans)


def _spans(oldest: date, newest: date, days: int) -> Iterator[tuple[date, date]]:
    """Split the days before the newest into spans, newest first; the last has no beginning."""
    last = newest - _DAY
    while last - timedelta(days=days) > oldest:
        yield last - timedelta(days=days - 1), last
        last -= timedelta(days=days)
    yield date.min, last


class Planner:
    """Makes the plans of a run. What the ledger knows of tables is read once, and anew after calls.

    Every method raises LedgerError.
    """

    def __init__(self, run: Run, fleet: KnownFleet, ledger: Ledger, revision_window: timedelta) -> None:
        self._run, self._fleet, self._ledger, self._revision_window = run, fleet, ledger, revision_window
        self._borders: dict[frozenset[Kind], Mapping[BorderKey, Border]] = {}
        self._known: tuple[Step, KnownFleet, PlanContext] | None = None

    def steps(self) -> list[Step]:
        """List the steps of the run, in order, as far as they are known by now."""
        return steps_of(self._run, self._fleet, self._forgotten)

    def plans(self) -> Iterator[StepPlan]:
        """Plan each step, as if no call were made."""
        return map(self.plan, self.steps())

    def plan(self, step: Step) -> StepPlan:
        """Plan one step."""
        fleet, context = self._context(step)
        return StepPlan(step, fleet, context, jobs_of(self._run, fleet, step, context))

    def forget(self) -> None:
        """Read anew what is known: calls may have been made."""
        self._known = None
        self._borders.clear()
        self._fleet = self._fleet.with_first_days(self._ledger)

    def busy_systems(self) -> tuple[set[str], list[StepPlan]]:
        """List the systems that need calls, and the plans if there are no more than phases."""
        run, steps = self._run, self.steps()
        is_short = len({tuple(table.name for table in step.tables) for step in steps}) == len(steps)
        busy, plans = set[str](), []
        for step in steps:
            plan = self.plan(step)
            busy |= busy_systems(plan)
            if is_short:
                plans.append(plan)
            elif busy.issuperset(run.wanted.system_ids):
                break
        return busy, plans

    def _context(self, step: Step) -> tuple[KnownFleet, PlanContext]:
        if self._known is None or self._known[0] != step:
            self._known = None  # before the next one is read
            run, ledger, revision_window = self._run, self._ledger, self._revision_window
            fleet = with_equivalence_where_served(self._fleet, ledger, revision_window, step.tables, run)
            rules = SkipRules(borders=self._get_borders(step.tables), rests=run.rests)
            wanted = (*self._days_of(step), run.wanted.system_ids)
            context = get_plan_context(ledger, fleet.systems, step.tables, wanted, revision_window, rules)
            self._known = step, fleet, context
        return self._known[1:]

    def _days_of(self, step: Step) -> tuple[date, date]:
        """Find the first and last day whose periods a step looks at."""
        wanted = self._run.wanted
        first = max(step.first, self._run.policy.first_day or wanted.first)
        return first, max(first, min(step.last, wanted.last))

    def _get_borders(self, tables: Iterable[Table]) -> Mapping[BorderKey, Border]:
        systems = self._fleet.systems.values()
        kinds = frozenset(kind for table in tables for kind in kinds_of(table, systems))
        if kinds not in self._borders:
            self._borders[kinds] = get_borders(
                self._ledger, self._fleet.systems, self._revision_window, self._run.now, kinds
            )
        return self._borders[kinds]

    def _forgotten(self, tables: list[Table]) -> Collection[Kind]:
        return {(key[0], key[1]) for key in self._get_borders(tables)}


def busy_systems(plan: StepPlan) -> set[str]:
    """List the systems that a plan makes calls for."""
    return {request.system_id for job in plan.jobs for request in (*job.plan.due, *job.missing)}


def with_equivalence_where_served(
    fleet: KnownFleet, ledger: Ledger, revision_window: timedelta, tables: Iterable[Table], run: Run
) -> KnownFleet:
    """Return the fleet with the systems that answer for their only ECU, where a table asks ECUs."""
    is_served = any(table.source.endpoint == SERVED for table in tables)
    return with_equivalence(fleet, ledger, revision_window, run.now) if is_served else fleet


@dataclass(slots=True)
class Job:
    """A partition on its way: what it needs, what is still to be asked, and what came of the others."""

    plan: PartitionPlan
    answers: Answers
    """What the ledger held at planning time, whichever systems are wanted."""
    missing: list[Request]
    """Inventory requests without whose answers some of its requests are not known."""
    pending: set[Request] = field(default_factory=set)
    calls: int = 0
    is_touched: bool = False
    """Whether an answer may have come since."""
    waiting: list[Request] = field(default_factory=list)
    skip_reasons: list[SkipReason] = field(default_factory=list)
    """Why some of its requests are not asked."""
    is_held_back: bool = False
    """Whether it waits for a border of retention, which may ask one of its requests again."""
    failures: list[Failure] = field(default_factory=list)

    def settle(self, result: CallOutcome, *, counts: bool) -> None:
        """Take the end of one request; its calls count for one of the partitions it feeds.

        One that was asked again as a proof has its answer, whatever became of the second one.
        """
        was_pending = result.request in self.pending
        self.pending.discard(result.request)
        self.calls += result.calls if counts else 0
        self.is_touched |= result.is_good or result.calls > 0
        if not was_pending:
            return
        if result.failure:
            self.failures.append(result.failure)
        elif not result.is_good:
            self.waiting.append(result.request)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step of a run: its tables, what is known of them, and their partitions."""

    step: Step
    fleet: KnownFleet
    context: PlanContext
    jobs: list[Job]


def jobs_of(run: Run, fleet: KnownFleet, step: Step, context: PlanContext) -> list[Job]:
    """List every wanted partition of a step with what it still needs, from what is known alone."""
    return [job for table in step.tables for job in _jobs_of_table(run, fleet, table, step, context)]


def _jobs_of_table(
    run: Run, fleet: KnownFleet, table: Table, step: Step, context: PlanContext
) -> Iterator[Job]:
    systems = [fleet.systems[sid] for sid in run.wanted.system_ids if sid in fleet.systems]
    missing = [q for sid in run.wanted.system_ids for q in unknown_inventory(table, sid, fleet)]
    evidence, wanted, earliest = context.evidence, run.wanted, fleet.first_day(run.wanted.system_ids)
    periods = [each for each in run.periods_of(table) if each.last >= earliest and step.holds(each)]
    for plan in plan_partitions(table, periods, systems, evidence, run.policy, context.skip_rules):
        if plan.period.last < wanted.first and not plan.due:
            continue  # a recheck looked here, and found nothing to doubt
        reasons = [each.reason for each in plan.skipped.values()]
        failures = [Failure.of_rest(request, rest) for request, rest in plan.resting.items()]
        yield Job(plan, evidence.answers, missing, set(plan.due), skip_reasons=reasons, failures=failures)
