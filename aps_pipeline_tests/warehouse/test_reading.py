"""Opening and querying: read-only whatever is typed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from aps_pipeline import warehouse
from aps_pipeline.warehouse import connection as reading
from aps_pipeline_tests.warehouse.conftest import Plant

DAY = date(2024, 3, 5)


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    shared_plant.total("daily", DAY, 1.5)
    shared_plant.build()
    directory = shared_plant.path.parent
    (directory / "other.txt").write_text("secret")
    (directory / "other.csv").write_text("a\n1\n")
    return shared_plant


def test_no_warehouse_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(warehouse.NoWarehouseError, match=r"w\.duckdb yet: run `aps backfill` first"):
        warehouse.open_warehouse(tmp_path / "w.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_text("not a database " * 1000)
    with pytest.raises(warehouse.WarehouseError, match=str(path)):
        warehouse.open_warehouse(path)
    assert list(tmp_path.iterdir()) == [path]


WRITES = [
    "CREATE TABLE core.mine AS SELECT 1",
    "CREATE OR REPLACE VIEW mart.daily_production AS SELECT 1",
    "INSERT INTO core.system_daily_energy SELECT * FROM core.system_daily_energy",
    "UPDATE core.system_daily_energy SET energy_kwh = 0",
    "DELETE FROM core.system_daily_energy",
    "DROP TABLE core.system_daily_energy",
    "COMMENT ON TABLE core.systems IS 'mine'",
    "WITH gone AS (DELETE FROM core.system_daily_energy RETURNING *) FROM gone",
]
FILES = [
    "FROM read_text('{directory}/other.txt')",
    "FROM '{directory}/other.csv'",
    "FROM glob('{directory}/*')",
    "ATTACH '{directory}/other.duckdb' AS other",
    "COPY (SELECT 1) TO '{directory}/new.csv'",
    "COPY (SELECT 1) TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{path}.wal' (FORMAT csv, USE_TMP_FILE false)",
    "USE memory; DETACH warehouse; ATTACH '{path}' AS mine",
    "EXPORT DATABASE '{directory}/export'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{path}' (FORMAT csv, USE_TMP_FILE false)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "SET lock_configuration = false",
    "SET allowed_directories = ['/']",
]


@pytest.mark.parametrize("sql", WRITES + FILES)
def test_no_sql_changes_the_warehouse_or_opens_a_file(built: Plant, sql: str) -> None:
    directory, before = built.path.parent, built.path.read_bytes()
    sql = sql.format(directory=directory, path=built.path)
    with warehouse.open_warehouse(built.path) as connection, pytest.raises(duckdb.Error):
        connection.execute(sql)
    with pytest.raises(warehouse.QueryError):
        warehouse.query(built.path, sql)
    assert built.path.read_bytes() == before
    assert {file.name for file in directory.iterdir()} == {"warehouse.duckdb", "other.txt", "other.csv"}


def test_variables_of_the_caller_are_not_tables(built: Plant) -> None:
    secret = pa.table({"a": [1]})
    with warehouse.open_warehouse(built.path) as connection, pytest.raises(duckdb.CatalogException):
        connection.execute("FROM secret")
    assert secret.num_rows == 1


def test_where_no_link_can_be_made_it_opens_all_the_same(
    built: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert built.query("SELECT energy_kwh FROM core.system_daily_energy") == [{"energy_kwh": 1.5}]
    with pytest.raises(warehouse.QueryError, match="only read"):
        built.query(f"COPY (SELECT 1) TO '{built.path}' (FORMAT csv, USE_TMP_FILE false)")


def test_a_symbolic_link_leads_to_the_file_and_does_not_open_it_to_writes(
    built: Plant, tmp_path: Path
) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to(built.path)
    before = built.path.read_bytes()
    with warehouse.open_warehouse(link) as connection:
        assert connection.execute("SELECT count(*) FROM core.system_daily_energy").fetchone() == (1,)
        for path in (link, built.path):
            with pytest.raises(duckdb.PermissionException):
                connection.execute(f"COPY (SELECT 1) TO '{path}' (FORMAT csv, USE_TMP_FILE false)")
    assert built.path.read_bytes() == before


def test_readers_in_one_process_are_independent(built: Plant) -> None:
    with warehouse.open_warehouse(built.path) as one, warehouse.open_warehouse(built.path) as other:
        assert (
            one.execute("FROM mart.daily_production").fetchall()
            == other.execute("FROM mart.daily_production").fetchall()
        )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("FRM x", 'Parser Error: syntax error at or near "FRM"'),
        ("SELECT nothing FROM core.systems", r'Binder Error: .*"nothing"'),
        (
            "FROM core.sistems",
            r"Catalog Error: Table with name sistems does not exist! Did you mean .*systems",
        ),
        ("SELECT 'a'::INTEGER", "Conversion Error: Could not convert string 'a'"),
        ("SELECT 1; SELECT 2", "one query at a time, not 2"),
        ("-- nothing", "there is no query"),
        ("DROP TABLE core.systems", "the warehouse is only read"),
    ],
)
def test_wrong_sql_is_one_line(built: Plant, sql: str, message: str) -> None:
    with pytest.raises(warehouse.QueryError, match=message) as caught:
        warehouse.query(built.path, sql)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "sql", ["DESCRIBE core.systems", "SHOW ALL TABLES", "SUMMARIZE core.systems", "VALUES (1);"]
)
def test_everything_that_reads_is_allowed(built: Plant, sql: str) -> None:
    assert warehouse.query(built.path, sql).num_rows > 0


def test_instants_come_in_utc(built: Plant) -> None:
    assert (
        str(warehouse.query(built.path, "SELECT sent_utc FROM meta.calls").schema.field(0).type)
        == "timestamp[us, tz=UTC]"
    )
    assert built.query("SELECT sent_utc::VARCHAR AS s FROM meta.calls") == [{"s": "2025-06-01 00:00:00+00"}]


def test_a_disk_that_fails_while_reading_is_no_fault_of_the_query(
    built: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise duckdb.IOException("Could not read from file")

    monkeypatch.setattr(reading, "_only_query", fail)
    with pytest.raises(warehouse.WarehouseError, match=f"cannot read {built.path}"):
        warehouse.query(built.path, "SELECT 1")


def test_no_progress_bar_stands_in_the_results(built: Plant) -> None:
    with warehouse.open_warehouse(built.path) as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)
