"""One run: what is wanted, what it may spend, and the one caller that all its calls go through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from aps_pipeline.ingest.accounts import ApiAccount, NotConfiguredError, account_of
from aps_pipeline.ingest.build import PartitionBuilder
from aps_pipeline.ingest.caller import Caller
from aps_pipeline.ingest.drift_events import DriftLog
from aps_pipeline.ingest.fetch import AccountSession, Budget, CallOutcome, PendingRequest
from aps_pipeline.ingest.journal import BodyCheck
from aps_pipeline.ingest.plan_context import get_rests
from aps_pipeline.ingest.results import StopReason
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import DuePolicy, is_inventory, periods_of
from aps_pipeline.request import Request
from aps_pipeline.tables import Table


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to bring up to date, from `first` to `last` (local days).

    `recheck` looks for answers that have changed since: a refresh. `again` asks whatever is held.
    Raises NotConfiguredError.
    """

    tables: tuple[Table, ...]
    first: date
    last: date
    system_ids: tuple[str, ...]
    recheck: bool = False
    max_calls: int | None = None
    again: bool = False

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise NotConfiguredError(f"the range ends ({self.last}) before it begins ({self.first})")
        if not self.system_ids:
            raise NotConfiguredError("no system: set APS_SYSTEM_IDS (comma separated)")

    @property
    def inventory(self) -> list[Table]:
        """The tables that show what there is."""
        return [table for table in self.tables if is_inventory(table)]

    @property
    def inventory_endpoints(self) -> set[str]:
        """The endpoints whose answers those are made from."""
        return {table.source.endpoint for table in self.inventory}

    @property
    def facts(self) -> list[Table]:
        """The tables that show what was measured, coarse before fine."""
        order = (Grain.LIFETIME, Grain.YEAR, Grain.MONTH, Grain.DAY)
        found = (table for table in self.tables if not is_inventory(table))
        return sorted(found, key=lambda table: order.index(table.partition_grain))


class Run:
    """The state that the steps of one run share. Raises NotConfiguredError for a system of no account."""

    def __init__(
        self,
        ledger: Ledger,
        lake: Lake,
        accounts: Sequence[ApiAccount],
        wanted: Wanted,
        revision_window: timedelta,
        threads: int,
    ) -> None:
        self.ledger, self.lake, self.wanted, self.revision_window = ledger, lake, wanted, revision_window
        self.now: datetime = ledger.now()
        self.builder = PartitionBuilder(ledger, lake, revision_window)
        self.drift_log = DriftLog(ledger)
        self.policy = DuePolicy(
            self.now,
            revision_window,
            wanted.last,
            wanted.recheck,
            wanted.again,
            wanted.first if wanted.recheck else None,
        )
        self.has_asked = False
        """Whether a call may have been made."""
        self.remarks: list[str] = []
        """What the run met that none of the wanted tables needs."""
        self._account_of = {system_id: account_of(accounts, system_id) for system_id in wanted.system_ids}
        self.rests = {} if wanted.again else get_rests(ledger, self.now, self.quota_zone)
        """What is left alone because it was denied or refused of late."""
        self._caller = self._with_sessions(Budget(wanted.max_calls), threads)

    def _with_sessions(self, budget: Budget, threads: int) -> Caller:
        """Open a caller with a session for each account that this run needs."""
        names = {account.name: account for account in self._account_of.values()}
        alone = len(names) == 1
        sessions = {
            name: AccountSession(account, self.ledger, budget, alone=alone, ignores_rests=self.wanted.again)
            for name, account in names.items()
        }
        return Caller({sid: sessions[account.name] for sid, account in self._account_of.items()}, threads)

    def periods_of(self, table: Table) -> list[Period]:
        """List the partitions of a table to look at: those wanted, and in a recheck some before them."""
        return periods_of(table, self.policy.first_day or self.wanted.first, self.wanted.last)

    @property
    def quota_zone(self) -> ZoneInfo:
        """The calendar by which days of rest are counted."""
        return next(iter(self._account_of.values())).quota_account.zone

    def ask(self, asks: Iterable[PendingRequest], judge: BodyCheck) -> Iterator[CallOutcome]:
        """Make calls. A client is made with its first: a run without any needs no credentials."""
        chosen = list(asks)
        self.has_asked |= bool(chosen)
        return self._caller.results(chosen, judge)

    @property
    def newest(self) -> date:
        """The last wanted day that is over, or the last wanted one."""
        return min(self.wanted.last, self.now.date() - timedelta(days=1))

    @property
    def stops(self) -> list[StopReason]:
        """Why calls have ended early, for each account, or kind of its calls, that it happened to."""
        return self._caller.stops

    @property
    def notes(self) -> list[str]:
        """What is to be said of the run and its accounts, each sentence once."""
        return [*self.remarks, *self._caller.notes]

    def close(self) -> None:
        """End the run of every account."""
        self._caller.close()

    def can_ask(self, system_id: str) -> bool:
        """Tell whether calls may still be made for a system."""
        return self._caller.can_ask(system_id)

    def account_of(self, request: Request) -> str:
        """Name the account that makes a request."""
        return self._account_of[request.system_id].name

    def accounts_of(self, requests: Iterable[Request]) -> set[str]:
        """Name the accounts that make requests."""
        return {self.account_of(request) for request in requests}
