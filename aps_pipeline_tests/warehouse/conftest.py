"""A tiny plant, written row by row through the real lake and the real ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline import warehouse
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import CallEnd, CallState, Ledger, QuotaAccount
from aps_pipeline.periods import Grain, Period, hour_bounds_utc, zone
from aps_pipeline.request import Request
from aps_pipeline.site import Site
from aps_pipeline.tables import TABLES, Table, from_columns
from aps_pipeline_tests.planning.period_states import PeriodState, as_span

ZONE = "Europe/Madrid"
LATE = datetime(2025, 6, 1, tzinfo=UTC)
"""Long after everything here has become final."""


class Plant:
    """Rows and calls to be, then a warehouse of them."""

    def __init__(self, root: Path) -> None:
        self.path = root / "data" / "warehouse.duckdb"
        self.lake = Lake(str(root / "lake"))
        self.now = LATE
        self.ledger = Ledger(f"sqlite:///{root}/ledger.sqlite", now=lambda: self.now)
        self.account = QuotaAccount("app", 1000, 0, zone("UTC"))
        self.calls: dict[tuple[str, str, datetime], int] = {}
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.covered: list[PeriodState] = []
        self.site = Site()

    def call(self, level: str = "daily", sent: datetime = LATE, endpoint: str = "system_energy") -> int:
        """The answered call of that kind and time, made when first wanted; returns its number."""
        kind = (endpoint, level, sent)
        if kind not in self.calls:
            self.now, device = sent, f"D{len(self.calls) + 1}"
            period = Period(Grain.YEAR, date(2024, 1, 1))
            call_id = self.ledger.reserve(
                Request(endpoint, level, "S1", device, period), self.account
            ).call_id
            end = CallEnd(CallState.ANSWERED, 200, 0, body='{"code":0}', simulated=True)
            self.ledger.finish(call_id, end)
            self.calls[kind] = call_id
        return self.calls[kind]

    def system(
        self, system_id: str = "S1", capacity_kw: float | None = 10.0, created: date | None = None
    ) -> None:
        self.rows["systems"].append({
            "system_id": system_id, "capacity_kw": capacity_kw, "timezone": ZONE, "type": 1,
            "create_date": created, "light": 1, "first_seen_utc": LATE, "last_seen_utc": LATE,
            "call_id": self.call("", endpoint="system_details"),
        })  # fmt: skip

    def inverter(self, inverter_id: str, ecu_id: str = "E1", system_id: str = "S1") -> None:
        self.rows["inverters"].append({
            "system_id": system_id, "ecu_id": ecu_id, "inverter_id": inverter_id, "type": "DS3",
            "first_seen_utc": LATE, "last_seen_utc": LATE, "gone_utc": None,
            "call_id": self.call("", endpoint="system_inverters"),
        })  # fmt: skip

    def hours(
        self, day: date, energies: Sequence[float | None], sent: datetime = LATE, system_id: str = "S1"
    ) -> None:
        call_id = self.call("hourly", sent)
        for hour, energy in enumerate(energies):
            start, end = hour_bounds_utc(day, hour, zone(ZONE))
            self.rows["system_hourly_energy"].append({
                "system_id": system_id, "date": day, "hour": hour, "start_utc": start, "end_utc": end,
                "energy_kwh": energy, "call_id": call_id,
            })  # fmt: skip

    def total(
        self, level: str, when: date | int, energy: float | None, is_final: bool = True, system_id: str = "S1"
    ) -> None:
        """One row of the daily, monthly or yearly table."""
        label = {"daily": "date", "monthly": "month", "yearly": "year"}[level]
        self.rows[f"system_{level}_energy"].append({
            "system_id": system_id, label: when, "energy_kwh": energy, "is_final": is_final,
            "call_id": self.call(level),
        })  # fmt: skip

    def panels(
        self, day: date, energies: dict[str, float | None], sent: datetime = LATE, system_id: str = "S1"
    ) -> None:
        """Energies by `ecu/inverter/channel`."""
        call_id = self.call("energy", sent, "inverter_batch")
        for panel, energy in energies.items():
            ecu_id, inverter_id, channel = panel.split("/")
            self.rows["inverter_batch_energy"].append({
                "system_id": system_id, "ecu_id": ecu_id, "inverter_id": inverter_id, "channel": int(channel),
                "date": day, "energy_kwh": energy, "call_id": call_id,
            })  # fmt: skip

    def add(self, name: str, sent: datetime = LATE, **values: Any) -> None:
        """One row of any table; what is not given is absent, and a call of its kind stands behind it."""
        table = TABLES[name]
        absent = {column.name: None for column in table.columns if column.nullable}
        call_id = self.call(table.source.level, sent, table.source.endpoint)
        told = {"system_id": "S1", "answered_by": "ecu", "call_id": call_id}
        self.rows[name].append({**absent, **told, **values})

    def slots(
        self, day: date, energies: dict[str, float | None], sent: datetime = LATE, system_id: str = "S1"
    ) -> None:
        """Rows of `ecu_power` by label, in the order of the clock; a label met again is fold 1."""
        for label, energy in energies.items():
            clock, fold = label.rstrip("'"), int(label.endswith("'"))
            wall = datetime.combine(day, time.fromisoformat(clock), zone(ZONE)).replace(fold=fold)
            self.add(
                "ecu_power", sent, system_id=system_id, ecu_id="E1", date=day, label=clock, fold=fold,
                end_utc=wall.astimezone(UTC), power_w=1.0, energy_kwh=energy,
            )  # fmt: skip

    def write(self) -> None:
        """Every partition into the lake."""
        for name, rows in self.rows.items():
            table = TABLES[name]
            partitions: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
            for row in rows:
                partitions[partition_of(table, row)].append(row)
            for values, members in partitions.items():
                columns = {field: [row[field] for row in members] for field in table.schema.names}
                self.lake.write(table, values, from_columns(table, columns), "inputs")

    def build(self, covered: Sequence[PeriodState] = ()) -> warehouse.BuiltWarehouse:
        self.write()
        spans = [as_span(each) for each in covered or self.covered]
        return warehouse.build(self.path, self.lake, self.ledger, coverage=lambda _: spans, site=self.site)

    def query(self, sql: str) -> list[dict[str, Any]]:
        return warehouse.query(self.path, sql).to_pylist()


def partition_of(table: Table, row: dict[str, Any]) -> tuple[str, ...]:
    texts = {"date": str(row.get("date")), "source_table": str(row.get("source_table"))}
    texts |= {"month": texts["date"][:7], "year": str(row.get("month"))[:4]}
    return tuple(texts[name] for name in table.folder_columns)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """A plant of this test alone."""
    plant = Plant(tmp_path)
    yield plant
    plant.ledger.close()


@pytest.fixture(scope="module")
def shared_plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """A plant of all tests of a module: each gives its systems other names, or only reads."""
    plant = Plant(tmp_path_factory.mktemp("plant"))
    yield plant
    plant.ledger.close()
