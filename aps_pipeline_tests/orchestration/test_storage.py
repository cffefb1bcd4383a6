"""The event log with its connections kept open: what it writes, Dagster's own class reads."""

from __future__ import annotations

import builtins
import threading
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from aps_pipeline.orchestration import storage
from aps_pipeline.orchestration.home import prepare_home
from aps_pipeline.orchestration.storage import KeptOpenEventLog

KEYS = [f"2024-03-{day:02}" for day in range(1, 13)]


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(KEYS))
def table() -> None:
    """Nothing to do."""


def test_what_it_writes_is_read_by_it_and_by_dagsters_own_class(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "_KEPT_OPEN", 2)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert isinstance(instance.event_log_storage, KeptOpenEventLog)
        runs = [dg.materialize([table], partition_key=key, instance=instance).run_id for key in KEYS[:4]]
        assert instance.get_materialized_partitions(table.key) == set(KEYS[:4])
        first = [log.message for log in instance.all_logs(runs[0])]
        assert "Materialized value table." in first

    own = SqliteEventLogStorage(str(home / "history" / "runs"))
    assert own.get_materialized_partitions(table.key) == set(KEYS[:4])
    assert [log.message for log in own.get_logs_for_run(runs[0])] == first
    assert not list((home / "history" / "runs").glob("*-wal")), "closed with the instance"


def test_threads_and_a_second_process_of_the_same_log(home: Path) -> None:
    with (
        dg.DagsterInstance.from_config(str(home)) as one,
        dg.DagsterInstance.from_config(str(home)) as other,
    ):

        def report(instance: dg.DagsterInstance, keys: list[str]) -> None:
            for key in keys:
                instance.report_runless_asset_event(dg.AssetMaterialization("table", partition=key))

        threads = [
            threading.Thread(target=report, args=(instance, keys))
            for instance, keys in ((one, KEYS[:4]), (one, KEYS[4:8]), (other, KEYS[8:]))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.get_materialized_partitions(table.key) == set(KEYS)
        assert other.get_materialized_partitions(table.key) == set(KEYS)


def test_a_transaction_that_fails_leaves_nothing_and_the_log_usable(tmp_path: Path) -> None:
    with dg.DagsterInstance.from_config(str(prepare_home(tmp_path))) as instance:
        log = instance.event_log_storage
        assert isinstance(log, KeptOpenEventLog)
        with pytest.raises(RuntimeError, match="no"), log.index_connection() as connection:
            connection.exec_driver_sql("DELETE FROM secondary_indexes")
            raise RuntimeError("no")
        with log.index_connection() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM secondary_indexes").scalar()


def test_where_dagster_has_moved_its_class_the_log_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def moved(name: str, scope: Any = None, *rest: Any) -> Any:
        if name == "dagster._core.storage.event_log" and (scope or {}).get("__name__") == storage.__name__:
            raise ImportError(name)
        return real(name, scope, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "__import__", moved)
        found = storage.get_event_log_class()
    assert found is SqliteEventLogStorage
    monkeypatch.setattr(storage, "KeptOpenEventLog", found)
    with dg.DagsterInstance.from_config(str(prepare_home(tmp_path))) as instance:
        assert type(instance.event_log_storage) is SqliteEventLogStorage
        assert dg.materialize([table], partition_key=KEYS[0], instance=instance).success
        assert instance.get_materialized_partitions(table.key) == {KEYS[0]}


def test_where_dagsters_class_has_lost_a_part_it_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_OVERRIDDEN", (*storage._OVERRIDDEN, "gone"))
    assert storage.get_event_log_class() is SqliteEventLogStorage
