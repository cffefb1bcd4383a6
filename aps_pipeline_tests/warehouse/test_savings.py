"""What a month was worth, by prices that change within it. Each case is a system."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from aps_pipeline.site import Site, Tariffs
from aps_pipeline_tests.warehouse.conftest import LATE, Plant

MARCH = date(2024, 3, 1)
TARIFFS = {
    "currency": "EUR",
    "co2_kg_per_kwh": 0.4,
    "co2_source": "a test",
    "tariffs": [
        {"from": date(2024, 3, 2), "import_price": 0.2, "feed_in_price": 0.1, "standing_charge": 0.5},
        {"from": date(2024, 3, 4), "import_price": 0.3, "feed_in_price": 0.1, "systems": ["own"]},
        {"from": date(2024, 3, 5), "import_price": 9.0, "feed_in_price": 9.0, "systems": ["other"]},
    ],
}


def meter_day(plant: Plant, system_id: str, day: date, **changes: float | None) -> None:
    """A day of 3 kWh produced, 2 of them given away, and 4 taken."""
    figures: dict[str, Any] = {
        "produced_kwh": 3.0, "consumed_kwh": 5.0, "imported_kwh": 4.0, "exported_kwh": 2.0, **changes,
    }  # fmt: skip
    plant.add("meter_daily_energy", system_id=system_id, meter_id="M1", date=day, **figures)


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    plant = shared_plant
    for system_id in ("general", "own", "early", "odd", "none", "late", "battery"):
        plant.system(system_id)
    for n in range(4):
        meter_day(plant, "general", MARCH + timedelta(n))
        meter_day(plant, "own", MARCH + timedelta(n))
    meter_day(plant, "early", MARCH)
    meter_day(plant, "odd", MARCH + timedelta(2))
    meter_day(plant, "odd", MARCH + timedelta(3), consumed_kwh=9.0)
    meter_day(plant, "odd", MARCH + timedelta(4), exported_kwh=None)
    plant.total("monthly", MARCH, 100.0, system_id="none")
    plant.total("monthly", date(2024, 2, 1), 50.0, system_id="late")
    plant.total("monthly", MARCH, 60.0, system_id="late")
    meter_day(plant, "late", MARCH + timedelta(1))
    plant.add(
        "meters", system_id="late", meter_id="M1", type=1, first_seen_utc=LATE, last_seen_utc=LATE,
    )  # fmt: skip
    meter_day(plant, "battery", MARCH + timedelta(1), exported_kwh=4.0, consumed_kwh=3.0)
    plant.site = Site(tariffs=Tariffs.model_validate(TARIFFS))
    plant.build()
    return plant


def savings(plant: Plant, system_id: str) -> dict[str, Any]:
    (row,) = plant.query(f"FROM mart.savings WHERE system_id = '{system_id}'")
    return row


def test_each_day_has_the_prices_in_force_on_it(built: Plant) -> None:
    """The tariff begins on the second: three of four days at 0.2 and 0.1."""
    assert savings(built, "general") == {
        "system_id": "general",
        "meter_id": "M1",
        "month": MARCH,
        "days_in_month": 31,
        "days_priced": 3,
        "self_consumed_kwh": 3.0,
        "exported_kwh": 6.0,
        "imported_kwh": 12.0,
        "saved": 0.6,
        "earned": 0.6,
        "paid": 2.4,
        "standing_charge": 1.5,
        "currency": "EUR",
        "basis": "priced by day",
        "produced_kwh": 12.0,  # of all four days: CO2 needs no price
        "co2_avoided_kg": 4.8,
    }


def test_a_tariff_of_ones_own_goes_before_the_general_one(built: Plant) -> None:
    row = savings(built, "own")
    assert (row["saved"], row["paid"]) == (0.7, 2.8)
    assert row["standing_charge"] == 1.0, "its own tariff names none"


def test_a_day_before_the_first_price_has_none(built: Plant) -> None:
    row = savings(built, "early")
    assert (row["basis"], row["days_priced"], row["saved"], row["currency"]) == ("no tariff", 0, None, None)
    assert row["co2_avoided_kg"] == 1.2


def test_days_that_do_not_balance_are_left_out(built: Plant) -> None:
    row = savings(built, "odd")
    assert (row["days_priced"], row["saved"], row["produced_kwh"]) == (1, 0.2, 3.0)


def test_without_a_meter_no_money_is_known(built: Plant) -> None:
    row = savings(built, "none")
    assert (row["basis"], row["meter_id"], row["saved"], row["self_consumed_kwh"]) == (
        "no meter",
        "",
        None,
        None,
    )
    assert row["co2_avoided_kg"] == 40.0


def test_a_month_before_the_meter_is_counted_without_money(built: Plant) -> None:
    rows = built.query("FROM mart.savings WHERE system_id = 'late' ORDER BY month")
    assert [(row["month"].month, row["meter_id"], row["basis"], row["co2_avoided_kg"]) for row in rows] == [
        (2, "", "no days of the meter", 20.0),
        (3, "M1", "priced by day", 1.2),
    ]


def test_a_battery_may_give_away_more_than_the_day_produced(built: Plant) -> None:
    row = savings(built, "battery")
    assert (row["days_priced"], row["self_consumed_kwh"], row["saved"], row["earned"]) == (1, -1.0, -0.2, 0.4)


def test_without_a_tariff_file_there_is_nothing(plant: Plant) -> None:
    plant.system()
    meter_day(plant, "S1", MARCH)
    plant.build()
    assert plant.query("FROM mart.savings") == []
    plant.site = Site(tariffs=Tariffs.model_validate({"co2_kg_per_kwh": 0.5, "co2_source": "a test"}))
    plant.build()
    (row,) = plant.query("FROM mart.savings")
    assert (row["basis"], row["co2_avoided_kg"]) == ("no tariff", 1.5)
