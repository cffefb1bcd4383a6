"""A warehouse is built again when, and only when, something that it is built from has changed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from aps_pipeline import warehouse
from aps_pipeline.lake import Lake, LakeState
from aps_pipeline.ledger import CallEnd, CallState, Ledger
from aps_pipeline.periods import Grain, Period
from aps_pipeline.request import Request
from aps_pipeline.site import Roof, Site
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse import builder, inputs
from aps_pipeline.warehouse.inputs import Inputs, inputs_of
from aps_pipeline_tests.warehouse.conftest import LATE, Plant
from aps_pipeline_tests.warehouse.lean import only_marts

DAY = date(2024, 3, 5)
HOURS, PANELS = TABLES["system_hourly_energy"], TABLES["inverter_batch_energy"]
KEY = (DAY.isoformat(),)


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts():
        yield


@pytest.fixture
def built(plant: Plant) -> Plant:
    """A plant of hours, panels and 5-minute slots whose warehouse was built right after the last write."""
    plant.hours(DAY, [0.5] * 24)
    plant.panels(DAY, {"E1/I1/1": 1.0})
    plant.slots(DAY, {"12:00": 0.1})
    plant.build()
    return plant


def is_current(plant: Plant, revision_days: int = 5) -> bool:
    return warehouse.is_current(plant.path, plant.lake, plant.ledger, revision_days)


def reserve(plant: Plant) -> int:
    request = Request("system_energy", "hourly", "S1", "", Period(Grain.DAY, DAY))
    return plant.ledger.reserve(request, plant.account).call_id


def write_again(plant: Plant) -> None:
    """The same rows in a new file: what a build then gives may differ for all that is known."""
    rows = plant.lake.read(HOURS)
    plant.lake.write(HOURS, KEY, rows, "inputs")


def test_it_is_current_once_it_is_built_and_stays_so(built: Plant) -> None:
    assert is_current(built)
    built.query("FROM core.ecu_power")
    built.lake.clean()
    assert is_current(built) and is_current(built)


def test_an_empty_one_is_current_too(plant: Plant) -> None:
    plant.build()
    assert is_current(plant)


def _without_inputs(plant: Plant) -> None:
    with duckdb.connect(str(plant.path)) as connection:
        connection.execute("ALTER TABLE meta.build DROP COLUMN inputs")


def _cut_short(plant: Plant) -> None:
    content = plant.path.read_bytes()
    plant.path.write_bytes(content[:5000])


def _finish_a_call(plant: Plant) -> None:
    call_id = reserve(plant)
    plant.build()
    assert is_current(plant)
    plant.ledger.finish(call_id, CallEnd(CallState.NO_DATA, 200, 1001, simulated=True))


CHANGES: dict[str, Callable[[Plant], object]] = {
    "the file is gone": lambda plant: plant.path.unlink(),
    "the file is damaged": _cut_short,
    "the file is no database": lambda plant: plant.path.write_text("something else"),
    "the file is of an older program": _without_inputs,
    "a call is under way": reserve,
    "a call has ended": _finish_a_call,
    "an answer is judged anew": lambda plant: plant.ledger.set_state(plant.call("hourly"), CallState.REFUSED),
    "a partition is new": lambda plant: (plant.hours(DAY + timedelta(1), [1.0] * 24), plant.write()),
    "a partition is written again": write_again,
    "a partition is gone": lambda plant: plant.lake.remove(PANELS, KEY),
    "a table is gone": lambda plant: shutil.rmtree(Path(plant.lake.path(HOURS, KEY)).parents[1]),
    "the lake is gone": lambda plant: shutil.rmtree(plant.lake.url),
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_not_current_once(built: Plant, change: str) -> None:
    CHANGES[change](built)
    assert not is_current(built)
    warehouse.build(built.path, built.lake, built.ledger)
    assert is_current(built)


def test_it_is_not_current_for_other_revision_days(built: Plant) -> None:
    assert not is_current(built, revision_days=6)


@pytest.mark.parametrize("name", ["package_version", "_code"])
def test_it_is_not_current_for_another_program(
    built: Plant, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(inputs, name, lambda: "another")
    assert not is_current(built)


def test_it_is_not_current_for_the_same_lake_elsewhere(built: Plant, tmp_path: Path) -> None:
    """Its views read the files where they were."""
    shutil.copytree(built.lake.url, tmp_path / "copy")
    built.lake = Lake(str(tmp_path / "copy"))
    assert not is_current(built)


def test_it_is_never_current_over_an_object_store(built: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lake, "state", lambda _: None)
    built.build()
    assert not is_current(built)


def test_a_file_written_long_before_it_was_renamed_in_is_seen(built: Plant) -> None:
    path = Path(built.lake.path(HOURS, KEY))
    aside = built.path.parent / "aside.parquet"
    shutil.copyfile(path, aside)
    os.utime(aside, (1, 1))
    aside.replace(path)
    assert not is_current(built)


@pytest.mark.parametrize(
    "change",
    [write_again, reserve, lambda plant: plant.lake.remove(PANELS, KEY)],
    ids=["write", "call", "remove"],
)
def test_what_happens_while_a_build_reads_is_seen_afterwards(
    built: Plant, monkeypatch: pytest.MonkeyPatch, change: Callable[[Plant], object]
) -> None:
    add_columns = builder.add_columns

    def interrupted(*args: object) -> object:
        change(built)
        return add_columns(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(builder, "add_columns", interrupted)
        warehouse.build(built.path, built.lake, built.ledger)
    assert not is_current(built)


def test_the_digest_is_a_function_of_ledger_and_lake(built: Plant) -> None:
    before = inputs_of(built.lake, built.ledger, 5, Site()).digest
    write_again(built)
    again = Ledger(f"sqlite:///{built.path.parents[1]}/ledger.sqlite", now=lambda: LATE)
    assert inputs_of(Lake(built.lake.url), again, 5, Site()).digest == before
    again.close()
    assert built.query("SELECT inputs FROM meta.build") == [{"inputs": before}]


def test_what_the_owner_says_is_an_input(built: Plant) -> None:
    named = Site(Roof.model_validate({"systems": {"S1": {"name": "Home"}}}))
    args = (built.path, built.lake, built.ledger, 5)
    assert warehouse.is_current(*args) and not warehouse.is_current(*args, named)
    warehouse.build(*args, site=named)
    assert warehouse.is_current(*args, named) and not warehouse.is_current(*args)


def test_a_change_within_the_tick_of_a_clock_counts_as_later() -> None:
    second, moment = 1_000_000_000, 1_700_000_000_123_456_789
    lake = Inputs("", LakeState(1, moment))
    assert not lake.were_read_at(moment) and not lake.were_read_at(moment + second // 100)
    assert lake.were_read_at(moment + second // 10)
    whole = replace(lake, lake=LakeState(1, moment // second * second))
    assert not whole.were_read_at(moment + second), "a file system that keeps whole seconds"
    assert whole.were_read_at(moment + 2 * second)
    assert not replace(lake, lake=None).were_read_at(moment + second)


def test_a_build_waits_no_longer_than_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    for age_seconds in (-3600, 1, 3600):
        Inputs("", LakeState(1, time.time_ns() - age_seconds * 1_000_000_000)).wait_for_mtime_tick()
    Inputs("", None).wait_for_mtime_tick()
    assert slept == []
    Inputs("", LakeState(1, time.time_ns())).wait_for_mtime_tick()
    assert len(slept) == 1 and 0 < slept[0] < 0.1
