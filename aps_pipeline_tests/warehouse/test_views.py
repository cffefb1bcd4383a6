"""The 5-minute tables as views: typed, commented, seen by any DuckDB, closed to everything but reading."""

from __future__ import annotations

import shutil
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from aps_pipeline import warehouse
from aps_pipeline.tables import TABLES, Table, from_columns
from aps_pipeline.warehouse.connection import read_stable
from aps_pipeline.warehouse.ddl import SQL_TYPES
from aps_pipeline_tests.warehouse.conftest import Plant

DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)
VIEWS = [table for table in TABLES.values() if table.is_five_minute]
NOON = datetime(2024, 3, 5, 11, 0, tzinfo=UTC)
IDS = {"ecu_id": "E1", "inverter_id": "I1", "meter_id": "M1", "channel": 1}


def fill(plant: Plant, day: date = DAY) -> None:
    """One slot in each of the five tables."""
    slot = {"date": day, "label": "12:00", "fold": 0, "end_utc": NOON + (day - DAY)}
    for table in VIEWS:
        plant.add(table.name, **slot, **{key: value for key, value in IDS.items() if key in table.keys})


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    fill(shared_plant)
    fill(shared_plant, NEXT_DAY)
    shared_plant.build()
    return shared_plant


def test_the_five_minute_tables_are_these() -> None:
    assert {table.name for table in VIEWS} == {
        "ecu_power",
        "meter_power",
        "inverter_batch_power",
        "inverter_dc_telemetry",
        "inverter_ac_telemetry",
    }


@pytest.mark.parametrize("table", VIEWS, ids=lambda table: str(table.name))
def test_any_duckdb_reads_the_rows_of_the_lake_in_the_declared_types(built: Plant, table: Table) -> None:
    with duckdb.connect(str(built.path), read_only=True) as connection:
        described = connection.execute(f"DESCRIBE core.{table.name}").fetchall()
        connection.execute("SET TimeZone = 'UTC'")
        rows = connection.sql(f"FROM core.{table.name} ORDER BY date").to_arrow_table().to_pylist()
    names = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
    assert [row[:2] for row in described] == [
        (column.name, names.get(SQL_TYPES[column.type], SQL_TYPES[column.type])) for column in table.columns
    ]
    assert rows == built.lake.read(table).to_pylist()
    assert len(rows) == 2


def test_views_and_their_columns_have_comments(built: Plant) -> None:
    views = {
        row["view_name"]: row["comment"]
        for row in built.query("SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'core'")
    }
    assert set(views) == {table.name for table in VIEWS}
    assert all(table.description in views[table.name] for table in VIEWS)
    columns = "FROM duckdb_columns() WHERE database_name = 'warehouse' AND schema_name <> 'internal'"
    assert built.query(f"{columns} AND comment IS NULL") == []
    nullable = built.query("SELECT table_name AS t, column_name AS c FROM meta.columns WHERE nullable")
    found = {(row["t"], row["c"]) for row in nullable if row["t"] in views}
    assert found == {(t.name, c.name) for t in VIEWS for c in t.columns if c.nullable}


def test_a_day_is_read_from_its_own_file(built: Plant) -> None:
    with duckdb.connect(str(built.path), read_only=True) as connection:
        plan = connection.execute(f"EXPLAIN FROM core.ecu_power WHERE date = '{DAY}'").fetchall()[0][1]
    assert "Scanning Files: 1/2" in plan


def test_days_of_after_the_build_are_seen(plant: Plant) -> None:
    plant.slots(DAY, {"12:00": 0.1})
    assert plant.build().rows["core.ecu_power"] == 1
    plant.slots(DAY, {"12:05": 0.2})
    plant.slots(NEXT_DAY, {"12:00": 0.3})
    plant.write()
    folder = Path(plant.lake.path(TABLES["ecu_power"], (str(DAY),))).parent
    shutil.copytree(folder, folder.with_name(f"{folder.name}.bak"))
    assert plant.query("SELECT sum(energy_kwh)::DECIMAL(9, 1)::DOUBLE AS s FROM core.ecu_power") == [
        {"s": 0.6}
    ]


@pytest.mark.parametrize(
    ("name", "is_view"),
    [
        ("it's a folder", True),
        ("[1]*?[!a]", True),
        ("über/../über", True),
        ("back\\slash", False),
        ("date=2020-01-01", False),
        ("system_id=7", False),
    ],
)
def test_a_folder_of_any_name_works(tmp_path: Path, name: str, is_view: bool) -> None:
    (tmp_path / "1abc").mkdir()  # which the second name would also mean as a pattern
    (tmp_path / "über").mkdir()
    plant = Plant(tmp_path / name)
    plant.path = tmp_path / "warehouse.duckdb"
    plant.slots(DAY, {"12:00": 0.1})
    plant.build()
    sql = "SELECT system_id, date, energy_kwh FROM core.ecu_power"
    expected = [("S1", DAY, 0.1)]
    with duckdb.connect(str(plant.path), read_only=True) as connection:
        assert connection.execute(sql).fetchall() == expected
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'core'")
        assert ("ecu_power" in {name for (name,) in views.fetchall()}) == is_view
    assert [tuple(row.values()) for row in plant.query(sql)] == expected
    plant.ledger.close()


@pytest.mark.parametrize("name", ["what?", "back\\slash"])
def test_a_folder_that_duckdb_cannot_write_to_is_one_sentence(plant: Plant, name: str) -> None:
    plant.path = plant.path.parent / name / "warehouse.duckdb"
    with pytest.raises(warehouse.WarehouseError, match=r"cannot build .*: DuckDB opens no file with \? or"):
        plant.build()


def test_from_an_object_store_they_are_copied_in(plant: Plant) -> None:
    fill(plant)
    plant.write()
    plant.lake.url = "s3://bucket/lake"
    rows = warehouse.build(plant.path, plant.lake, plant.ledger).rows
    assert all(rows[f"core.{table.name}"] == 1 for table in VIEWS)
    shutil.rmtree(plant.path.parents[1] / "lake")
    assert plant.query("SELECT label FROM core.meter_power") == [{"label": "12:00"}]
    assert plant.query("SELECT views_folder FROM meta.build") == [{"views_folder": None}]


def test_a_lake_that_has_moved_is_named(plant: Plant) -> None:
    fill(plant)
    plant.build()
    lake = plant.path.parents[1] / "lake"
    lake.rename(lake.with_name("moved"))
    with pytest.raises(warehouse.WarehouseError, match=rf"cannot read {plant.path}.*{lake}") as caught:
        plant.query("FROM core.ecu_power")
    assert "\n" not in str(caught.value)
    assert plant.query("SELECT count(*) AS n FROM core.systems") == [{"n": 0}]


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{folder}/new.csv'",
        "COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)",
        "WITH x AS (COPY (SELECT 1) TO '{file}' (FORMAT parquet, USE_TMP_FILE false)) FROM x",
        "FROM query('WITH x AS (COPY (SELECT 1) TO ''{folder}/new.csv'') FROM x')",
        "SELECT 1) UNION ALL (WITH x AS (COPY (SELECT 1) TO '{folder}/new.csv') FROM x",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{folder}/new.csv'",
        "EXPORT DATABASE '{folder}/export'",
        "ATTACH '{folder}/other.duckdb' AS other",
        "FROM enable_logging('QueryLog', storage := 'file', storage_config := {{'path': '{folder}/log'}})",
    ],
)
def test_a_query_writes_nothing_where_the_views_read(built: Plant, sql: str) -> None:
    file = Path(built.lake.path(TABLES["ecu_power"], (str(DAY),)))
    folder, before = file.parent, file.read_bytes()
    with pytest.raises(warehouse.QueryError):
        built.query(sql.format(folder=folder, file=file))
    assert [entry.name for entry in folder.iterdir()] == [file.name]
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_csv('/etc/passwd')",
        "FROM read_text('{lake}/core/ecu_power/../../../ledger.sqlite')",
        "FROM glob('{lake}/*')",
        "FROM '{lake}/core/system_daily_energy/month=2024-03/part-0.parquet'",
        "ATTACH '{lake}/../ledger.sqlite' AS ledger",
        "COPY (SELECT 1) TO '{lake}/new.csv'",
    ],
)
def test_beside_the_views_every_file_stays_closed(built: Plant, sql: str) -> None:
    sql = sql.format(lake=built.path.parents[1] / "lake")
    with pytest.raises(warehouse.QueryError):
        built.query(sql)
    with warehouse.open_warehouse(built.path) as connection, pytest.raises(duckdb.Error):
        connection.execute(sql)


def test_a_reader_never_sees_an_error_or_half_a_partition(plant: Plant) -> None:
    """A partition has as many slots as each of its rows says in `power_w`, whenever it is read."""
    table = TABLES["ecu_power"]

    def write(day: date, count: int) -> None:
        ends = [NOON + timedelta(seconds=n) for n in range(count)]
        columns = {
            "system_id": "S1", "ecu_id": "E1", "date": day, "label": [f"{n:06d}" for n in range(count)],
            "fold": 0, "end_utc": ends, "power_w": float(count), "energy_kwh": 0.1, "call_id": 1,
        }  # fmt: skip
        plant.lake.write(table, (str(day),), from_columns(table, columns, count), "inputs")

    write(DAY, 1000)
    write(NEXT_DAY, 1000)
    warehouse.build(plant.path, plant.lake, plant.ledger)
    stop, faults, seen = threading.Event(), [], set()
    sql = """
        SELECT date, count(*) AS n, min(power_w) AS low, max(power_w) AS high, count(DISTINCT label) AS labels
        FROM core.ecu_power GROUP BY date
    """

    def read() -> None:
        while not stop.is_set():
            try:
                rows = plant.query(sql)
                whole = all(row["n"] == row["low"] == row["high"] == row["labels"] for row in rows)
                if not whole or len(rows) != 2:
                    faults.append(rows)
                seen.add(rows[0]["n"])
            except Exception as error:  # noqa: BLE001 - every fault is reported below
                faults.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(40):
        write((DAY, NEXT_DAY)[n % 2], 1000 + n % 3 * 3000)
        time.sleep(0.05)
    stop.set()
    for reader in readers:
        reader.join()
    assert faults == []
    assert len(seen) > 1


class TestReadStable:
    @pytest.fixture
    def partition(self, tmp_path: Path) -> Path:
        partition = tmp_path / "core" / "ecu_power" / "date=2024-03-05"
        partition.mkdir(parents=True)
        return partition

    def test_work_that_a_replaced_partition_disturbed_is_done_again(self, partition: Path) -> None:
        done = []

        def work() -> int:
            done.append(1)
            if len(done) <= 2:
                (partition / f"{len(done)}.parquet").touch()
            if len(done) == 1:
                raise duckdb.InvalidInputException("don't know what type")
            return len(done)

        assert read_stable([str(partition.parent)], work) == 3

    def test_an_error_at_rest_is_an_error_at_once(self, partition: Path) -> None:
        done = []

        def work() -> None:
            done.append(1)
            raise duckdb.BinderException("no such column")

        with pytest.raises(duckdb.BinderException):
            read_stable([str(partition.parent)], work)
        assert len(done) == 1

    def test_new_partitions_do_not_disturb(self, partition: Path) -> None:
        days = iter(range(1, 9))
        work = lambda: partition.with_name(f"date=2024-04-0{next(days)}").mkdir()  # noqa: E731
        read_stable([str(partition.parent)], work)
        assert next(days) == 2

    def test_partitions_that_do_not_rest_are_named(self, partition: Path) -> None:
        names = iter("abcdefghij")

        def disturb() -> None:
            (partition / next(names)).touch()

        with pytest.raises(warehouse.WarehouseError, match=f"below {partition.parents[1]} keep changing"):
            read_stable([str(partition.parent)], disturb)
