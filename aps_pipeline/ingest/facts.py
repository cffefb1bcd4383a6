"""The second step of a run: ask what is missing, and build each partition once its questions have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from aps_pipeline.ingest.calls import Ask, Result
from aps_pipeline.ingest.equals import Comparison
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.inventory import unknown_inventory
from aps_pipeline.ingest.knowledge import Knowledge
from aps_pipeline.ingest.outcomes import Failure, PartitionResult
from aps_pipeline.ingest.partitions import Builder, asked_of
from aps_pipeline.ingest.run import Run
from aps_pipeline.ingest.steps import Step, periods_before
from aps_pipeline.parse import opened, rows_of
from aps_pipeline.periods import Period
from aps_pipeline.planning import (
    Answers,
    Needs,
    Part,
    Reason,
    Retention,
    by_worth,
    grain_of,
    kinds_of,
    needs_of,
)
from aps_pipeline.question import Question
from aps_pipeline.tables import FETCHED, Table


@dataclass(slots=True)
class Job:
    """A partition on its way: what it needs, what is still to be asked, and what came of the others."""

    needs: Needs
    answers: Answers
    """What the ledger held at planning time, whichever systems are wanted."""
    missing: list[Question]
    """Inventory questions without whose answers some of its questions are not known."""
    pending: set[Question] = field(default_factory=set)
    calls: int = 0
    is_touched: bool = False
    """Whether an answer may have come since."""
    waiting: list[Question] = field(default_factory=list)
    spared: list[Reason] = field(default_factory=list)
    """Why some of its questions are not asked."""
    is_held_back: bool = False
    """Whether it waits for a border of retention, which may ask one of its questions again."""
    failures: list[Failure] = field(default_factory=list)

    def settle(self, result: Result, *, counts: bool) -> None:
        """Take the end of one question; its calls count for one of the partitions it feeds.

        One that was asked again as a proof has its answer, whatever became of the second one.
        """
        was_pending = result.question in self.pending
        self.pending.discard(result.question)
        self.calls += result.calls if counts else 0
        self.is_touched |= result.is_good or result.calls > 0
        if not was_pending:
            return
        if result.failure:
            self.failures.append(result.failure)
        elif not result.is_good:
            self.waiting.append(result.question)


@dataclass(frozen=True, slots=True)
class Plan:
    """One step of a run: its tables, what is known of them, and their partitions."""

    step: Step
    fleet: Fleet
    knowledge: Knowledge
    jobs: list[Job]


def jobs_of(run: Run, fleet: Fleet, step: Step, knowledge: Knowledge) -> list[Job]:
    """Every wanted partition of a step with what it still needs, from what is known alone."""
    return [job for table in step.tables for job in _jobs_of_table(run, fleet, table, step, knowledge)]


def _jobs_of_table(run: Run, fleet: Fleet, table: Table, step: Step, knowledge: Knowledge) -> Iterator[Job]:
    systems = [fleet.systems[sid] for sid in run.wanted.system_ids if sid in fleet.systems]
    missing = [q for sid in run.wanted.system_ids for q in unknown_inventory(table, sid, fleet)]
    evidence, wanted, earliest = knowledge.evidence, run.wanted, fleet.first_day(run.wanted.system_ids)
    periods = [each for each in run.periods_of(table) if each.last >= earliest and step.holds(each)]
    for needs in needs_of(table, periods, systems, evidence, run.policy, knowledge.known):
        if needs.period.last < wanted.first and not needs.due:
            continue  # a recheck looked here, and found nothing to doubt
        spared = [each.reason for each in needs.spared.values()]
        failures = [Failure.of_rest(question, rest) for question, rest in needs.resting.items()]
        yield Job(needs, evidence.answers, missing, set(needs.due), spared=spared, failures=failures)


class FactsStep:
    """Asks and builds the partitions of one phase of the fact tables."""

    def __init__(self, run: Run, plan: Plan, unanswered: dict[Question, Failure]) -> None:
        self._run, self._fleet, self._unanswered, self._jobs = run, plan.fleet, unanswered, plan.jobs
        self._knowledge, self._step = plan.knowledge, plan.step
        self._due = {question: due for job in plan.jobs for question, due in job.needs.due.items()}
        self._waiting_for: dict[Question, list[Job]] = {}
        for job in plan.jobs:
            for question in job.needs.due:  # all pending, in an order that each run has
                self._waiting_for.setdefault(question, []).append(job)
        self._answers: dict[Question, tuple[bool, int]] = {}
        """Of each question that was just answered: whether with data, and the call."""
        self._calls_made: dict[Question, int] = {}
        """The newest good call of this run for each question."""

    def results(self) -> Iterator[PartitionResult]:
        """Each partition as soon as its questions have ended: first those that need no call."""
        yield from self._before_all_systems()
        if not self._due:
            yield from (self._built(job) for job in self._jobs if not job.pending)
            return
        self._hold_back()
        yield from (self._built(job) for job in self._jobs if not job.pending and not job.is_held_back)
        retention = self._retention()
        if not self._run.policy.again:
            yield from self._compare_ecus()
            retention = self._retention()
        yield from self._find_borders(retention)
        left = [job.needs for job in self._jobs if job.pending]
        expiring = {key[:2] for key in retention.borders}
        questions = by_worth(left, self._run.newest, expiring)
        yield from self._ask([q for q in questions if q in self._waiting_for])

    def _before_all_systems(self) -> Iterator[PartitionResult]:
        """The wanted partitions in which no system was there: they need no plan."""
        for table, period in periods_before(self._run, self._fleet, self._step):
            yield PartitionResult(table, period, None)

    def _retention(self) -> Retention:
        knowledge, run = self._knowledge, self._run
        return Retention(self._fleet.systems, knowledge.lit, knowledge.answers, run.now, self._waiting_for)

    def _hold_back(self) -> None:
        """Let jobs wait whose "no data" may be asked again while a border is drawn."""
        sources = self._retention().sources_with_due
        for job in self._jobs:
            job.is_held_back = any(
                (q.endpoint, q.level, q.system_id) in sources for q in (p.question for p in job.needs.parts)
            )

    def _find_borders(self, retention: Retention) -> Iterator[PartitionResult]:
        """Ask where the server's memory ends, each border twice, and leave out what lies beyond.

        Unless everything is to be asked again, whatever is concluded.
        """
        is_concluding = not self._run.policy.again
        while is_concluding and (probe := retention.next_probe(self._run.can_ask)) is not None:
            self._settle(self._run.ask([self._ask_of(probe)], self._judge))
            has_data, call_id = self._answers.pop(probe, (None, 0))
            retention.told(probe, has_data, call_id)
        held_back = [job for job in self._jobs if job.is_held_back]
        for job in held_back:
            job.is_held_back = False
        yield from (self._built(job) for job in held_back if not job.pending)
        if is_concluding:
            yield from self._spared(retention.forgotten())

    def _ask_of(self, question: Question) -> Ask:
        """The ask of a question that is due, or that is asked again although it has an answer."""
        if question not in self._due:
            system = self._fleet.systems[question.system_id]
            self._due[question] = (Part(question, system), self._knowledge.answers.of(question))
        newest = self._due[question][1].newest
        return Ask(question, max(newest, self._calls_made.get(question, 0)))

    def _settle(self, results: Iterable[Result]) -> None:
        """Take the ends of probes; what they complete is built later."""
        for result in results:
            jobs = self._waiting_for.pop(result.question, None) or self._jobs_of(result.question)
            for position, job in enumerate(jobs):
                job.settle(result, counts=position == 0)

    def _jobs_of(self, question: Question) -> list[Job]:
        return [
            job
            for job in self._jobs
            if job.needs.table.source.kind == question.kind and job.needs.period == question.period
        ]

    def _compare_ecus(self) -> Iterator[PartitionResult]:
        """Ask a few pairs of a system and its only ECU; where they are equal, the system's answers serve."""
        run = self._run
        comparison = Comparison(self._fleet, run.ledger, self._knowledge.evidence, run.policy)
        while pairs := comparison.next_pairs(q for q in self._waiting_for if run.can_ask(q.system_id)):
            yield from self._ask(pairs)
            comparison.asked()
        self._fleet = comparison.fleet
        for ecu, system in comparison.served(self._waiting_for):
            yield from self._served(ecu, system)

    def _served(self, ecu: Question, system: Question) -> Iterator[PartitionResult]:
        """Let jobs wait for the answer of the system instead of that of its ECU."""
        for job in self._waiting_for.pop(ecu):
            job.pending.discard(ecu)
            if system in self._waiting_for:
                job.pending.add(system)
                self._waiting_for[system].append(job)
            elif not job.pending and not job.is_held_back:
                yield self._built(job)

    def _ask(self, questions: list[Question]) -> Iterator[PartitionResult]:
        asks = [self._ask_of(question) for question in questions]
        for result in self._run.ask(asks, self._judge):
            for position, job in enumerate(self._waiting_for.pop(result.question)):
                job.settle(result, counts=position == 0)
                if not job.pending and not job.is_held_back:
                    yield self._built(job)

    def _spared(self, questions: Iterable[Question]) -> Iterator[PartitionResult]:
        for question in questions:
            for job in self._waiting_for.pop(question, []):
                job.pending.discard(question)
                job.spared.append(Reason.FORGOTTEN)
                if not job.pending and not job.is_held_back:
                    yield self._built(job)

    def _judge(self, question: Question, body: str, call_id: int) -> None:
        system = self._due[question][0].system
        sent = self._run.ledger.sent(call_id)  # as when it is built: midnight may pass meanwhile
        asked = asked_of(question, system, call_id, sent, self._run.revision)
        data = opened(body)
        for table in FETCHED:
            if table.source.kind == question.kind:
                self._run.news.listen(system, call_id, rows_of(table, data, asked).rows)
        self._run.news.read(question, call_id, data)
        self._answers[question] = (data is not None, call_id)
        self._calls_made[question] = call_id

    def _built(self, job: Job) -> PartitionResult:
        failures = [*job.failures, *(self._unanswered[q] for q in job.missing if q in self._unanswered)]
        waiting = [*job.waiting, *(question for question in job.missing if question not in self._unanswered)]
        table, period = job.needs.table, job.needs.period
        result = PartitionResult(
            table,
            period,
            None,
            job.calls,
            asked=len(job.needs.parts) + len(job.missing),
            waiting=len(waiting),
            spared=tuple(job.spared),
            failures=tuple(failures),
        )
        if waiting and not table.is_snapshot and not self._is_whole_for_one(job, waiting):
            return result  # half of its calls are no partition yet
        builder = self._run.builder
        built = None
        if not job.is_touched:  # it stays as it is, or there is nothing to build it from
            built = builder.current(table, period, self._fleet, job.answers)
        built = built or builder.build(table, period, self._fleet)
        return replace(
            result,
            rows=built.rows,
            no_data=built.no_data,
            rejected=built.rejected,
            items=built.items,
            failures=(*failures, *built.failures),
        )

    def _is_whole_for_one(self, job: Job, waiting: list[Question]) -> bool:
        """Whether some account has no question waiting: what it has paid for is built meanwhile."""
        accounts = self._run.accounts_of(part.question for part in job.needs.parts)
        return not accounts <= self._run.accounts_of(waiting)


def rebuilt(builder: Builder, table: Table, fleet: Fleet) -> Iterator[PartitionResult]:
    """Every partition of a table that the ledger has answers for, written again without a call."""
    kinds = kinds_of(table, fleet.systems.values())
    held = [key for kind in kinds for (_, _, key), each in builder.ledger.held(*kind).items() if each.good]
    found = Counter(held) | Counter(builder.lost.periods(kinds))
    for key, asked in sorted(found.items()):
        period = Period.parse(grain_of(table), key)
        built = builder.build(table, period, fleet, force=True)
        yield PartitionResult(
            table,
            period,
            built.rows,
            asked=asked,
            no_data=built.no_data,
            rejected=built.rejected,
            items=built.items,
            failures=built.failures,
        )
