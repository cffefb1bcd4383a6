"""Plans of the steps of a run, one at a time, from what is known when each begins."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta

from aps_pipeline.ingest.equals import with_equals
from aps_pipeline.ingest.facts import Plan, jobs_of
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.knowledge import Knowledge, knowledge_of
from aps_pipeline.ingest.run import Run
from aps_pipeline.ingest.steps import Step, steps_of
from aps_pipeline.ledger import Ledger
from aps_pipeline.planning import SERVED, Kind
from aps_pipeline.tables import Table


class Planner:
    """Makes the plans of a run. What the ledger knows of tables is read once, and anew after calls.

    Every method raises LedgerError.
    """

    def __init__(self, run: Run, fleet: Fleet, ledger: Ledger, revision: timedelta) -> None:
        self._run, self._fleet, self._ledger, self._revision = run, fleet, ledger, revision
        self._known: tuple[tuple[str, ...], Fleet, Knowledge] | None = None

    def steps(self) -> list[Step]:
        """The steps of the run, in order, as far as can be said by now."""
        return steps_of(self._run, self._fleet, self._forgotten)

    def plans(self) -> Iterator[Plan]:
        """The plan of each step, as if no call were made."""
        return map(self.plan, self.steps())

    def plan(self, step: Step) -> Plan:
        """The plan of one step."""
        fleet, knowledge = self._knowledge(step.tables)
        return Plan(step, fleet, knowledge, jobs_of(self._run, fleet, step, knowledge))

    def forget(self) -> None:
        """Read anew what is known: calls may have been made."""
        self._known = None
        self._fleet = self._fleet.dated(self._ledger)

    def busy_systems(self) -> tuple[set[str], list[Plan]]:
        """The systems that calls are to be made for, and the plans if there are no more than phases."""
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

    def _knowledge(self, tables: list[Table]) -> tuple[Fleet, Knowledge]:
        names = tuple(table.name for table in tables)
        if self._known is None or self._known[0] != names:
            self._known = None  # before the next one is read
            fleet = with_equals_where_served(self._fleet, self._ledger, self._revision, tables, self._run)
            knowledge = knowledge_of(
                self._ledger, fleet.systems, tables, self._revision, self._run.now, self._run.rests
            )
            self._known = names, fleet, knowledge
        return self._known[1:]

    def _forgotten(self, tables: list[Table]) -> Collection[Kind]:
        return {(key[0], key[1]) for key in self._knowledge(tables)[1].known.borders}


def busy_systems(plan: Plan) -> set[str]:
    """The systems that a plan would make calls for."""
    return {question.system_id for job in plan.jobs for question in (*job.needs.due, *job.missing)}


def with_equals_where_served(
    fleet: Fleet, ledger: Ledger, revision: timedelta, tables: Iterable[Table], run: Run
) -> Fleet:
    """The fleet with which systems answer for their only ECU, where a table asks ECUs."""
    is_served = any(table.source.endpoint == SERVED for table in tables)
    return with_equals(fleet, ledger, revision, run.now) if is_served else fleet
