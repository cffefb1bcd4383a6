"""One build: what is in the file, and how it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from importlib.metadata import version

import duckdb
import pyarrow as pa
import pytest

from aps_pipeline import warehouse
from aps_pipeline.lake import StorageError
from aps_pipeline.ledger import DriftEvent, DriftKind
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse import builder, ddl
from aps_pipeline_tests.warehouse.conftest import LATE, Plant

DAY = date(2024, 3, 5)


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    shared_plant.call("daily")
    shared_plant.build()
    return shared_plant


def test_an_empty_lake_gives_empty_typed_tables(plant: Plant) -> None:
    built = plant.build()
    assert built.path == plant.path
    assert {name for name, rows in built.rows.items() if rows} == {"meta.build", "meta.columns"}
    with warehouse.open_warehouse(plant.path) as connection:
        for table in TABLES.values():
            schema = connection.sql(f"FROM core.{table.name}").to_arrow_table().schema
            assert schema.names == table.schema.names
            assert schema.types == table.schema.types
    assert plant.query("SELECT * EXCLUDE inputs FROM meta.build") == [
        {
            "package_version": version("aps-pipeline"),
            "newest_call_id": None,
            "is_simulated": None,
            "revision_days": 5,
            "views_folder": None,
        }
    ]


def test_rows_arrive_as_they_lie_in_the_lake(plant: Plant) -> None:
    plant.hours(DAY, [None] + [0.25] * 23, system_id="S2")
    plant.hours(DAY, [0.5] * 24, system_id="S1")
    plant.hours(date(2024, 3, 4), [0.0] * 24, system_id="S2")
    built = plant.build()
    assert built.rows["core.system_hourly_energy"] == 72
    assert built.rows["meta.calls"] == 1
    table = TABLES["system_hourly_energy"]
    kept = plant.lake.read(table).sort_by([(key, "ascending") for key in table.keys])
    assert warehouse.query(plant.path, "FROM core.system_hourly_energy").to_pylist() == kept.to_pylist()


def test_every_table_and_column_has_its_comment(built: Plant) -> None:
    tables = built.query("SELECT schema_name AS s, table_name AS t, comment AS c FROM duckdb_tables()")
    assert {row["s"] for row in tables} == {"core", "internal", "mart", "meta"}
    assert [row for row in tables if not row["c"]] == []
    columns = "FROM duckdb_columns() WHERE database_name = 'warehouse' AND schema_name <> 'internal'"
    assert built.query(f"{columns} AND comment IS NULL") == []
    comments = {(row["s"], row["t"]): row["c"] for row in tables}
    for table in TABLES.values():
        assert table.description in comments["core", table.name]
        for remark in table.remarks:
            assert remark in comments["core", table.name]


def test_declared_nulls_are_enforced(built: Plant) -> None:
    rows = built.query(
        "SELECT table_name, column_name, nullable FROM meta.columns WHERE schema_name = 'core'"
    )
    declared = {(t.name, c.name): c.nullable for t in TABLES.values() for c in t.columns}
    assert {(row["table_name"], row["column_name"]): row["nullable"] for row in rows} == declared


def test_meta_columns_is_the_dictionary(built: Plant) -> None:
    everything = built.query(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        " AND schema_name <> 'internal'"
    )
    listed = built.query("SELECT schema_name, table_name, column_name FROM meta.columns")
    assert sorted(map(str, listed)) == sorted(map(str, everything))
    (energy,) = built.query(
        "FROM meta.columns WHERE table_name = 'panel_daily' AND column_name = 'peer_median_kwh'"
    )
    assert (energy["unit"], energy["type"], energy["position"]) == ("kWh", "DOUBLE", 11)
    assert (energy["nullable"], energy["is_key"]) == (True, False)
    assert energy["comment"] == "Median of those; null without any [kWh]"
    core = built.query("FROM meta.columns WHERE table_name = 'systems' AND schema_name = 'core' AND is_key")
    assert [each["column_name"] for each in core] == ["system_id"]


def test_the_file_has_the_format_of_duckdb_1_2(built: Plant) -> None:
    header = built.path.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:], "little") <= 65, "the newest that DuckDB 1.2 reads"


def test_no_view_has_a_with_clause(built: Plant) -> None:
    """DuckDB 1.4 does not find what a view of a file of this format names in WITH."""
    views = built.query("SELECT view_name, sql FROM duckdb_views() WHERE NOT internal")
    assert {"coverage", "hourly_production", "power"} <= {each["view_name"] for each in views}
    assert not [each["view_name"] for each in views if " WITH " in each["sql"].upper()]


def test_calls_are_the_ledger_without_bodies_and_owners(built: Plant) -> None:
    call_id = built.call("daily")
    (row,) = built.query("FROM meta.calls")
    assert row == {
        "call_id": call_id,
        "account": "app",
        "quota_month": "2025-06",
        "endpoint": "system_energy",
        "level": "daily",
        "system_id": "S1",
        "device_id": "D1",
        "period": "2024",
        "state": "answered",
        "sent_utc": LATE,
        "finished_utc": LATE,
        "http_status": 200,
        "code": 0,
        "error": "",
        "body_bytes": 10,
    }
    assert built.query("SELECT newest_call_id, is_simulated FROM meta.build") == [
        {"newest_call_id": call_id, "is_simulated": True}
    ]


def test_news_is_what_answers_named_anew(plant: Plant) -> None:
    call_id = plant.call("energy", endpoint="inverter_batch")
    plant.ledger.keep_drift_events([
        DriftEvent(DriftKind.INVERTER, "S1", "I9", call_id),
        DriftEvent(DriftKind.FIELD, "inverter_batch energy", "colour", call_id),
    ])  # fmt: skip
    plant.build()
    assert plant.query("FROM meta.news") == [
        {"kind": "unknown field", "subject": "inverter_batch energy", "name": "colour", "call_id": call_id},
        {"kind": "unknown inverter", "subject": "S1", "name": "I9", "call_id": call_id},
    ]


def test_two_builds_of_the_same_answer_alike(plant: Plant) -> None:
    plant.hours(DAY, [0.1] * 24)
    plant.panels(DAY, {f"E1/I{n}/1": n / 7 for n in range(50)})

    def everything() -> dict[str, list[tuple[object, ...]]]:
        rows = plant.build().rows
        with warehouse.open_warehouse(plant.path) as connection:
            return {name: connection.execute(f"FROM {name}").fetchall() for name in rows}

    assert everything() == everything()


def test_the_zone_of_the_machine_changes_nothing(plant: Plant) -> None:
    plant.system()
    # Half an hour too early to be final, unless the five days are counted on a clock that was put forward.
    plant.hours(DAY, [0.1] * 24, datetime(2024, 3, 10, 22, 30, tzinfo=UTC))
    plant.total("daily", DAY, 2.4)
    plant.write()
    script = """
import sys
from pathlib import Path
from aps_pipeline import warehouse
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger
root = Path(sys.argv[1])
rows = warehouse.build(root / "w.duckdb", Lake(str(root / "lake")), Ledger(f"sqlite:///{root}/ledger.sqlite")).rows
connection = warehouse.open_warehouse(root / "w.duckdb")
for name in sorted(rows):
    print(name, connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM {name}").fetchall())
"""
    root = plant.path.parents[1]
    said = []
    for zone in ("Asia/Tokyo", "America/Los_Angeles"):
        command = [sys.executable, "-c", script, str(root)]
        ran = subprocess.run(
            command, env={**os.environ, "TZ": zone}, stdout=subprocess.PIPE, check=True, text=True
        )
        said.append(ran.stdout)
    assert "2024-03-04 23:00:00+00" in said[0]
    assert said[0] == said[1]


def test_storage_that_fails_names_the_path(plant: Plant) -> None:
    plant.path.parent.write_text("a file where a directory should be")
    with pytest.raises(warehouse.WarehouseError, match=str(plant.path)):
        plant.build()


def test_a_full_disk_names_the_path(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise duckdb.IOException("Could not write file: No space left on device")

    monkeypatch.setattr(builder, "add_calls", full)
    with pytest.raises(warehouse.WarehouseError, match=rf"{plant.path}.*No space left"):
        plant.build()


def test_files_that_break_their_declaration_are_named(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    table = TABLES["system_daily_energy"]
    nothing = table.schema.empty_table().to_pydict() | {name: [None] for name in table.schema.names}
    broken = pa.table(nothing, schema=table.schema)
    monkeypatch.setattr(plant.lake, "read", lambda t: broken if t is table else t.schema.empty_table())
    with pytest.raises(
        warehouse.WarehouseError, match=r"system_daily_energy break its declaration: .*NOT NULL"
    ):
        plant.build()


def test_a_partition_that_goes_away_while_reading_is_read_anew(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.total("daily", DAY, 1.0)
    plant.write()
    read, failures = plant.lake.read, iter([FileNotFoundError("gone"), FileNotFoundError("gone")])

    def flaky(table: object) -> object:
        if (failure := next(failures, None)) is not None:
            raise StorageError("part-0.parquet") from failure
        return read(table)  # type: ignore[arg-type]

    monkeypatch.setattr(plant.lake, "read", flaky)
    assert warehouse.build(plant.path, plant.lake, plant.ledger).rows["core.system_daily_energy"] == 1

    monkeypatch.setattr(plant.lake, "read", lambda _: ddl._read_rows(TABLES["systems"], _Broken()))  # type: ignore[arg-type]
    with pytest.raises(StorageError, match="unreadable"):
        warehouse.build(plant.path, plant.lake, plant.ledger, from_nothing=True)


class _Broken:
    """A lake on a broken disk."""

    def read(self, _table: object) -> None:
        raise StorageError("unreadable")
