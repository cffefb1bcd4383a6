"""The use-cases: collect what is missing, or build everything again without a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from aps_pipeline.ingest import facts, inventory
from aps_pipeline.ingest.covering import coverage_of
from aps_pipeline.ingest.equals import with_equals
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.knowledge import knowledge_of
from aps_pipeline.ingest.login import Login, login_of
from aps_pipeline.ingest.missing import Missing, missing_of
from aps_pipeline.ingest.outcomes import PartitionResult, Summary
from aps_pipeline.ingest.partitions import Builder
from aps_pipeline.ingest.planned import PlannedCalls, planned_calls
from aps_pipeline.ingest.revisions import compare_revisions
from aps_pipeline.ingest.run import Run, Wanted
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger, Quota
from aps_pipeline.periods import LAST_ZONE, local_day, zone
from aps_pipeline.planning import SERVED, Covered, System, is_inventory, phases
from aps_pipeline.tables import FETCHED, Table


def nobody(_partitions: int, _calls: int) -> None:
    """Where nobody wants to know how much work there is."""


@dataclass(frozen=True)
class Pipeline:
    """Ledger, lake and accounts of one user, and how to reach the API when a call is made."""

    ledger: Ledger
    lake: Lake
    logins: tuple[Login, ...]
    revision: timedelta = timedelta(days=5)
    threads: int = 4

    @property
    def system_ids(self) -> tuple[str, ...]:
        """The configured systems."""
        return tuple(system_id for login in self.logins for system_id in login.system_ids)

    def login_of(self, system_id: str) -> Login:
        """The login that a system belongs to. Raises NotConfiguredError."""
        return login_of(self.logins, system_id)

    def quotas(self) -> dict[str, Quota]:
        """Where each account stands, by its name, in order. Raises LedgerError."""
        return {login.name: self.ledger.quota(login.account) for login in self.logins}

    def collect(
        self, wanted: Wanted, summary: Summary, planned: Callable[[int, int], None] = nobody
    ) -> Iterator[PartitionResult]:
        """Make the calls that are missing and build each partition once its calls have ended.

        Counts into `summary`, whose `stops` say why calls ended early; `planned` is told the partitions and
        calls ahead. A partition of which some questions were not asked stays as it was. Raises
        NotConfiguredError, LedgerError, StorageError, but nothing that a single call met.
        """
        self.ledger.settle()
        self.lake.clean()
        run = self._run(wanted)
        try:
            for result in self._steps(run, planned):
                summary.add(result)
                yield result
        finally:
            run.close()
            summary.stops = list(dict.fromkeys((*summary.stops, *run.stops)))
            summary.notes = list(dict.fromkeys((*summary.notes, *run.notes)))
            summary.news += run.news.fresh

    def _run(self, wanted: Wanted) -> Run:
        return Run(self.ledger, self.lake, self.logins, wanted, self.revision, self.threads)

    def _steps(self, run: Run, planned: Callable[[int, int], None]) -> Iterator[PartitionResult]:
        fleet = Fleet.load(self.ledger)
        run.builder.reconsider(run.wanted.facts, fleet)
        plans = list(self._plans(run, fleet))
        first = inventory.InventoryStep(run, fleet)
        yield from first.results(_busy_systems((job for plan in plans for job in plan.jobs), run.wanted))
        for number, planned_before in enumerate(plans):
            plan = planned_before
            if run.has_asked:  # what is known has changed
                plan = self._plan(run, first.fleet, plan.tables)
            partitions = sum(len(each.jobs) for each in (plan, *plans[number + 1 :]))
            planned(partitions, len({question for job in plan.jobs for question in job.needs.due}))
            yield from facts.FactsStep(run, plan, first.failures).results()

    def _plans(self, run: Run, fleet: Fleet) -> Iterator[facts.Plan]:
        """The phases of a run, as far as can be said before it begins."""
        return (self._plan(run, fleet, tables) for tables in phases(run.wanted.facts))

    def _plan(self, run: Run, fleet: Fleet, tables: list[Table]) -> facts.Plan:
        fleet = self._compared(fleet, tables)
        knowledge = knowledge_of(self.ledger, fleet.systems, tables, self.revision)
        return facts.Plan(tables, fleet, knowledge, facts.jobs_of(run, fleet, tables, knowledge))

    def _compared(self, fleet: Fleet, tables: Iterable[Table]) -> Fleet:
        """The fleet with which systems answer for their only ECU, where a table asks ECUs."""
        if any(table.source.endpoint == SERVED for table in tables):
            return with_equals(fleet, self.ledger, self.revision)
        return fleet

    def plan(self, wanted: Wanted) -> list[PlannedCalls]:
        """The calls that `collect` would make, by table and system, in its order. Makes none.

        A call that feeds several tables stands with the first. Raises NotConfiguredError, LedgerError.
        """
        run = self._run(wanted)
        fleet = Fleet.load(self.ledger)
        jobs = [job for plan in self._plans(run, fleet) for job in plan.jobs]
        asks = inventory.InventoryStep(run, fleet).due(_busy_systems(jobs, wanted))
        return planned_calls(asks, jobs)

    def missing(self, wanted: Wanted) -> Missing:
        """What the history of the wanted facts lacks, best first. Makes no call.

        That is what `collect` would ask, but for what still grows, what the server has forgotten, and what
        failed of late. Raises NotConfiguredError, LedgerError, StorageError.
        """
        run = self._run(replace(wanted, tables=tuple(wanted.facts)))
        fleet = Fleet.load(self.ledger)
        return missing_of(run, self._plans(run, fleet), fleet, self.logins[0].account.zone)

    def systems_of(self, login: Login) -> list[System]:
        """The systems of an account of which something is known."""
        known = Fleet.load(self.ledger).systems
        return [known[system_id] for system_id in login.system_ids if system_id in known]

    def rebuild(self, summary: Summary, tables: Iterable[Table] = FETCHED) -> Iterator[PartitionResult]:
        """Write every partition again that the ledger has answers for. Makes no call.

        Comparisons of answers are forgotten, for they too come from the bodies: see `compare_revisions`.
        """
        self.ledger.settle()
        tables = list(tables)
        fleet = self._compared(Fleet.load(self.ledger), tables)
        self.ledger.forget_revisions()
        builder = Builder(self.ledger, self.lake, self.revision)
        builder.reconsider([table for table in tables if not is_inventory(table)], fleet)
        for table in tables:
            results = [inventory.rebuilt(builder, table, fleet)] if is_inventory(table) else None
            for result in results or facts.rebuilt(builder, table, fleet):
                summary.add(result)
                yield result

    def coverage(self, now: datetime | None = None) -> Sequence[Covered]:
        """One state for every period of every table, as of `now`, or of the newest call. Makes no call.

        Empty before the first call. Raises LedgerError.
        """
        now = now or self.ledger.newest_sent()
        return coverage_of(self.ledger, now, self.revision) if now else []

    def compare_revisions(self) -> int:
        """Compare answers with those before them, where that is not done; return how many. Makes no call."""
        return compare_revisions(self.ledger, Fleet.load(self.ledger), self.revision)

    def refresh_range(self) -> tuple[date, date]:
        """The days whose answers may still change: up to the last that is over for every system."""
        zones = {system.zone for system in Fleet.load(self.ledger).systems.values()} or {zone(LAST_ZONE)}
        yesterday = min(local_day(self.ledger.now(), each) for each in zones) - timedelta(days=1)
        return yesterday - self.revision, yesterday


def _busy_systems(jobs: Iterable[facts.Job], wanted: Wanted) -> set[str]:
    due = {question.system_id for job in jobs for question in (*job.needs.due, *job.missing)}
    return due | (set(wanted.system_ids) if wanted.revise else set())
