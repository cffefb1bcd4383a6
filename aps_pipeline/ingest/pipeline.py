"""The use-cases: collect what is missing, or build everything again without a call."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from aps_pipeline.ingest import facts, inventory
from aps_pipeline.ingest.accounts import ApiAccount, account_of
from aps_pipeline.ingest.answer_diffs import refresh_diffs
from aps_pipeline.ingest.build import PartitionBuilder
from aps_pipeline.ingest.coverage import (
    MissingHistory,
    PlannedCalls,
    count_planned_calls,
    find_missing,
    get_claims,
)
from aps_pipeline.ingest.coverage_spans import get_coverage
from aps_pipeline.ingest.ecu_equivalence import with_equivalence
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.plan import Job, Planner, StepPlan, busy_systems, count_partitions, periods_before
from aps_pipeline.ingest.rebuild import TableRebuilder
from aps_pipeline.ingest.repair import reread_refused
from aps_pipeline.ingest.results import PartitionResult, Summary
from aps_pipeline.ingest.run import Run, Wanted
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger, Quota
from aps_pipeline.periods import LAST_ZONE, local_day, zone
from aps_pipeline.planning import SERVED, Claim, CoverageSpan, KnownCoverage, System, is_inventory
from aps_pipeline.tables import FETCHED, Table


def ignore_totals(_partitions: int, _calls: int) -> None:
    """Where nobody wants to know how much work there is."""


@dataclass(frozen=True)
class Pipeline:
    """Ledger, lake and accounts of one user, and how to reach the API when a call is made."""

    ledger: Ledger
    lake: Lake
    accounts: tuple[ApiAccount, ...]
    revision_window: timedelta = timedelta(days=5)
    threads: int = 4

    @property
    def system_ids(self) -> tuple[str, ...]:
        """The configured systems."""
        return tuple(system_id for account in self.accounts for system_id in account.system_ids)

    def account_of(self, system_id: str) -> ApiAccount:
        """Find the account that a system belongs to. Raises NotConfiguredError."""
        return account_of(self.accounts, system_id)

    def quotas(self) -> dict[str, Quota]:
        """Get where each account stands, by its name, in order. Raises LedgerError."""
        return {account.name: self.ledger.get_quota(account.quota_account) for account in self.accounts}

    def collect(
        self, wanted: Wanted, summary: Summary, planned: Callable[[int, int], None] = ignore_totals
    ) -> Iterator[PartitionResult]:
        """Make the calls that are missing and build each partition once its calls have ended.

        Counts into `summary`, whose `stops` say why calls ended early; `planned` is told the partitions and
        calls ahead. A partition stays as it was while some of its requests are not made. Raises
        NotConfiguredError, LedgerError, StorageError, but nothing that a single call met.
        """
        self.ledger.close_lost_calls()
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
            summary.new_events += run.drift_log.new_events

    def _run(self, wanted: Wanted) -> Run:
        return Run(self.ledger, self.lake, self.accounts, wanted, self.revision_window, self.threads)

    def _planner(self, run: Run, fleet: KnownFleet) -> Planner:
        return Planner(run, fleet, self.ledger, self.revision_window)

    def _steps(self, run: Run, planned: Callable[[int, int], None]) -> Iterator[PartitionResult]:
        fleet = KnownFleet.load(self.ledger)
        reread_refused(run.builder, run.wanted.facts, fleet)
        busy, plans = _busy_anyway(run.wanted), list[StepPlan]()
        if not busy.issuperset(run.wanted.system_ids):
            busy, plans = self._planner(run, fleet).busy_systems()
        first = inventory.InventoryStep(run, fleet, run.rests)
        yield from first.results(busy)
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
                len({request for job in plan.jobs for request in job.plan.due}),
            )
            yield from facts.FactsStep(run, plan, first.failures).results()
            del plan  # before the next one is made

    def _with_equivalence(self, fleet: KnownFleet, tables: Iterable[Table], now: datetime) -> KnownFleet:
        """Return the fleet with the systems that answer for their only ECU, where a table asks ECUs."""
        if any(table.source.endpoint == SERVED for table in tables):
            return with_equivalence(fleet, self.ledger, self.revision_window, now)
        return fleet

    def plan(self, wanted: Wanted) -> list[PlannedCalls]:
        """List the calls that `collect` would make, by table and system, in its order. Makes none.

        A call that feeds several tables stands with the first. Raises NotConfiguredError, LedgerError.
        """
        run = self._run(wanted)
        fleet = KnownFleet.load(self.ledger)
        planner, busy = self._planner(run, fleet), _busy_anyway(wanted)

        def jobs() -> Iterator[Job]:
            for plan in planner.plans():
                busy.update(busy_systems(plan))
                yield from plan.jobs

        return count_planned_calls(lambda: inventory.InventoryStep(run, fleet, run.rests).due(busy), jobs())

    def missing(self, wanted: Wanted) -> MissingHistory:
        """List what the history of the wanted facts lacks, best first. Makes no call.

        That is what `collect` would ask, without what still grows, what the server has forgotten, and what
        failed of late. Raises NotConfiguredError, LedgerError, StorageError.
        """
        run = self._run(replace(wanted, tables=tuple(wanted.facts)))
        fleet = KnownFleet.load(self.ledger)
        return find_missing(
            run, self._planner(run, fleet).plans(), fleet, self.accounts[0].quota_account.zone
        )

    def systems_of(self, account: ApiAccount) -> list[System]:
        """List the systems of an account that something is known of."""
        known = KnownFleet.load(self.ledger).systems
        return [known[system_id] for system_id in account.system_ids if system_id in known]

    def rebuild(
        self, summary: Summary, tables: Iterable[Table] = FETCHED, processes: int = 1
    ) -> Generator[PartitionResult]:
        """Write every partition again that the ledger has answers for. Makes no call.

        With several `processes` close it, also after an error: they end with it.
        What is derived in the ledger is forgotten, for it too comes from the bodies: see `refresh_diffs`.
        """
        self.ledger.close_lost_calls()
        tables = list(tables)
        self.ledger.forget_derived()
        fleet = self._with_equivalence(KnownFleet.load(self.ledger), tables, self.ledger.now())
        builder = PartitionBuilder(self.ledger, self.lake, self.revision_window)
        reread_refused(builder, [table for table in tables if not is_inventory(table)], fleet)
        with TableRebuilder(builder, fleet, processes) as rebuilder:
            for table in tables:
                results = (
                    [inventory.rebuild_inventory(builder, table, fleet)] if is_inventory(table) else None
                )
                for result in results or rebuilder.results(table):
                    summary.add(result)
                    yield result

    def coverage(
        self, now: datetime | None = None, known: KnownCoverage | None = None
    ) -> Iterator[CoverageSpan]:
        """Compute how the periods of every table stand at `now`, or at the newest call. Makes no call.

        What is `known` from before is taken over where nothing speaks against it. Empty before the first.
        Raises LedgerError.
        """
        now = now or self.ledger.get_newest_time()
        return get_coverage(self.ledger, now, self.revision_window, known) if now else iter(())

    def claims(self, now: datetime | None = None) -> Sequence[Claim]:
        """List what answers prove at `now`, or at the newest call, with the proof. Makes no call.

        Empty before the first call. Raises LedgerError.
        """
        now = now or self.ledger.get_newest_time()
        zone_of_quota = self.accounts[0].quota_account.zone if self.accounts else zone(LAST_ZONE)
        return get_claims(self.ledger, now, self.revision_window, zone_of_quota) if now else []

    def refresh_diffs(self) -> int:
        """Compare answers with those before them, where that is not done; return how many. Makes no call."""
        return refresh_diffs(self.ledger, KnownFleet.load(self.ledger), self.revision_window)

    def refresh_range(self) -> tuple[date, date]:
        """List the days whose answers may still change: up to the last that is over for every system."""
        zones = {system.zone for system in KnownFleet.load(self.ledger).systems.values()} or {zone(LAST_ZONE)}
        yesterday = min(local_day(self.ledger.now(), each) for each in zones) - timedelta(days=1)
        return yesterday - self.revision_window, yesterday


def _busy_anyway(wanted: Wanted) -> set[str]:
    """List the systems whose inventory is brought up to date whatever else is missing."""
    return set(wanted.system_ids) if wanted.recheck else set()
