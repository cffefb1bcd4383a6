"""The use-cases: collect what is missing, or build everything again without a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from aps_pipeline.ingest import facts, inventory
from aps_pipeline.ingest.claims import claims_of
from aps_pipeline.ingest.covering import coverage_of
from aps_pipeline.ingest.equals import with_equals
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.login import Login, login_of
from aps_pipeline.ingest.missing import Missing, missing_of
from aps_pipeline.ingest.outcomes import PartitionResult, Summary
from aps_pipeline.ingest.partitions import Builder
from aps_pipeline.ingest.planned import PlannedCalls, planned_calls
from aps_pipeline.ingest.planner import Planner, busy_systems
from aps_pipeline.ingest.revisions import compare_revisions
from aps_pipeline.ingest.run import Run, Wanted
from aps_pipeline.ingest.steps import count_partitions, periods_before
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger, Quota
from aps_pipeline.periods import LAST_ZONE, local_day, zone
from aps_pipeline.planning import SERVED, Claim, Covered, System, is_inventory
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

    def _planner(self, run: Run, fleet: Fleet) -> Planner:
        return Planner(run, fleet, self.ledger, self.revision)

    def _steps(self, run: Run, planned: Callable[[int, int], None]) -> Iterator[PartitionResult]:
        fleet = Fleet.load(self.ledger)
        run.builder.reconsider(run.wanted.facts, fleet)
        busy, plans = self._planner(run, fleet).busy_systems()
        first = inventory.InventoryStep(run, fleet, run.rests)
        yield from first.results(busy | _busy_anyway(run.wanted))
        planner = self._planner(run, first.fleet)
        if run.has_asked:  # what is known has changed
            plans.clear()
        steps = [plan.step for plan in plans] or planner.steps()
        for number, step in enumerate(steps):
            if run.has_asked:
                planner.forget()
                plans.clear()
            run.has_asked = False
            plan = plans[number] if plans else planner.plan(step)
            later = sum(count_partitions(run, each) for each in steps[number + 1 :])
            before = sum(1 for _ in periods_before(run, plan.fleet, step))
            planned(
                len(plan.jobs) + before + later,
                len({question for job in plan.jobs for question in job.needs.due}),
            )
            yield from facts.FactsStep(run, plan, first.failures).results()
            del plan  # before the next one is made

    def _compared(self, fleet: Fleet, tables: Iterable[Table], now: datetime) -> Fleet:
        """The fleet with which systems answer for their only ECU, where a table asks ECUs."""
        if any(table.source.endpoint == SERVED for table in tables):
            return with_equals(fleet, self.ledger, self.revision, now)
        return fleet

    def plan(self, wanted: Wanted) -> list[PlannedCalls]:
        """The calls that `collect` would make, by table and system, in its order. Makes none.

        A call that feeds several tables stands with the first. Raises NotConfiguredError, LedgerError.
        """
        run = self._run(wanted)
        fleet = Fleet.load(self.ledger)
        planner, busy = self._planner(run, fleet), _busy_anyway(wanted)

        def jobs() -> Iterator[facts.Job]:
            for plan in planner.plans():
                busy.update(busy_systems(plan))
                yield from plan.jobs

        return planned_calls(lambda: inventory.InventoryStep(run, fleet, run.rests).due(busy), jobs())

    def missing(self, wanted: Wanted) -> Missing:
        """What the history of the wanted facts lacks, best first. Makes no call.

        That is what `collect` would ask, but for what still grows, what the server has forgotten, and what
        failed of late. Raises NotConfiguredError, LedgerError, StorageError.
        """
        run = self._run(replace(wanted, tables=tuple(wanted.facts)))
        fleet = Fleet.load(self.ledger)
        return missing_of(run, self._planner(run, fleet).plans(), fleet, self.logins[0].account.zone)

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
        fleet = self._compared(Fleet.load(self.ledger), tables, self.ledger.now())
        self.ledger.forget_revisions()
        self.ledger.forget_figures()
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

    def claims(self, now: datetime | None = None) -> Sequence[Claim]:
        """What is concluded from answers at `now`, or at the newest call, with its proof. Makes no call.

        Empty before the first call. Raises LedgerError.
        """
        now = now or self.ledger.newest_sent()
        zone_of_quota = self.logins[0].account.zone if self.logins else zone(LAST_ZONE)
        return claims_of(self.ledger, now, self.revision, zone_of_quota) if now else []

    def compare_revisions(self) -> int:
        """Compare answers with those before them, where that is not done; return how many. Makes no call."""
        return compare_revisions(self.ledger, Fleet.load(self.ledger), self.revision)

    def refresh_range(self) -> tuple[date, date]:
        """The days whose answers may still change: up to the last that is over for every system."""
        zones = {system.zone for system in Fleet.load(self.ledger).systems.values()} or {zone(LAST_ZONE)}
        yesterday = min(local_day(self.ledger.now(), each) for each in zones) - timedelta(days=1)
        return yesterday - self.revision, yesterday


def _busy_anyway(wanted: Wanted) -> set[str]:
    """The systems whose inventory is brought up to date whatever else is missing."""
    return set(wanted.system_ids) if wanted.recheck else set()
