"""What is held, concluded and missing of the history, and what the missing calls cost. Makes no call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.ingest.ecu_equivalence import equality_claims, verdicts_of, with_equals
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.inventory import DEVICE_ENDPOINTS, INVENTORY_TABLES, InventoryStep
from aps_pipeline.ingest.plan import Job, Plan
from aps_pipeline.ingest.plan_context import Knowledge, knowledge_of, rests_of_denied, rests_of_failed
from aps_pipeline.ingest.run import Run
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import (
    CLAIM_AGE,
    Claim,
    ClaimKind,
    Covered,
    Gap,
    Known,
    Outlook,
    Part,
    Rest,
    Retention,
    Worth,
    by_worth,
    coverage,
    grain_of,
    is_inventory,
    questions_held,
    stand_in,
)
from aps_pipeline.request import Held, Question
from aps_pipeline.tables import FETCHED, Table


def claims_of(ledger: Ledger, now: datetime, revision: timedelta, zone: ZoneInfo) -> list[Claim]:
    """Every claim that holds at `now`: borders of retention, sole ECUs, rests. Raises LedgerError."""
    fleet = Fleet.load(ledger)
    tables = [table for table in FETCHED if not is_inventory(table) and grain_of(table) is Grain.DAY]
    knowledge = knowledge_of(ledger, fleet.systems, tables, revision, now)
    return [
        *_border_claims(knowledge),
        *equality_claims(verdicts_of(fleet, ledger, revision)),
        *_rest_claims(rests_of_denied(ledger, now, zone), zone),
    ]


def _border_claims(knowledge: Knowledge) -> Iterator[Claim]:
    for (endpoint, level, system_id), border in sorted(knowledge.known.borders.items()):
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


def coverage_of(ledger: Ledger, now: datetime, revision: timedelta) -> Sequence[Covered]:
    """How every period of every fact table of every known system stands, as of `now`. Raises LedgerError."""
    tables = [table for table in FETCHED if not is_inventory(table)]
    fleet = with_equals(Fleet.load(ledger), ledger, revision, now)
    knowledge = knowledge_of(ledger, fleet.systems, tables, revision, now)
    outlook = Outlook(knowledge.answers, knowledge.known, _named_by(fleet), now, revision)
    return list(coverage(tables, fleet.systems.values(), outlook))


def _named_by(fleet: Fleet) -> dict[tuple[str, str], int]:
    """The newest answer that names devices, for each system and kind of device that is known."""
    found = {}
    for system_id in fleet.systems:
        for kind, endpoints in DEVICE_ENDPOINTS.items():
            seen = fleet.newest(Question(endpoints[-1], "", system_id))
            if seen is not None:
                found[system_id, kind] = seen.call_id
    return found


@dataclass(slots=True)
class Missing:
    """What a history lacks.

    `gaps` are partitions in the order in which they are worth most; `inventory` the questions that the first
    run makes before all others; `unknown` the systems of which more may be missing, for their devices are not
    known; `resting` the number of questions that have failed and are left alone for some days.
    """

    gaps: list[Gap] = field(default_factory=list)
    inventory: list[Question] = field(default_factory=list)
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


def missing_of(run: Run, plans: Iterable[Plan], fleet: Fleet, zone: ZoneInfo) -> Missing:
    """What is missing of the wanted facts, phase by phase; failures rest for days of `zone`.

    Raises LedgerError, StorageError.
    """
    rests = rests_of_failed(run.ledger, run.now, zone)
    found, busy = Missing(), set[str]()
    for plan in plans:
        due = _due(plan.jobs)
        left_alone = {question for question in due if Known(rests=rests).rest_of(question)}
        left_alone |= {question for job in plan.jobs for question in job.needs.resting}
        order = _in_order(run, plan, left_alone)
        busy |= {question.system_id for question in order}
        found.resting += len(left_alone)
        found.unknown |= {question.system_id for job in plan.jobs for question in job.missing}
        found.gaps += [*_unbuilt(run, plan), *_gaps(run, due, order)]
    found.inventory = InventoryStep(run, fleet, rests).due(busy | found.unknown)
    return found


def _in_order(run: Run, plan: Plan, left_alone: Collection[Question]) -> dict[Question, Worth]:
    """The questions of one phase that are worth a call, best first, and why they come when they do."""
    parts = {question: part for job in plan.jobs for question, part in job.needs.due.items()}
    retention = Retention(plan.fleet.systems, plan.knowledge.lit, plan.knowledge.answers, run.now, parts)
    passed_over, expiring = {*left_alone, *retention.forgotten()}, {key[:2] for key in retention.borders}
    probes = (probe for probe in retention.probes() if probe in parts)
    order: dict[Question, Worth] = dict.fromkeys(probes, Worth.MEMORY)
    for question in by_worth([job.needs for job in plan.jobs], run.newest, expiring):
        reason = Worth.NEWEST if question.period.grain is Grain.DAY else Worth.COARSE
        if (question.endpoint, question.level) in expiring:
            reason = Worth.EXPIRING
        order.setdefault(question, reason)
    return {
        question: reason
        for question, reason in order.items()
        if question not in passed_over and _is_history(run, *parts[question])
    }


def _is_history(run: Run, part: Part, held: Held) -> bool:
    return run.policy.is_history(part.question, part.system, held)


def _due(jobs: Iterable[Job]) -> dict[Question, list[Table]]:
    """Every question that is due, with the tables it feeds."""
    due: dict[Question, list[Table]] = {}
    for job in jobs:
        for question in job.needs.due:
            due.setdefault(question, []).append(job.needs.table)
    return due


def _gaps(run: Run, due: dict[Question, list[Table]], order: dict[Question, Worth]) -> Iterator[Gap]:
    """The partitions in which something is due, first those that hold what is worth most."""
    partitions = {question: (tuple(tables), question.period) for question, tables in due.items()}
    costs: dict[tuple[tuple[Table, ...], Period], Counter[str]] = {}
    for question, partition in partitions.items():
        costs.setdefault(partition, Counter())[run.account_of(question)] += 1
    reasons: dict[tuple[tuple[Table, ...], Period], Worth] = {}
    for question, reason in order.items():
        reasons.setdefault(partitions[question], reason)
    for partition in dict.fromkeys((*reasons, *costs)):
        yield Gap(*partition, costs[partition], reasons.get(partition))


def _unbuilt(run: Run, plan: Plan) -> Iterator[Gap]:
    """Partitions of which all answers are held and no file is there: a run was killed in between."""
    files: dict[str, set[str]] = {}
    for job in plan.jobs:
        table, period = job.needs.table, job.needs.period
        held = questions_held(table, period, plan.fleet.systems, job.answers)
        if job.needs.due or next(held, None) is None:
            continue
        if table.name not in files:
            files[table.name] = set(run.lake.files(table))
        if run.lake.path(table, (period.key,) if table.partition else ()) not in files[table.name]:
            yield Gap((table,), period, {}, Worth.BUILD)


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
    spared: int = 0
    """Questions that need not be asked: the day was dark, or lies beyond retention."""
    first: str = ""
    last: str = ""
    known: bool = True

    @property
    def buys(self) -> str:
        """What one call brings."""
        source = self.table.source
        of = ENDPOINTS[source.endpoint].device
        whose = f"all panels of an {of.upper()}" if source.endpoint == "inverter_batch" else f"one {of}"
        period = grain_of(self.table)
        return f"{whose}, {'all years' if period == 'lifetime' and source.level else f'one {period}'}"


def planned_calls(inventory: Callable[[], Iterable[Question]], jobs: Iterable[Job]) -> list[PlannedCalls]:
    """Group the questions of a plan; each stands once, with the first table that it feeds.

    `inventory` is asked once the jobs, which are looked at one by one, have told which systems are busy.
    """
    lines: dict[tuple[str, str], PlannedCalls] = {}
    counted: set[Question] = set()
    for job in jobs:
        table = job.needs.table
        for part in job.needs.parts:
            question = part.question
            line = _line(lines, table, question.system_id)
            ask = stand_in(question, part.system) or question
            if question in job.needs.spared:
                line.spared += 1
            elif ask not in job.needs.due:
                line.held += 1
            elif ask not in counted:
                counted.add(ask)
                line.calls += 1
                line.first = min(line.first or question.period.key, question.period.key)
                line.last = max(line.last, question.period.key)
        for question in job.missing:
            _line(lines, table, question.system_id).known = False
    first: dict[tuple[str, str], PlannedCalls] = {}
    for question in inventory():
        table = next(each for each in INVENTORY_TABLES if each.source.endpoint == question.endpoint)
        _line(first, table, question.system_id).calls += 1
    return [*first.values(), *lines.values()]


def _line(lines: dict[tuple[str, str], PlannedCalls], table: Table, system_id: str) -> PlannedCalls:
    return lines.setdefault((table.name, system_id), PlannedCalls(table, system_id))
