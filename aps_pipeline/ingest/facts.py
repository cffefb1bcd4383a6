"""The second step of a run: ask what is missing, and build each partition once its questions have ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from aps_pipeline.ingest.calls import Ask, Result
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.needs import Part, grain_of, parts_of, periods_of, unknown_inventory
from aps_pipeline.ingest.outcomes import Failure, PartitionResult
from aps_pipeline.ingest.partitions import Builder, HeldByKey, asked_of
from aps_pipeline.ingest.run import Run
from aps_pipeline.ledger import NOTHING_HELD, Held
from aps_pipeline.parse import opened, rows_of
from aps_pipeline.periods import Period
from aps_pipeline.question import Question
from aps_pipeline.tables import FETCHED, Table


@dataclass(slots=True)
class Job:
    """A partition on its way: its questions, those still to be asked, and what came of the others."""

    table: Table
    period: Period
    parts: list[Part]
    due: dict[Question, tuple[Part, Held]]
    held: HeldByKey
    """What the ledger held of it at planning time, whichever systems are wanted."""
    missing: list[Question]
    """Inventory questions without whose answers some of its questions are not known."""
    pending: set[Question] = field(default_factory=set)
    calls: int = 0
    waiting: int = 0
    failures: list[Failure] = field(default_factory=list)

    def settle(self, result: Result, *, counts: bool) -> None:
        """Take the end of one question; its calls count for one of the partitions it feeds."""
        self.pending.discard(result.question)
        self.calls += result.calls if counts else 0
        if result.failure:
            self.failures.append(result.failure)
        elif not result.is_good:
            self.waiting += 1


def jobs_of(run: Run, fleet: Fleet) -> list[Job]:
    """Every wanted partition with the questions it still needs, from the ledger alone."""
    return [job for table in run.wanted.facts for job in _jobs_of_table(run, fleet, table)]


def _jobs_of_table(run: Run, fleet: Fleet, table: Table) -> Iterator[Job]:
    periods = periods_of(table, run.wanted.first, run.wanted.last)
    span = (periods[0].key, periods[-1].key)
    held = run.ledger.held(table.source.endpoint, table.source.level, span)
    systems = [fleet.systems[sid] for sid in run.wanted.system_ids if sid in fleet.systems]
    missing = [q for sid in run.wanted.system_ids for q in unknown_inventory(table, sid, fleet)]
    by_period: dict[str, dict[tuple[str, str, str], Held]] = {}
    for key, each in held.items():
        by_period.setdefault(key[2], {})[key] = each
    for period in periods:
        parts = parts_of(table, period, systems, run.now)
        due = {}
        for part in parts:
            question = part.question
            known = held.get((question.system_id, question.device_id, period.key), NOTHING_HELD)
            if run.freshness.is_due(part, known):
                due[question] = (part, known)
        yield Job(table, period, parts, due, by_period.get(period.key, {}), missing, set(due))


class FactsStep:
    """Asks and builds the partitions of the fact tables."""

    def __init__(self, run: Run, fleet: Fleet, unanswered: dict[Question, Failure]) -> None:
        self._run, self._fleet, self._unanswered = run, fleet, unanswered
        self._due: dict[Question, tuple[Part, Held]] = {}

    def results(self, jobs: list[Job]) -> Iterator[PartitionResult]:
        """Each partition as soon as its questions have ended: first those that need no call."""
        waiting_for: dict[Question, list[Job]] = {}
        for job in jobs:
            self._due |= job.due
            for question in job.pending:
                waiting_for.setdefault(question, []).append(job)
        yield from (self._built(job) for job in jobs if not job.pending)
        if not self._due:
            return
        asks = [Ask(question, held.newest) for question, (_, held) in self._due.items()]
        for result in self._run.ask(asks, self._judge):
            for position, job in enumerate(waiting_for[result.question]):
                job.settle(result, counts=position == 0)
                if not job.pending:
                    yield self._built(job)

    def _judge(self, question: Question, body: str, call_id: int) -> None:
        system = self._due[question][0].system
        sent = self._run.ledger.sent(call_id)  # as when it is built: midnight may pass meanwhile
        asked = asked_of(question, system, call_id, sent, self._run.revision)
        data = opened(body)
        for table in FETCHED:
            if (table.source.endpoint, table.source.level) == (question.endpoint, question.level):
                self._run.news.listen(system, call_id, rows_of(table, data, asked).rows)
        self._run.news.read(question, call_id, data)

    def _built(self, job: Job) -> PartitionResult:
        failures = [*job.failures, *(self._unanswered[q] for q in job.missing if q in self._unanswered)]
        waiting = job.waiting + sum(question not in self._unanswered for question in job.missing)
        result = PartitionResult(
            job.table,
            job.period,
            None,
            job.calls,
            asked=len(job.parts) + len(job.missing),
            waiting=waiting,
            failures=tuple(failures),
        )
        if waiting and not job.table.is_snapshot:
            return result  # half of its calls are no partition yet
        builder = self._run.builder
        unchanged = None if job.due else builder.current(job.table, job.period, self._fleet, job.held)
        built = unchanged or builder.build(job.table, job.period, self._fleet)
        return replace(
            result,
            rows=built.rows,
            no_data=built.no_data,
            rejected=built.rejected,
            failures=(*failures, *built.failures),
        )


def rebuilt(builder: Builder, table: Table, fleet: Fleet) -> Iterator[PartitionResult]:
    """Every partition of a table that the ledger has answers for, written again without a call."""
    held = builder.ledger.held(table.source.endpoint, table.source.level)
    for key in sorted({key for (_, _, key), each in held.items() if each.good}):
        period = Period.parse(grain_of(table), key)
        built = builder.build(table, period, fleet, force=True)
        yield PartitionResult(
            table,
            period,
            built.rows,
            asked=sum(k == key and bool(each.good) for (_, _, k), each in held.items()),
            no_data=built.no_data,
            rejected=built.rejected,
            failures=built.failures,
        )
