"""The first step of a run: know the fleet, at no more than three calls a system."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.ingest.build import PartitionBuilder
from aps_pipeline.ingest.fetch import PendingRequest
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.inventory_tables import inventory_endpoints
from aps_pipeline.ingest.journal import NewAnswer
from aps_pipeline.ingest.results import Failure, PartitionResult, UnknownSystemError
from aps_pipeline.ingest.run import Run
from aps_pipeline.parse import INVENTORY_PARSERS
from aps_pipeline.periods import LAST_ZONE, LIFETIME, local_day, zone
from aps_pipeline.planning import Rest, is_inventory, last_turn, request_key
from aps_pipeline.request import Request
from aps_pipeline.tables import FETCHED, Table

INVENTORY_TABLES = tuple(table for table in FETCHED if is_inventory(table))


class InventoryStep:
    """Asks what is due of the inventory; afterwards `fleet` and `failures` say what is known."""

    def __init__(self, run: Run, fleet: KnownFleet, rests: Mapping[tuple[str, ...], Rest]) -> None:
        self._run = run
        self.fleet, self.rests = fleet, rests
        self.failures: dict[Request, Failure] = {}
        self._calls: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    def results(self, busy_systems: set[str]) -> Iterator[PartitionResult]:
        """Ask, and build the tables that were wanted or have changed.

        `busy_systems` have calls to make anyway, so their inventory is brought up to date first.
        """
        due = self.due(busy_systems)
        if due:
            self._ask(due)
            self.fleet = KnownFleet.load(self._run.ledger)
        asked = {request.endpoint for request in due}
        for table in INVENTORY_TABLES:
            if table in self._run.wanted.inventory or asked & {*inventory_endpoints(table)}:
                yield self._result(table)
        needed = self._list_needed_endpoints()
        self._run.remarks += [
            f"{request}: {failure.message}; no wanted table needs it"
            for request, failure in self.failures.items()
            if request.endpoint not in needed
        ]

    def _list_needed_endpoints(self) -> set[str]:
        """List the endpoints whose answers the wanted tables are made from, or that name their devices."""
        wanted = self._run.wanted
        needed = wanted.inventory_endpoints
        for table in wanted.facts:
            needed |= {*ENDPOINTS[table.source.endpoint].prerequisites}
        return needed

    def due(self, busy_systems: set[str]) -> list[Request]:
        """List the inventory requests to be made: what is stale, and with `again` what the user names."""
        wanted, named = self._run.wanted, self._run.drift_log.inverters_named_by
        of_wanted = wanted.inventory_endpoints

        def is_due(request: Request) -> bool:
            if wanted.again and request.endpoint in of_wanted:
                return True
            named_by = named.get(request.system_id) if request.system_id in busy_systems else None
            return is_stale(request, self.fleet, self._run.now, named_by) and not self._rests(request)

        could_be_asked = (
            Request(endpoint, "", system_id)
            for system_id in wanted.system_ids
            for endpoint in INVENTORY_PARSERS
            if system_id in busy_systems or endpoint in of_wanted
        )
        return [request for request in could_be_asked if is_due(request)]

    def _rests(self, request: Request) -> bool:
        """Tell whether it was denied or refused of late; then that is its failure in this run."""
        rest = self.rests.get(request_key(request)) or self.rests.get((request.endpoint, request.system_id))
        newest = self.fleet.newest(request)
        if rest is None or (newest is not None and newest.call_id > rest.call_id):
            return False
        if newest is None:
            self.failures[request] = Failure.of_rest(request, rest)
        return True

    def _ask(self, due: list[Request]) -> None:
        newest = ((request, self.fleet.newest(request)) for request in due)
        pending = [PendingRequest(request, seen.call_id if seen else None) for request, seen in newest]
        for result in self._run.ask(pending, self._judge):
            self._calls[result.request.endpoint] += result.calls
            if result.failure:
                self.failures[result.request] = result.failure
            elif not result.is_good:
                self._waiting[result.request.endpoint] += 1

    def _judge(self, request: Request, answer: NewAnswer) -> None:
        if answer.data is not None:
            INVENTORY_PARSERS[request.endpoint](answer.data, request.system_id)
            self._run.drift_log.find_unknown_fields(request, answer.call_id, answer.data)
        elif request.endpoint == "system_details":
            raise UnknownSystemError(f"the API has no data of {request.system_id}: check APS_SYSTEM_IDS")

    def _result(self, table: Table) -> PartitionResult:
        endpoint = table.source.endpoint
        first = next(each for each in INVENTORY_TABLES if each.source.endpoint == endpoint)
        built, needed = self._run.builder.build_inventory(table, self.fleet), self._list_needed_endpoints()
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


def rebuild_inventory(builder: PartitionBuilder, table: Table, fleet: KnownFleet) -> PartitionResult:
    """Write an inventory table again from the ledger, without a call."""
    built = builder.build_inventory(table, fleet, force=True)
    return PartitionResult(table, LIFETIME, built.rows, failures=built.failures)


def unknown_inventory(table: Table, system_id: str, fleet: KnownFleet) -> list[Request]:
    """List the inventory requests that must be answered before those of a table can be listed."""
    needed = ENDPOINTS[table.source.endpoint].prerequisites
    wanted = [Request(endpoint, "", system_id) for endpoint in needed]
    return [request for request in wanted if fleet.newest(request) is None]


def is_stale(request: Request, fleet: KnownFleet, now: datetime, named_by: int | None) -> bool:
    """Tell whether an inventory request has no answer, or its weekly turn has come, or unknown names have.

    `named_by` is the last call that first named an inverter which the inventory did not know.
    """
    newest = fleet.newest(request)
    if newest is None:
        return True
    if request.endpoint == "system_inverters" and named_by is not None and named_by > newest.call_id:
        return True
    system = fleet.systems.get(request.system_id)
    calendar = system.zone if system is not None else zone(LAST_ZONE)
    return local_day(newest.sent_utc, calendar) < last_turn(request, local_day(now, calendar))
