"""What is concluded and missing of the history, and what the missing calls cost. Makes no call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.ingest.borders import get_borders
from aps_pipeline.ingest.ecu_equivalence import equality_claims, get_verdicts
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.inventory import INVENTORY_TABLES, InventoryStep
from aps_pipeline.ingest.plan import Job, StepPlan
from aps_pipeline.ingest.plan_context import get_rests, get_rests_with_failures
from aps_pipeline.ingest.run import Run
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import (
    CLAIM_AGE,
    Border,
    BorderKey,
    Claim,
    ClaimKind,
    Gap,
    Priority,
    RequestPart,
    Rest,
    SkipRules,
    by_priority,
    equal_request,
    requests_with_entry,
)
from aps_pipeline.request import LedgerEntry, Request
from aps_pipeline.tables import Table


def get_claims(ledger: Ledger, now: datetime, revision_window: timedelta, zone: ZoneInfo) -> list[Claim]:
    """List every claim that holds at `now`: borders of retention, sole ECUs, rests. Raises LedgerError."""
    fleet = KnownFleet.load(ledger)
    return [
        *_border_claims(get_borders(ledger, fleet.systems, revision_window, now)),
        *equality_claims(get_verdicts(fleet, ledger, revision_window)),
        *_rest_claims(get_rests(ledger, now, zone), zone),
    ]


def _border_claims(borders: Mapping[BorderKey, Border]) -> Iterator[Claim]:
    for (endpoint, level, system_id), border in sorted(borders.items()):
        yield Claim(
            ClaimKind.BEYOND_RETENTION,
            system_id,
            endpoint,
            level,
            "",
            border.last,
            border.call_ids,
            border.proven_utc,
            border.proven_utc + CLAIM_AGE,
            f"the API gave no data of days up to {border.last} although the system produced on them",
        )


def _rest_claims(rests: Mapping[tuple[str, ...], Rest], zone: ZoneInfo) -> Iterator[Claim]:
    for key, rest in sorted(rests.items()):
        endpoint, level, system_id, device_id, period = key if len(key) > 2 else (key[0], "", key[1], "", "")
        yield Claim(
            ClaimKind.RESTING,
            system_id,
            endpoint,
            level,
            device_id,
            None,
            (rest.call_id,),
            None,
            datetime.combine(rest.until, time(), zone).astimezone(UTC),
            f"{period} {rest.text}".strip(),
        )


@dataclass(slots=True)
class MissingHistory:
    """What a history lacks.

    `gaps` are partitions in the order in which they are worth most; `inventory` the requests that the first
    run makes before all others; `unknown` the systems that may miss more, for their devices are not known;
    `resting` the number of requests that have failed and are left alone for some days.
    """

    gaps: list[Gap] = field(default_factory=list)
    inventory: list[Request] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    resting: int = 0

    @property
    def wanted(self) -> list[Gap]:
        """The gaps that are worth a run now."""
        return [gap for gap in self.gaps if gap.reason]

    @property
    def calls(self) -> int:
        """What closing them costs, without the inventory."""
        return sum(gap.calls for gap in self.wanted)


def find_missing(run: Run, plans: Iterable[StepPlan], fleet: KnownFleet, zone: ZoneInfo) -> MissingHistory:
    """List what is missing of the wanted facts, phase by phase; failures rest for days of `zone`.

    Raises LedgerError, StorageError.
    """
    rests = get_rests_with_failures(run.ledger, run.now, zone)
    found, busy = MissingHistory(), set[str]()
    for plan in plans:
        due = _due(plan.jobs)
        left_alone = {request for request in due if SkipRules(rests=rests).find_rest(request)}
        left_alone |= {request for job in plan.jobs for request in job.plan.resting}
        order = _in_order(run, plan, left_alone)
        busy |= {request.system_id for request in order}
        found.resting += len(left_alone)
        found.unknown |= {request.system_id for job in plan.jobs for request in job.missing}
        found.gaps += [*_unbuilt(run, plan), *_gaps(run, due, order)]
    found.inventory = InventoryStep(run, fleet, rests).due(busy | found.unknown)
    return found


def _in_order(run: Run, plan: StepPlan, left_alone: Collection[Request]) -> dict[Request, Priority]:
    """List the requests of one phase that are worth a call, best first, and why they come when they do."""
    parts = {request: part for job in plan.jobs for request, part in job.plan.due.items()}
    retention = plan.context.get_retention(parts, run.now)
    passed_over, expiring = {*left_alone, *retention.forgotten()}, {key[:2] for key in retention.borders}
    probes = (probe for probe in retention.probes() if probe in parts)
    order: dict[Request, Priority] = dict.fromkeys(probes, Priority.MEMORY)
    for request in by_priority([job.plan for job in plan.jobs], run.newest, expiring):
        reason = Priority.NEWEST if request.period.grain is Grain.DAY else Priority.COARSE
        if (request.endpoint, request.level) in expiring:
            reason = Priority.EXPIRING
        order.setdefault(request, reason)
    return {
        request: reason
        for request, reason in order.items()
        if request not in passed_over and _is_history(run, *parts[request])
    }


def _is_history(run: Run, part: RequestPart, held: LedgerEntry) -> bool:
    return run.policy.is_history(part.request, part.system, held)


def _due(jobs: Iterable[Job]) -> dict[Request, list[Table]]:
    """List every request that is due, with the tables it feeds."""
    due: dict[Request, list[Table]] = {}
    for job in jobs:
        for request in job.plan.due:
            due.setdefault(request, []).append(job.plan.table)
    return due


def _gaps(run: Run, due: dict[Request, list[Table]], order: dict[Request, Priority]) -> Iterator[Gap]:
    """List the partitions in which something is due, first those that hold what is worth most."""
    partitions = {request: (tuple(tables), request.period) for request, tables in due.items()}
    costs: dict[tuple[tuple[Table, ...], Period], Counter[str]] = {}
    for request, partition in partitions.items():
        costs.setdefault(partition, Counter())[run.account_of(request)] += 1
    reasons: dict[tuple[tuple[Table, ...], Period], Priority] = {}
    for request, reason in order.items():
        reasons.setdefault(partitions[request], reason)
    for partition in dict.fromkeys((*reasons, *costs)):
        yield Gap(*partition, costs[partition], reasons.get(partition))


def _unbuilt(run: Run, plan: StepPlan) -> Iterator[Gap]:
    """Find partitions that have all their answers and no file: a run was killed in between."""
    files: dict[str, set[str]] = {}
    for job in plan.jobs:
        table, period = job.plan.table, job.plan.period
        held = requests_with_entry(table, period, plan.fleet.systems, job.answers)
        if job.plan.due or next(held, None) is None:
            continue
        if table.name not in files:
            files[table.name] = set(run.lake.files(table))
        if run.lake.path(table, (period.key,) if table.is_partitioned else ()) not in files[table.name]:
            yield Gap((table,), period, {}, Priority.BUILD)


@dataclass(slots=True)
class PlannedCalls:
    """What one table of one system still needs.

    `known` is False where the system's devices are not known yet, so that there may be more; `first` and
    `last` are the keys of the first and last period to be asked.
    """

    table: Table
    system_id: str
    calls: int = 0
    held: int = 0
    skipped: int = 0
    """Requests that need not be asked: the day was dark, or lies beyond retention."""
    first: str = ""
    last: str = ""
    is_exact: bool = True

    @property
    def covers(self) -> str:
        """What one call brings."""
        source = self.table.source
        of = ENDPOINTS[source.endpoint].device
        whose = f"all panels of an {of.upper()}" if source.endpoint == "inverter_batch" else f"one {of}"
        period = self.table.partition_grain
        return f"{whose}, {'all years' if period == 'lifetime' and source.level else f'one {period}'}"


def count_planned_calls(
    inventory: Callable[[], Iterable[Request]], jobs: Iterable[Job]
) -> list[PlannedCalls]:
    """Group the requests of a plan; each stands once, with the first table that it feeds.

    `inventory` is asked once the jobs, which are looked at one by one, have told which systems are busy.
    """
    lines: dict[tuple[str, str], PlannedCalls] = {}
    counted: set[Request] = set()
    for job in jobs:
        table = job.plan.table
        for part in job.plan.parts:
            request = part.request
            line = _line(lines, table, request.system_id)
            ask = equal_request(request, part.system) or request
            if request in job.plan.skipped:
                line.skipped += 1
            elif ask not in job.plan.due:
                line.held += 1
            elif ask not in counted:
                counted.add(ask)
                line.calls += 1
                line.first = min(line.first or request.period.key, request.period.key)
                line.last = max(line.last, request.period.key)
        for request in job.missing:
            _line(lines, table, request.system_id).is_exact = False
    first: dict[tuple[str, str], PlannedCalls] = {}
    for request in inventory():
        table = next(each for each in INVENTORY_TABLES if each.source.endpoint == request.endpoint)
        _line(first, table, request.system_id).calls += 1
    return [*first.values(), *lines.values()]


def _line(lines: dict[tuple[str, str], PlannedCalls], table: Table, system_id: str) -> PlannedCalls:
    return lines.setdefault((table.name, system_id), PlannedCalls(table, system_id))
