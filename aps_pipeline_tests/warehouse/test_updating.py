"""A warehouse that is brought up to date is equal to one that is built from nothing."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aps_pipeline import warehouse
from aps_pipeline.site import Roof, Site
from aps_pipeline.tables import TABLES, from_columns
from aps_pipeline.warehouse import builder, marts, update
from aps_pipeline.warehouse.connection import begin_session
from aps_pipeline_tests.warehouse.conftest import Plant, partition_of
from aps_pipeline_tests.warehouse.lean import without_comments

FIRST = date(2024, 3, 5)
FROM_NOTHING = "built from nothing"
ROOF = Roof.model_validate(
    {"systems": {"S1": {"latitude": 40.0, "longitude": -3.0, "tilt": 20, "azimuth": 180}}}
)


def write(plant: Plant, name: str, *, again: bool = False) -> None:
    """Write the partitions of one table whose rows are others than in its file; `again` writes all."""
    every, files = plant.rows, plant.lake
    rows, table = every[name], TABLES[name]
    by_partition: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        by_partition.setdefault(partition_of(table, row), []).append(row)
    for values, members in by_partition.items():
        columns = {field: [row[field] for row in members] for field in table.schema.names}
        by_key = [(key, "ascending") for key in table.keys]
        wanted = from_columns(table, columns).sort_by(by_key)
        held = files.read_partition(table, values)
        if again or held is None or not held.sort_by(by_key).equals(wanted):
            plant.rows = type(every)(list, {name: members})
            plant.write()
    plant.rows = every


def build(plant: Plant, path: Path, *, from_nothing: bool) -> warehouse.BuiltWarehouse:
    return warehouse.build(path, plant.lake, plant.ledger, site=plant.site, from_nothing=from_nothing)


def everything(path: Path) -> dict[str, Counter[str]]:
    """List the rows of every table and view, each as a text and as often as it stands there."""
    with warehouse.open_warehouse(path) as connection:
        names = connection.execute(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables"
            " WHERE table_schema IN ('core', 'mart', 'meta')"
        ).fetchall()
        return {name: Counter(map(repr, connection.execute(f"FROM {name}").fetchall())) for (name,) in names}


def add_day(plant: Plant, day: date, system_id: str = "S1", kwh: float = 1.0) -> None:
    """A day of hours, panels and 5-minute slots, and its row in the table of its month."""
    sent = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=10)
    plant.hours(day, [kwh / 24] * 24, sent, system_id)
    plant.total("daily", day, kwh, system_id=system_id)
    plant.panels(day, {f"E{system_id}/I{system_id}/{n}": kwh / 4 for n in range(1, 5)}, sent, system_id)
    plant.slots(day, {"12:00": kwh / 100}, sent, system_id)
    for name in ("system_hourly_energy", "system_daily_energy", "inverter_batch_energy", "ecu_power"):
        write(plant, name)


def add_new_day(plant: Plant, n: int) -> None:
    held = [row["date"] for row in plant.rows["system_daily_energy"]]
    add_day(plant, max(held) + timedelta(days=1 + n % 3 * 14), kwh=1.0 + n)


def change_day(plant: Plant, n: int) -> None:
    rows = plant.rows["inverter_batch_energy"]
    day = rows[n % len(rows)]["date"]
    for row in rows:
        if row["date"] == day:
            row["energy_kwh"] = None if n % 4 == 0 else n / 7
    write(plant, "inverter_batch_energy")


def remove_partition(plant: Plant, n: int) -> None:
    """Remove the partition of a day from the hours or the panels."""
    name = ("system_hourly_energy", "inverter_batch_energy", "ecu_power")[n % 3]
    days = sorted({row["date"] for row in plant.rows[name]})
    if len(days) > 1:
        day = days[n % len(days)]
        plant.rows[name] = [row for row in plant.rows[name] if row["date"] != day]
        plant.lake.remove(TABLES[name], (day.isoformat(),))


def add_system(plant: Plant, n: int) -> None:
    system_id = f"S{n}"
    if all(row["system_id"] != system_id for row in plant.rows["systems"]):
        plant.system(system_id)
        plant.inverter(f"I{system_id}", f"E{system_id}", system_id)
        write(plant, "systems")
        write(plant, "inverters")
    held = {row["date"] for row in plant.rows["system_daily_energy"] if row["system_id"] == system_id}
    if FIRST not in held:
        add_day(plant, FIRST, system_id)


def change_site(plant: Plant, n: int) -> None:
    plant.site = Site(ROOF) if n % 2 else Site()


def write_again(plant: Plant, _: int) -> None:
    write(plant, "system_hourly_energy", again=True)


CHANGES: tuple[Callable[[Plant, int], None], ...] = (
    add_new_day, change_day, remove_partition, add_system, change_site, write_again,
)  # fmt: skip


def begin(root: Path) -> Plant:
    plant = Plant(root)
    plant.system()
    plant.inverter("IS1", "ES1")
    plant.site = Site(ROOF)
    plant.write()
    for n in range(3):
        add_day(plant, FIRST + timedelta(n))
    return plant


def test_a_mart_by_day_is_made_whole_where_what_else_it_reads_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update, "_LARGEST_SHARE", 2)
    plant = begin(tmp_path)
    build(plant, plant.path, from_nothing=False)
    plant.rows["inverters"][0]["inverter_id"] = "IS9"  # so no day's panels are listed any more
    write(plant, "inverters")
    change_day(plant, 1)
    build(plant, plant.path, from_nothing=False)
    build(plant, fresh := plant.path.with_name("fresh.duckdb"), from_nothing=True)
    assert everything(plant.path) == everything(fresh)
    plant.ledger.close()


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(CHANGES), st.integers(0, 30)), min_size=1, max_size=3), max_size=3
    )
)
def test_both_ways_give_the_same_rows(steps: list[list[tuple[Callable[[Plant, int], None], int]]]) -> None:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        stack.enter_context(without_comments())
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(update, "_LARGEST_SHARE", 2)
        plant = begin(Path(folder))
        stack.callback(plant.ledger.close)
        fresh = plant.path.with_name("fresh.duckdb")
        build(plant, plant.path, from_nothing=False)
        for changes in steps:
            for change, n in changes:
                change(plant, n)
            build(plant, plant.path, from_nothing=False)
        rows = build(plant, plant.path, from_nothing=False).rows
        assert build(plant, fresh, from_nothing=True).rows == rows
        assert everything(plant.path) == everything(fresh)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Plant:
    """A plant with a warehouse, which may change as much as it likes."""
    monkeypatch.setattr(update, "_LARGEST_SHARE", 2)
    caplog.set_level(logging.INFO)
    plant = begin(tmp_path)
    build(plant, plant.path, from_nothing=False)
    return plant


def test_one_change_of_each_kind_is_brought_in(built: Plant, caplog: pytest.LogCaptureFixture) -> None:
    """Not by a build from nothing, and with the same comments."""
    fresh = built.path.with_name("fresh.duckdb")
    for change in (add_new_day, change_day, remove_partition, lambda plant, _: add_system(plant, 2)):
        change(built, 5)
        build(built, built.path, from_nothing=False)
    assert FROM_NOTHING not in caplog.text
    build(built, fresh, from_nothing=True)
    assert everything(built.path) == everything(fresh)
    comments = "SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE schema_name <> 'internal'"
    views = "SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE NOT internal"
    columns = "SELECT schema_name, table_name, column_name, comment, is_nullable FROM duckdb_columns()"
    for query in (comments, views, columns + " WHERE NOT internal"):
        before, after = (
            sorted(map(str, warehouse.query(path, query).to_pylist())) for path in (built.path, fresh)
        )
        assert before == after


def test_only_what_changed_is_read(built: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    build(built, built.path, from_nothing=False)  # what was written just before the first build is read again
    read: list[str] = []
    read_partition = built.lake.read_partition
    monkeypatch.setattr(
        built.lake,
        "read_partition",
        lambda table, values: (read.append(table.name), read_partition(table, values))[1],
    )
    monkeypatch.setattr(built.lake, "read", lambda table: pytest.fail(f"{table.name} was read whole"))
    change_day(built, 5)
    read.clear()  # the test itself has looked which day it has to write
    rows = build(built, built.path, from_nothing=False).rows
    assert read == ["inverter_batch_energy"]
    assert rows["core.inverter_batch_energy"] == 12


def test_a_mart_is_built_again_only_if_it_reads_what_changed(
    built: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    add_mart = update.add_mart
    monkeypatch.setattr(
        update, "add_mart", lambda c, mart: (made.append(mart.table.name), add_mart(c, mart))[1]
    )
    with duckdb.connect(str(built.path)) as connection:
        begin_session(connection)
        for changed, expected, untouched in (
            ({"core.meter_monthly_energy"}, {"self_consumption", "savings"}, "panel_daily"),
            ({"meta.tariffs"}, {"savings"}, "self_consumption"),
            ({"core.ecu_power"}, set(), "savings"),
        ):
            made.clear()
            update.update_marts(connection, marts.marts(), dict.fromkeys(changed))
            assert expected <= set(made) and untouched not in made


def test_what_a_mart_reads_is_what_the_parser_of_the_database_says() -> None:
    with duckdb.connect() as connection:
        for mart in marts.marts():
            ((tree,),) = connection.execute("SELECT json_serialize_sql(?)", [mart.statement]).fetchall()
            assert mart.reads == set(_list_tables(json.loads(tree))), mart.table.name
            assert {n for n in mart.reads if n.startswith("mart.")} <= {f"mart.{name}" for name in mart.after}


def _list_tables(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and node.get("type") == "BASE_TABLE" and node["schema_name"]:
        yield f"{node['schema_name']}.{node['table_name']}"
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _list_tables(child)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plant, _: plant.path.write_text("no database"),
        lambda plant, patch: patch.setattr(builder, "update_core", lambda *_: 1 / 0),
        lambda plant, patch: patch.setattr(plant.lake, "read_partition", lambda *_: None),
        lambda plant, patch: patch.setattr("aps_pipeline.warehouse.inputs._code", lambda: "another"),
    ],
    ids=["no database", "a fault", "a damaged partition", "other code"],
)  # fmt: skip
def test_what_cannot_be_updated_is_built_from_nothing(
    built: Plant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Plant, pytest.MonkeyPatch], object],
) -> None:  # fmt: skip
    add_new_day(built, 1)
    spoil(built, monkeypatch)
    build(built, built.path, from_nothing=False)
    assert FROM_NOTHING in caplog.text
    assert built.query("SELECT count(*) AS days FROM mart.daily_production") == [{"days": 4}]
    assert [entry.name for entry in built.path.parent.iterdir()] == [built.path.name]


def test_a_file_that_is_mostly_holes_is_built_from_nothing(
    built: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    with duckdb.connect(str(built.path)) as connection:
        connection.execute("CREATE TABLE core.big AS SELECT hash(range) AS n FROM range(9000000)")
        connection.execute("CHECKPOINT")
        connection.execute("CREATE TABLE core.last AS SELECT hash(range) AS n FROM range(200000)")
        connection.execute("CHECKPOINT")
        connection.execute("DROP TABLE core.big")
    large = built.path.stat().st_size
    build(built, built.path, from_nothing=False)
    assert "more than half of it is unused" in caplog.text
    assert built.path.stat().st_size < large / 2


def test_a_file_replaced_while_a_build_reads_is_read_the_next_time(
    built: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build after marks were read may have seen either file, so its mark must be that of the old one."""
    change_day(built, 5)
    with monkeypatch.context() as patch:
        update_core = builder.update_core

        def read_then_change(*args: object) -> object:
            found = update_core(*args)  # type: ignore[arg-type]
            change_day(built, 6)
            return found

        patch.setattr(builder, "update_core", read_then_change)
        build(built, built.path, from_nothing=False)
    build(built, built.path, from_nothing=False)
    fresh = built.path.with_name("fresh.duckdb")
    build(built, fresh, from_nothing=True)
    assert everything(built.path) == everything(fresh)


def test_readers_see_whole_states_while_it_is_updated(built: Plant, caplog: pytest.LogCaptureFixture) -> None:
    """Each update adds a day of 4 panels, and a slot to a view; no read fails or sees a part."""
    stop, seen, faults = threading.Event(), set[tuple[int, int]](), list[Exception]()
    panels = "(SELECT count(*) FROM mart.panel_daily)"
    sql = f"SELECT {panels} AS panels, count(*) AS days FROM core.system_daily_energy"

    def read() -> None:
        while not stop.is_set():
            try:
                (row,) = warehouse.query(built.path, sql).to_pylist()
                seen.add((row["panels"], row["days"]))
                (slots,) = warehouse.query(
                    built.path, "SELECT count(label) AS n FROM core.ecu_power"
                ).to_pylist()
                assert slots["n"] >= row["days"]
            except Exception as error:  # noqa: BLE001 - every fault is reported below
                faults.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(3):
        add_new_day(built, n)
        build(built, built.path, from_nothing=False)
    stop.set()
    for reader in readers:
        reader.join()
    assert faults == [] and FROM_NOTHING not in caplog.text
    assert all(panels == 4 * days for panels, days in seen) and len(seen) > 1


def test_a_killed_update_leaves_the_old_file(built: Plant) -> None:
    old = built.path.read_bytes()
    add_new_day(built, 1)
    script = """
import sys, time
from pathlib import Path
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger
from aps_pipeline.site import Roof, Site
from aps_pipeline.warehouse import builder, update
update._LARGEST_SHARE = 2
root = Path(sys.argv[1])
def wait(connection, marts, changed):
    print("half way", flush=True)
    time.sleep(60)
builder.update_marts = wait
site = Site(Roof.model_validate_json(sys.argv[2]))
ledger = Ledger(f"sqlite:///{root}/ledger.sqlite")
builder.build(root / "data" / "warehouse.duckdb", Lake(str(root / "lake")), ledger, site=site)
"""
    command = [sys.executable, "-c", script, str(built.path.parents[1]), ROOF.model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half way\n"
        process.send_signal(signal.SIGKILL)
    assert built.path.read_bytes() == old
    build(built, built.path, from_nothing=False)
    assert built.query("SELECT count(*) AS days FROM mart.daily_production") == [{"days": 4}]
