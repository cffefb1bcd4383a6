"""The first step of a run: know the fleet, at no more than three calls a system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.ingest.calls import Ask
from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.history import inventory_endpoints
from aps_pipeline.ingest.outcomes import Failure, PartitionResult, UnknownSystemError
from aps_pipeline.ingest.partitions import Builder
from aps_pipeline.ingest.run import Run
from aps_pipeline.parse import INVENTORY_PARSERS, opened
from aps_pipeline.periods import LAST_ZONE, LIFETIME, local_day, zone
from aps_pipeline.planning import Rest, is_inventory, last_turn, request_key
from aps_pipeline.question import Question
from aps_pipeline.tables import FETCHED, Table

DEVICE_ENDPOINTS = {
    "system": ("system_details",),
    "ecu": ("system_details", "system_inverters"),
    "inverter": ("system_details", "system_inverters"),
    "meter": ("system_details", "system_meters"),
}
"""The inventory answers without which a table's questions are not known, by the device it is about."""

INVENTORY_TABLES = tuple(table for table in FETCHED if is_inventory(table))


class InventoryStep:
    """Asks what is due of the inventory; afterwards `fleet` and `failures` say what is known."""

    def __init__(self, run: Run, fleet: Fleet, rests: Mapping[tuple[str, ...], Rest]) -> None:
        self._run = run
        self.fleet, self.rests = fleet, rests
        self.failures: dict[Question, Failure] = {}
        self._calls: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    def results(self, busy_systems: set[str]) -> Iterator[PartitionResult]:
        """Ask, and build the tables that were wanted or have changed.

        `busy_systems` have calls to make anyway, so their inventory is brought up to date first.
        """
        due = self.due(busy_systems)
        if due:
            self._ask(due)
            self.fleet = Fleet.load(self._run.ledger)
        asked = {question.endpoint for question in due}
        for table in INVENTORY_TABLES:
            if table in self._run.wanted.inventory or asked & {*inventory_endpoints(table)}:
                yield self._result(table)
        needed = self._needed_endpoints()
        self._run.remarks += [
            f"{question}: {failure.message}; no wanted table needs it"
            for question, failure in self.failures.items()
            if question.endpoint not in needed
        ]

    def _needed_endpoints(self) -> set[str]:
        """The endpoints whose answers the wanted tables are made from, or list their requests."""
        wanted = self._run.wanted
        needed = wanted.inventory_endpoints
        for table in wanted.facts:
            needed |= {*DEVICE_ENDPOINTS[ENDPOINTS[table.source.endpoint].device]}
        return needed

    def due(self, busy_systems: set[str]) -> list[Question]:
        """The inventory questions to be asked: what is stale, and with `again` what the user names."""
        wanted, unknown = self._run.wanted, self._run.news.inverters_named_by
        named_endpoints = wanted.inventory_endpoints

        def is_due(question: Question) -> bool:
            if wanted.again and question.endpoint in named_endpoints:
                return True
            named_by = unknown.get(question.system_id, 0) if question.system_id in busy_systems else 0
            stale = is_stale(question, self.fleet, self._run.now, named_by)
            return stale and not self._rests(question)

        return [question for question in self._questions(busy_systems) if is_due(question)]

    def _rests(self, question: Question) -> bool:
        """Whether it was denied or refused of late; then that is its failure in this run."""
        rest = self.rests.get(request_key(question)) or self.rests.get(
            (question.endpoint, question.system_id)
        )
        newest = self.fleet.newest(question)
        if rest is None or (newest is not None and newest.call_id > rest.call_id):
            return False
        if newest is None:
            self.failures[question] = Failure.of_rest(question, rest)
        return True

    def _questions(self, busy_systems: set[str]) -> list[Question]:
        """What could be asked: everything of busy systems, of the others what a wanted table shows."""
        wanted = self._run.wanted.inventory_endpoints
        return [
            Question(endpoint, "", system_id)
            for system_id in self._run.wanted.system_ids
            for endpoint in INVENTORY_PARSERS
            if system_id in busy_systems or endpoint in wanted
        ]

    def _ask(self, due: list[Question]) -> None:
        newest = ((question, self.fleet.newest(question)) for question in due)
        asks = [Ask(question, seen.call_id if seen else 0) for question, seen in newest]
        for result in self._run.ask(asks, self._judge):
            self._calls[result.question.endpoint] += result.calls
            if result.failure:
                self.failures[result.question] = result.failure
            elif not result.is_good:
                self._waiting[result.question.endpoint] += 1

    def _judge(self, question: Question, body: str, call_id: int) -> None:
        data = opened(body)
        if data is not None:
            INVENTORY_PARSERS[question.endpoint](data, question.system_id)
            self._run.news.read(question, call_id, data)
        elif question.endpoint == "system_details":
            raise UnknownSystemError(f"the API has no data of {question.system_id}: check APS_SYSTEM_IDS")

    def _result(self, table: Table) -> PartitionResult:
        endpoint = table.source.endpoint
        first = next(each for each in INVENTORY_TABLES if each.source.endpoint == endpoint)
        built, needed = self._run.builder.build_inventory(table, self.fleet), self._needed_endpoints()
        return PartitionResult(
            table,
            LIFETIME,
            built.rows,
            calls=self._calls[endpoint] if table is first else 0,  # one call serves several tables
            asked=len(self._run.wanted.system_ids),
            waiting=self._waiting[endpoint],
            failures=(
                *(f for q, f in self.failures.items() if q.endpoint == endpoint and endpoint in needed),
                *built.failures,
            ),
        )


def rebuilt(builder: Builder, table: Table, fleet: Fleet) -> PartitionResult:
    """An inventory table written again from the ledger, without a call."""
    built = builder.build_inventory(table, fleet, force=True)
    return PartitionResult(table, LIFETIME, built.rows, failures=built.failures)


def unknown_inventory(table: Table, system_id: str, fleet: Fleet) -> list[Question]:
    """The inventory questions that must be answered before those of a table can be listed."""
    kind = ENDPOINTS[table.source.endpoint].device
    wanted = [Question(endpoint, "", system_id) for endpoint in DEVICE_ENDPOINTS[kind]]
    return [question for question in wanted if fleet.newest(question) is None]


def is_stale(question: Question, fleet: Fleet, now: datetime, named_by: int) -> bool:
    """Whether an inventory request has no answer, or its weekly turn has come, or unknown names have.

    `named_by` is the last call that first named an inverter which the inventory did not know; 0 for none.
    """
    newest = fleet.newest(question)
    if newest is None:
        return True
    if question.endpoint == "system_inverters" and named_by > newest.call_id:
        return True
    system = fleet.systems.get(question.system_id)
    calendar = system.zone if system is not None else zone(LAST_ZONE)
    return local_day(newest.sent_utc, calendar) < last_turn(question, local_day(now, calendar))
