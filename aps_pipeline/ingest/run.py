"""One run: what is wanted, what it may spend, and the one caller that all its calls go through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aps_pipeline.api import Client
from aps_pipeline.ingest.calls import Ask, Budget, Caller, Judge, Result
from aps_pipeline.ingest.news import Newsroom
from aps_pipeline.ingest.outcomes import Stop
from aps_pipeline.ingest.partitions import Builder
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Account, Ledger
from aps_pipeline.planning import Freshness, is_inventory
from aps_pipeline.tables import Table


class NotConfiguredError(ValueError):
    """A setting or an argument is missing or wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is to bring up to date, from `first` to `last` (local days).

    `revise` asks answers again that may have been revised since: a refresh. Raises NotConfiguredError.
    """

    tables: tuple[Table, ...]
    first: date
    last: date
    system_ids: tuple[str, ...]
    revise: bool = False
    max_calls: int | None = None

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
    def facts(self) -> list[Table]:
        """The tables that show what was measured, coarse before fine."""
        order = ("", "year", "month", "day")
        found = (table for table in self.tables if not is_inventory(table))
        return sorted(found, key=lambda table: order.index(table.partition))


class Run:
    """The state that the steps of one run share."""

    def __init__(
        self,
        ledger: Ledger,
        lake: Lake,
        account: Account,
        client: Callable[[], Client],
        wanted: Wanted,
        revision: timedelta,
        threads: int,
    ) -> None:
        self.ledger, self.lake, self.wanted, self.revision = ledger, lake, wanted, revision
        self.now: datetime = ledger.now()
        self.builder = Builder(ledger, lake, revision)
        self.news = Newsroom(ledger)
        self.freshness = Freshness(self.now, revision, wanted.last, wanted.revise)
        self._account, self._client, self._threads = account, client, threads
        self._budget = Budget(wanted.max_calls)
        self._caller: Caller | None = None

    def ask(self, asks: Iterable[Ask], judge: Judge) -> Iterator[Result]:
        """Make calls. The client is made with the first: a run without any needs no credentials."""
        if self._caller is None:
            self._caller = Caller(self._client(), self.ledger, self._account, self._budget, self._threads)
        return self._caller.results(asks, judge)

    @property
    def has_asked(self) -> bool:
        """Whether a call may have been made."""
        return self._caller is not None

    @property
    def newest(self) -> date:
        """The last wanted day that is over, or the last wanted one."""
        return min(self.wanted.last, self.now.date() - timedelta(days=1))

    @property
    def stop(self) -> Stop | None:
        """Why calls have ended early, if they have."""
        return self._caller.stop if self._caller else None
