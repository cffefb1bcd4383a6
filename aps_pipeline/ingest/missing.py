"""What a history still lacks, in the order in which it is worth most. Makes no call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from aps_pipeline.ingest.facts import Job, Plan
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.inventory import InventoryStep
from aps_pipeline.ingest.resting import rests_of_failed
from aps_pipeline.ingest.run import Run
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import Gap, Known, Part, Retention, Worth, by_worth, questions_held
from aps_pipeline.question import Held, Question
from aps_pipeline.tables import Table


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
