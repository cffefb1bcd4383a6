"""The checks of what is possible, and of what should be there: what each finds, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from aps_pipeline import warehouse
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import State
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse import CheckResult
from aps_pipeline_tests.planning.period_states import PeriodState
from aps_pipeline_tests.warehouse.conftest import LATE, Plant
from aps_pipeline_tests.warehouse.lean import check_alone, only_marts

DAY, AUTUMN = date(2024, 3, 5), date(2024, 10, 27)
TODAY = LATE.date()
YESTERDAY = TODAY - timedelta(days=1)
LONG_AGO = LATE - timedelta(days=7, seconds=1)


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts("coverage"):
        yield


def result_of(plant: Plant, name: str) -> CheckResult:
    with warehouse.open_warehouse(plant.path) as connection:
        return check_alone(connection, name)


def at(hour: int, energy: float | None) -> list[float | None]:
    """The hours of a day of which only one has energy."""
    return [energy if each == hour else 0.0 for each in range(24)]


def test_an_hour_above_capacity_is_found(plant: Plant) -> None:
    for system_id, capacity, day, hours in (
        ("beyond", 10.0, DAY, at(12, 13.01)),
        ("within", 10.0, DAY, at(12, 13.0)),
        ("absent", 10.0, DAY, at(12, None)),
        ("no_capacity", None, DAY, at(12, 99.0)),
        ("capacity_of_0", 0.0, DAY, at(12, 99.0)),
        ("two_hours", 10.0, AUTUMN, at(2, 26.0)),
        ("beyond_two_hours", 10.0, AUTUMN, at(2, 26.01)),
        ("was_larger", 10.0, DAY, at(12, 25.0)),
    ):
        plant.system(system_id, capacity)
        plant.hours(day, hours, system_id=system_id)
    plant.add(
        "system_capacity", system_id="was_larger", first_seen_utc=LATE, last_seen_utc=LATE, capacity_kw=20.0
    )
    plant.hours(DAY, at(12, 99.0), system_id="not_in_inventory")
    plant.build()
    found = result_of(plant, "above_capacity")
    assert found.severity == "warning"
    assert [
        (row["system_id"], row["hour"], row["capacity_kw"], row["limit_kwh"]) for row in found.sample
    ] == [
        ("beyond", 12, 10.0, 13.0),
        ("beyond_two_hours", 2, 10.0, 26.0),
    ]


@pytest.mark.parametrize(
    ("hour", "energy", "is_found"),
    [(22, 1.0, False), (23, 0.06, True), (0, 0.06, True), (2, 0.06, True), (3, 1.0, False),
     (0, 0.05, False), (0, None, False)],
)  # fmt: skip
def test_energy_at_night_is_found(plant: Plant, hour: int, energy: float | None, is_found: bool) -> None:
    plant.system()
    plant.hours(DAY, at(hour, energy))
    plant.build()
    found = result_of(plant, "energy_at_night")
    assert found.severity == "warning"
    assert [row["hour"] for row in found.sample] == ([hour] if is_found else [])


@pytest.mark.parametrize("zone", [None, "Mars/Olympus"])
def test_where_the_zone_is_not_known_no_night_is(plant: Plant, zone: str | None) -> None:
    plant.system()
    plant.rows["systems"][0]["timezone"] = zone
    plant.hours(DAY, at(0, 5.0))
    plant.build()
    assert result_of(plant, "energy_at_night").passed


def covered(table: str, day: date, state: State, call_id: int = 0, system_id: str = "S1") -> PeriodState:
    return PeriodState(system_id, TABLES[table], Period(Grain.DAY, day), state, call_id=call_id)


@pytest.mark.parametrize("state", list(State))
def test_yesterday_counts_where_the_table_was_asked_lately(plant: Plant, state: State) -> None:
    recent = plant.call()
    plant.build([
        covered("system_hourly_energy", DAY, State.PRESENT, recent),
        covered("system_hourly_energy", YESTERDAY, state),
        covered("system_hourly_energy", TODAY, State.NOT_DUE),
    ])  # fmt: skip
    found = result_of(plant, "yesterday_missing")
    assert found.severity == "warning"
    expected = [] if state in (State.PRESENT, State.NOT_APPLICABLE) else [(YESTERDAY, state)]
    assert [(row["first_date"], row["state"]) for row in found.sample] == expected


def test_yesterday_is_the_day_before_the_system_s_own_today(plant: Plant) -> None:
    recent = plant.call()
    ahead = TODAY + timedelta(days=1)
    plant.build([
        covered("system_hourly_energy", YESTERDAY, State.NOT_ASKED, recent, "ahead"),
        covered("system_hourly_energy", TODAY, State.PRESENT, recent, "ahead"),
        covered("system_hourly_energy", ahead, State.NOT_DUE, 0, "ahead"),
        covered("system_hourly_energy", TODAY, State.PARTIAL, recent, "registered_today"),
    ])  # fmt: skip
    assert result_of(plant, "yesterday_missing").passed


def test_what_nobody_has_asked_lately_is_not_missed(plant: Plant) -> None:
    old, recent = plant.call(sent=LONG_AGO), plant.call(sent=LATE)
    gone = plant.call("", LATE, "system_inverters")
    month = Period(Grain.MONTH, TODAY)
    plant.build([
        covered("system_hourly_energy", DAY, State.PRESENT, old),
        covered("system_hourly_energy", YESTERDAY, State.NOT_ASKED),
        covered("inverter_batch_energy", YESTERDAY, State.NOT_ASKED),
        covered("meter_hourly_energy", DAY, State.NOT_APPLICABLE, gone),
        covered("meter_hourly_energy", YESTERDAY, State.NOT_ASKED),
        PeriodState("S1", TABLES["system_daily_energy"], month, State.PARTIAL, call_id=recent),
        covered("system_hourly_energy", TODAY, State.NOT_DUE),
    ])  # fmt: skip
    assert result_of(plant, "yesterday_missing").passed


def test_a_new_warehouse_misses_nothing(plant: Plant) -> None:
    plant.build()
    assert result_of(plant, "yesterday_missing").passed
