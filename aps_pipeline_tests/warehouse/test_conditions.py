"""The present condition of systems, inverters and panels. One warehouse serves all; each case is a system."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import State
from aps_pipeline.tables import TABLES
from aps_pipeline_tests.planning.period_states import PeriodState
from aps_pipeline_tests.warehouse.conftest import LATE, Plant

FIRST = date(2024, 3, 1)
A, B, C, D = "E1/I1/1", "E1/I1/2", "E2/I2/1", "E2/I2/2"
GOOD: dict[str, float | None] = {A: 1.0, B: 1.0, C: 1.0, D: 1.0}
NONE: dict[str, float | None] = dict.fromkeys(GOOD, 0.0)


def day(number: int) -> date:
    return FIRST + timedelta(number)


def days(
    plant: Plant, system_id: str, first: int, last: int, energies: dict[str, float | None] = GOOD
) -> None:
    """Panels of those days, counted from 0, and that they are present and final."""
    for number in range(first, last + 1):
        plant.panels(day(number), energies, system_id=system_id)
        cover(plant, system_id, number, State.PRESENT)


def cover(plant: Plant, system_id: str, number: int, state: State, is_final: bool | None = True) -> None:
    period = Period(Grain.DAY, day(number))
    table = TABLES["inverter_batch_energy"]
    plant.covered.append(PeriodState(system_id, table, period, state, is_final=is_final))


def no_data(plant: Plant, system_id: str, first: int, last: int, is_final: bool = True) -> None:
    for number in range(first, last + 1):
        cover(plant, system_id, number, State.NO_DATA, is_final)


def _seed_systems(plant: Plant) -> None:
    for system_id in ("healthy", "silent_2", "silent_3", "silent_open", "zero_3", "panels_zero_3", "unasked"):
        days(plant, system_id, 0, 29)
    no_data(plant, "silent_2", 30, 31)
    no_data(plant, "silent_3", 30, 32)
    no_data(plant, "silent_open", 30, 31)
    no_data(plant, "silent_open", 32, 34, is_final=False)
    for number in (30, 31, 32):
        plant.total("daily", day(number), 0.0, system_id="zero_3")
    days(plant, "panels_zero_3", 30, 32, NONE)
    for number in range(30, 65):
        cover(plant, "unasked", number, State.NOT_ASKED, None)
    days(plant, "recovered", 0, 20)
    no_data(plant, "recovered", 21, 26)
    days(plant, "recovered", 27, 29)
    days(plant, "long_ago", 0, 9)
    no_data(plant, "long_ago", 50, 54)
    no_data(plant, "never", 0, 9)


def _seed_panels(plant: Plant) -> None:
    days(plant, "weak", 0, 29, GOOD | {A: 0.7})
    days(plant, "dead", 0, 19)
    days(plant, "dead", 20, 29, GOOD | {A: 0.0})
    days(plant, "inverter_off", 0, 25)
    days(plant, "inverter_off", 26, 29, {C: 1.0, D: 1.0})
    for number in range(26, 30):
        plant.add(
            "ecu_daily_energy", system_id="inverter_off", ecu_id="E1", date=day(number), energy_kwh=0.0,
            is_final=True,
        )  # fmt: skip
    days(plant, "half_known", 0, 25, GOOD | {B: 0.0})
    days(plant, "half_known", 26, 29, GOOD | {A: 0.0, B: 0.0})
    days(plant, "ecu_unheard", 0, 25)
    days(plant, "ecu_unheard", 26, 29, {C: 1.0, D: 1.0})
    days(plant, "unused", 0, 29, GOOD | {A: 0.0})
    plant.add(
        "inverter_summary", system_id="unused", inverter_id="I1", channel=1, taken_utc=LATE, lifetime_kwh=0.0
    )
    days(plant, "replaced", 0, 29)
    plant.inverter("I1", "E1", "replaced")
    plant.rows["inverters"][-1]["gone_utc"] = datetime(2024, 3, 24, tzinfo=UTC)
    plant.inverter("I2", "E2", "replaced")
    plant.inverter("I3", "E2", "replaced")


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    _seed_systems(shared_plant)
    _seed_panels(shared_plant)
    shared_plant.system("named_only")
    shared_plant.build()
    return shared_plant


def condition(plant: Plant, system_id: str, kind: str = "system", device: str = "", channel: int = 0) -> Any:
    (row,) = plant.query(
        f"FROM mart.conditions WHERE kind = '{kind}' AND system_id = '{system_id}' "
        f"AND inverter_id = '{device}' AND channel = {channel}"
    )
    return row


@pytest.mark.parametrize(
    ("system_id", "expected", "since"),
    [
        ("healthy", "fine", None),
        ("silent_2", "fine", None),
        ("silent_3", "offline", 30),
        ("silent_open", "fine", None),
        ("zero_3", "offline", 30),
        ("panels_zero_3", "offline", 30),
        ("unasked", "unknown", None),
        ("recovered", "fine", None),
        ("long_ago", "unknown", None),
        ("never", "unknown", None),
        ("named_only", "unknown", None),
        ("weak", "fine", None),
        ("inverter_off", "fine", None),
    ],
)
def test_a_system_is_offline_when_it_was_asked_and_gave_nothing(
    built: Plant, system_id: str, expected: str, since: int | None
) -> None:
    row = condition(built, system_id)
    assert (row["condition"], row["since_date"]) == (expected, None if since is None else day(since))


def test_what_an_offline_system_usually_gave_is_said(built: Plant) -> None:
    row = condition(built, "silent_3")
    assert row["reason"] == "no data on 3 days since 2024-03-31; before, it gave about 4.0 kWh a day"
    assert row["last_date"] == day(32)
    assert condition(built, "zero_3")["reason"].startswith("0 kWh on 3 days since 2024-03-31; before")
    assert condition(built, "panels_zero_3")["reason"].startswith("0 kWh on 3 days")
    assert condition(built, "unasked")["reason"] == (
        "no newer answer about it is held: its newest energy is of 2024-03-30"
    )
    assert condition(built, "long_ago")["reason"] == (
        "nothing since 2024-04-20, but what came after its newest energy, on 2024-03-10, is not held"
    )


@pytest.mark.parametrize(("system_id", "expected"), [("silent_3", "offline"), ("unasked", "unknown")])
def test_inverters_and_panels_go_with_their_system(built: Plant, system_id: str, expected: str) -> None:
    assert condition(built, system_id, "inverter", "I1")["condition"] == expected
    assert condition(built, system_id, "panel", "I2", 2)["condition"] == expected


@pytest.mark.parametrize(
    ("system_id", "expected", "since", "reason"),
    [
        ("weak", "weak", None, "70% of its peers; 9.0 kWh lost in 30 days"),
        (
            "dead",
            "dead input",
            20,
            "0% of its peers on the newest days, while another input of its inverter gives more; "
            "last energy on 2024-03-20; 10.0 kWh lost in 30 days",
        ),
        (
            "inverter_off",
            "offline",
            26,
            "no energy of its inverter on the newest 3 days with an answer about its ECU, while others "
            "produced; last energy on 2024-03-26",
        ),
        (
            "ecu_unheard",
            "unknown",
            None,
            "no answer about its ECU on the newest days",
        ),
        ("unused", "unused channel", None, ""),
        ("replaced", "removed", None, ""),
        ("healthy", "fine", None, ""),
    ],
)
def test_a_panel_is_what_its_health_says(
    built: Plant, system_id: str, expected: str, since: int | None, reason: str
) -> None:
    row = condition(built, system_id, "panel", "I1", 1)
    assert (row["condition"], row["reason"]) == (expected, reason)
    assert row["since_date"] == (None if since is None else day(since))


@pytest.mark.parametrize(
    ("system_id", "device", "expected"),
    [
        ("inverter_off", "I1", "offline"),
        ("ecu_unheard", "I1", "unknown"),
        ("half_known", "I1", "offline"),
        ("inverter_off", "I2", "fine"),
        ("dead", "I1", "fine"),
        ("unused", "I1", "fine"),
        ("replaced", "I1", "removed"),
        ("replaced", "I2", "fine"),
        ("replaced", "I3", "unknown"),
    ],
)
def test_an_inverter_is_offline_when_all_its_inputs_are(
    built: Plant, system_id: str, device: str, expected: str
) -> None:
    assert condition(built, system_id, "inverter", device)["condition"] == expected
