"""The second step of a run: ask what is missing, and build each partition once its requests have ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aps_pipeline.ingest.answer_rows import context_of_call
from aps_pipeline.ingest.ecu_equivalence import EquivalenceProbe
from aps_pipeline.ingest.fetch import CallOutcome, PendingRequest
from aps_pipeline.ingest.journal import NewAnswer
from aps_pipeline.ingest.plan import Job, StepPlan, periods_before
from aps_pipeline.ingest.results import Failure, PartitionResult
from aps_pipeline.ingest.run import Run
from aps_pipeline.parse import parse_data
from aps_pipeline.planning import (
    RequestPart,
    Retention,
    SkipReason,
    by_priority,
)
from aps_pipeline.request import Request, get_newest
from aps_pipeline.tables import FETCHED


class FactsStep:
    """Asks and builds the partitions of one phase of the fact tables."""

    def __init__(self, run: Run, plan: StepPlan, unanswered: dict[Request, Failure]) -> None:
        self._run, self._fleet, self._unanswered, self._jobs = run, plan.fleet, unanswered, plan.jobs
        self._context, self._step = plan.context, plan.step
        self._due = {request: due for job in plan.jobs for request, due in job.plan.due.items()}
        self._waiting_for: dict[Request, list[Job]] = {}
        for job in plan.jobs:
            for request in job.plan.due:  # all pending, in an order that each run has
                self._waiting_for.setdefault(request, []).append(job)
        self._answers: dict[Request, tuple[bool, int]] = {}
        """Of each request that was just answered: whether with data, and the call."""
        self._calls_made: dict[Request, int] = {}
        """The newest good call of this run for each request."""

    def results(self) -> Iterator[PartitionResult]:
        """Yield each partition as soon as its requests have ended: first those that need no call."""
        yield from self._before_all_systems()
        if not self._due:
            yield from (self._finish_partition(job) for job in self._jobs if not job.pending)
            return
        self._hold_back()
        yield from (
            self._finish_partition(job) for job in self._jobs if not job.pending and not job.is_held_back
        )
        retention = self._retention()
        if not self._run.policy.again:
            yield from self._probe_equivalence()
            retention = self._retention()
        yield from self._find_borders(retention)
        left = [job.plan for job in self._jobs if job.pending]
        expiring = {key[:2] for key in retention.borders}
        requests = by_priority(left, self._run.newest, expiring)
        yield from self._ask([q for q in requests if q in self._waiting_for])

    def _before_all_systems(self) -> Iterator[PartitionResult]:
        """List the wanted partitions in which no system was there: they need no plan."""
        for table, period in periods_before(self._run, self._fleet, self._step):
            yield PartitionResult(table, period, None)

    def _retention(self) -> Retention:
        return self._context.get_retention(self._waiting_for, self._run.now)

    def _hold_back(self) -> None:
        """Let jobs wait whose "no data" may be asked again while a border is drawn."""
        sources = self._retention().sources_with_due
        for job in self._jobs:
            job.is_held_back = any(
                (q.endpoint, q.level, q.system_id) in sources for q in (p.request for p in job.plan.parts)
            )

    def _find_borders(self, retention: Retention) -> Iterator[PartitionResult]:
        """Ask where the server's memory ends, each border twice, and leave out what lies beyond.

        Unless everything is to be asked again, whatever is concluded.
        """
        is_concluding = not self._run.policy.again
        while is_concluding and (probe := retention.next_probe(self._run.can_ask)) is not None:
            self._settle(self._run.ask([self._ask_of(probe)], self._judge))
            retention.take_answer(probe, self._answers.pop(probe, None))
        held_back = [job for job in self._jobs if job.is_held_back]
        for job in held_back:
            job.is_held_back = False
        yield from (self._finish_partition(job) for job in held_back if not job.pending)
        if is_concluding:
            yield from self._skip(retention.forgotten())

    def _ask_of(self, request: Request) -> PendingRequest:
        """Make the pending request: one that is due, or one that is made again although it has an answer."""
        if request not in self._due:
            system = self._fleet.systems[request.system_id]
            self._due[request] = (RequestPart(request, system), self._context.answers.entry_of(request))
        newest = self._due[request][1].newest
        return PendingRequest(request, get_newest(newest, self._calls_made.get(request)))

    def _settle(self, results: Iterable[CallOutcome]) -> None:
        """Take the ends of probes; what they complete is built later."""
        for result in results:
            jobs = self._waiting_for.pop(result.request, None) or self._jobs_of(result.request)
            for position, job in enumerate(jobs):
                job.settle(result, counts=position == 0)

    def _jobs_of(self, request: Request) -> list[Job]:
        return [
            job
            for job in self._jobs
            if job.plan.table.source.kind == request.kind and job.plan.period == request.period
        ]

    def _probe_equivalence(self) -> Iterator[PartitionResult]:
        """Ask a few pairs of a system and its only ECU; where they are equal, the system's answers serve."""
        run = self._run
        comparison = EquivalenceProbe(self._fleet, run.ledger, self._context.evidence, run.policy)
        while pairs := comparison.next_pairs(q for q in self._waiting_for if run.can_ask(q.system_id)):
            yield from self._ask(pairs)
            comparison.read_pairs()
        self._fleet = comparison.fleet
        for ecu, system in comparison.find_served(self._waiting_for):
            yield from self._serve_from_system(ecu, system)

    def _serve_from_system(self, ecu: Request, system: Request) -> Iterator[PartitionResult]:
        """Let jobs wait for the answer of the system instead of that of its ECU."""
        for job in self._waiting_for.pop(ecu):
            job.pending.discard(ecu)
            if system in self._waiting_for:
                job.pending.add(system)
                self._waiting_for[system].append(job)
            elif not job.pending and not job.is_held_back:
                yield self._finish_partition(job)

    def _ask(self, requests: list[Request]) -> Iterator[PartitionResult]:
        asks = [self._ask_of(request) for request in requests]
        for result in self._run.ask(asks, self._judge):
            for position, job in enumerate(self._waiting_for.pop(result.request)):
                job.settle(result, counts=position == 0)
                if not job.pending and not job.is_held_back:
                    yield self._finish_partition(job)

    def _skip(self, requests: Iterable[Request]) -> Iterator[PartitionResult]:
        for request in requests:
            for job in self._waiting_for.pop(request, []):
                job.pending.discard(request)
                job.skip_reasons.append(SkipReason.FORGOTTEN)
                if not job.pending and not job.is_held_back:
                    yield self._finish_partition(job)

    def _judge(self, request: Request, answer: NewAnswer) -> None:
        system, call_id = self._due[request][0].system, answer.call_id
        context = context_of_call(request, system, call_id, answer.sent_utc, self._run.revision_window)
        for table in FETCHED:
            if table.source.kind == request.kind:
                parsed = parse_data(table, answer.data, context)
                self._run.drift_log.find_unknown_inverters(system, call_id, parsed.rows)
                if table in self._step.tables:
                    self._run.builder.parsed.keep(table, context, parsed)
        self._run.drift_log.find_unknown_fields(request, call_id, answer.data)
        self._answers[request] = (answer.data is not None, call_id)
        self._calls_made[request] = call_id

    def _finish_partition(self, job: Job) -> PartitionResult:
        failures = [*job.failures, *(self._unanswered[q] for q in job.missing if q in self._unanswered)]
        waiting = [*job.waiting, *(request for request in job.missing if request not in self._unanswered)]
        table, period = job.plan.table, job.plan.period
        result = PartitionResult(
            table,
            period,
            None,
            job.calls,
            asked=len(job.plan.parts) + len(job.missing),
            waiting=len(waiting),
            skipped=tuple(job.skip_reasons),
            failures=tuple(failures),
        )
        if waiting and not table.is_snapshot and not self._is_whole_for_one(job, waiting):
            return result  # half of its calls are no partition yet
        builder = self._run.builder
        built = None
        if not job.is_touched:  # it stays as it is, or there is nothing to build it from
            built = builder.find_current(table, period, self._fleet, job.answers)
        built = built or builder.build(table, period, self._fleet)
        return built.add_to(result)

    def _is_whole_for_one(self, job: Job, waiting: list[Request]) -> bool:
        """Tell whether some account has no request waiting: what it has paid for is built meanwhile."""
        accounts = self._run.accounts_of(part.request for part in job.plan.parts)
        return not accounts <= self._run.accounts_of(waiting)
