"""A simulated account and everything needed to collect from it, for tests of any package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from aps_pipeline.accounts import AccountSettings
from aps_pipeline.api import Client, Credentials
from aps_pipeline.config import Settings
from aps_pipeline.ingest import PartitionResult, Pipeline, Summary, Wanted
from aps_pipeline.simulator import Account, Fault, Fleet, Simulator
from aps_pipeline.simulator.fleet import Ecu, Inverter, System
from aps_pipeline.tables import FETCHED, get_table
from aps_pipeline.wiring import open_pipeline
from aps_pipeline_tests.clocks import NOW, Clock, real_time

EAST, WEST = "EAST000000000001", "WEST000000000002"
EAST_ECU, WEST_ECU, WEST_BARN = "203000000011", "203000000021", "002405000221"
WEST_BARN_LISTED = f"2030000000022-{WEST_BARN}"
"""A share of an ECU that serves several homes."""
HISTORY = tuple(
    table
    for table in FETCHED
    if table.group == "inventory"
    or table.source.endpoint == "system_energy"
    or table.name == "inverter_batch_energy"
)
"""What most tests collect: the inventory, the energy of systems, and that of panels by day."""

TWO_ACCOUNTS = (
    Account("east".ljust(32, "0"), "east0secret1", (EAST,)),
    Account("west".ljust(32, "0"), "west0secret2", (WEST,)),
)
CREATED = {EAST: date(2024, 2, 10), WEST: date(2024, 3, 3)}


def a_fleet() -> Fleet:
    """East in Kathmandu with one ECU, west in New York with two: young, so that sums are cheap."""
    roof = (Inverter(uid="702000000111"), Inverter(uid="902000000112", type="QT2D", channels=4))
    house, barn = (Inverter(uid="702000000211"),), (Inverter(uid="702000000221"),)
    east = System(EAST, "Asia/Kathmandu", 27.7, 85.3, CREATED[EAST], (Ecu(EAST_ECU, roof, meter=True),))
    west = System(
        WEST,
        "America/New_York",
        40.7,
        -74.0,
        CREATED[WEST],
        (Ecu(WEST_ECU, house), Ecu(WEST_BARN_LISTED, barn)),
    )
    return Fleet((replace(east, authorization_code="VISITOR0CODE"), west))


def fleet_file(path: Path, **changes: dict[str, Any]) -> Path:
    """A fleet file of TWO_ACCOUNTS, by the names east and west; a change to None leaves the key out."""
    lines: list[str] = []
    for name, account in zip(("east", "west"), TWO_ACCOUNTS, strict=True):
        entry: dict[str, Any] = {"name": name, "app_id": account.app_id, "app_secret": account.app_secret}
        entry |= {"system_ids": account.system_ids, **changes.get(name, {})}
        lines += ["[[accounts]]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in entry.items() if value is not None]
    path.write_text("\n".join(lines))
    return path


def settings_for(simulator: Simulator, url: str, data_dir: Path, **overrides: Any) -> Settings:
    """Settings of that account, at a speed for tests."""
    chosen: dict[str, Any] = {
        "app_id": simulator.app_id,
        "app_secret": simulator.app_secret,
        "base_url": url,
        "system_ids": simulator.fleet.system_ids,
        "data_dir": data_dir,
        "calls_per_second": 2000,
        "monthly_calls": 100_000,
        "reserved_calls": 0,
    }
    return Settings(_env_file=None, **chosen | overrides)  # type: ignore[call-arg]


def client_for(settings: Settings, account: AccountSettings | None = None) -> Client:
    """A client that hardly waits before it tries again; of the only account unless told otherwise."""
    account = account or settings.accounts[0]
    assert account.app_id and account.app_secret
    return Client(
        account.base_url,
        account.api_prefix,
        Credentials(account.app_id, account.app_secret.get_secret_value()),
        calls_per_second=settings.calls_per_second,
        max_in_flight=settings.max_in_flight,
        backoff_seconds=0.002,
    )


def with_clients(pipeline: Pipeline, *clients: Callable[[], Client]) -> Pipeline:
    """The same pipeline with another way to make the client of each account."""
    pairs = zip(pipeline.accounts, clients, strict=True)
    return replace(pipeline, accounts=tuple(replace(account, client=client) for account, client in pairs))


@dataclass
class Run:
    """What one collect did."""

    results: list[PartitionResult] = field(default_factory=list)
    summary: Summary = field(default_factory=Summary)

    def of(self, table: str, key: str) -> PartitionResult:
        return next(r for r in self.results if (r.table.name, r.key) == (table, key))


@dataclass
class Site:
    """A simulator at `url` that answers at the time of `clock`, and a data directory."""

    simulator: Simulator
    url: str
    clock: Clock
    data_dir: Path

    @property
    def calls(self) -> int:
        """Calls that the server has counted so far."""
        return self.simulator.counts.total

    def pipeline(self, **overrides: Any) -> Pipeline:
        settings = settings_for(self.simulator, self.url, self.data_dir, **overrides)
        pipeline = with_clients(
            open_pipeline(settings), *(partial(client_for, settings, each) for each in settings.accounts)
        )
        pipeline.ledger.now = self.clock
        return pipeline

    def collect(
        self,
        first: date,
        last: date,
        tables: Sequence[str] = (),
        *,
        revise: bool = False,
        max_calls: int | None = None,
        again: bool = False,
        **overrides: Any,
    ) -> Run:
        """One whole run; `overrides` are settings."""
        pipeline = self.pipeline(**overrides)
        chosen = tuple(map(get_table, tables)) or HISTORY
        wanted = Wanted(chosen, first, last, pipeline.system_ids, revise, max_calls, again)
        run = Run()
        try:
            run.results.extend(pipeline.collect(wanted, run.summary))
        finally:
            pipeline.ledger.close()
        return run

    def frame(self, table: str, **equal: object) -> pd.DataFrame:
        """A table as pandas reads it from the folder."""
        frame = pd.read_parquet(self.data_dir / "lake" / "core" / table)
        for name, value in equal.items():
            frame = frame[frame[name].astype(str) == str(value)]
        return frame

    def digest(self) -> dict[str, str]:
        """Every file of the lake and a hash of its bytes."""
        lake = self.data_dir / "lake"
        files = (path for path in lake.rglob("*") if path.is_file())
        return {
            str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(files)
        }


@contextmanager
def serving(data_dir: Path, faults: Iterable[Fault] = (), **options: Any) -> Iterator[Site]:
    """A site of its own: `a_fleet` at NOW; `options` are the simulator's."""
    clock = Clock(NOW)
    chosen: dict[str, Any] = {"now": clock, "signing_clock": real_time, "faults": faults}
    simulator = Simulator(options.pop("fleet", None) or a_fleet(), **chosen | options)
    with simulator.serving() as url:
        yield Site(simulator, url, clock, data_dir)


def fewest_calls(fleet: Fleet, first: date, last: date) -> int:
    """The fewest calls for every table of a range that is over, counted on a calendar and nothing else."""
    total = 0
    for system in fleet.systems:
        begin = max(first, system.create_date)
        days = [begin + timedelta(days=n) for n in range((last - begin).days + 1)]
        months = {(day.year, day.month) for day in days}
        years = {day.year for day in days}
        total += 3 + len(days) * (1 + len(system.ecus)) + len(months) + len(years) + 1
    return total
