"""What a day without clouds would give, and energy that comes without sun."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aps_pipeline import warehouse
from aps_pipeline.site import Roof, Site
from aps_pipeline.site.clear_sky import Days
from aps_pipeline_tests.warehouse.conftest import ZONE, Plant

DAY, NEXT = date(2024, 6, 20), date(2024, 6, 21)
PLACE = {"latitude": 40.4, "longitude": -3.7}
EAST, WEST = {"tilt": 30, "azimuth": 90}, {"tilt": 70, "azimuth": 270}
SYSTEMS = {
    "nowhere": {"tilt": 30, "azimuth": 180},
    "flat": PLACE,
    "south": {**PLACE, "tilt": 30, "azimuth": 180},
    "panels": {
        **PLACE,
        "inverters": {
            "I1": {"panels": {1: EAST, 2: EAST, 3: EAST}},
            "I2": {"panels": {1: WEST}},
            "I3": {"replaces": "I2"},
        },
    },
}


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    plant = shared_plant
    for system_id in SYSTEMS:
        plant.system(system_id, capacity_kw=5.0)
        seen = {"first_seen_utc": SEEN, "last_seen_utc": SEEN}
        plant.add("system_capacity", system_id=system_id, capacity_kw=5.0, **seen)
        plant.total("daily", DAY, 20.0, system_id=system_id)
        plant.total("daily", NEXT, None, system_id=system_id)
    plant.hours(DAY, [0.04] * 4 + [0.06] + [1.0] * 18 + [0.06], system_id="south")
    plant.site = Site(Roof.model_validate({"systems": SYSTEMS}))
    plant.build()
    return plant


SEEN = datetime(2024, 6, 1, tzinfo=ZoneInfo("UTC"))


def insolation(tilt: float, azimuth: float) -> float:
    return Days(40.4, -3.7, ZoneInfo(ZONE), (DAY,)).insolation(tilt, azimuth)[0]


def expected(plant: Plant, system_id: str, day: date = DAY) -> dict[str, Any]:
    (row,) = plant.query(f"FROM mart.expected_daily WHERE system_id = '{system_id}' AND date = '{day}'")
    return row


def test_without_a_position_nothing_is_expected(built: Plant) -> None:
    assert built.query("FROM mart.expected_daily WHERE system_id = 'nowhere'") == []
    assert built.query("FROM meta.daylight WHERE system_id = 'nowhere'") == []


@pytest.mark.parametrize(
    ("system_id", "basis", "lies"),
    [("flat", "flat (not given)", (0, 0)), ("south", "system", (30, 180))],
)
def test_clear_sky_times_capacity_less_what_every_plant_loses(
    built: Plant, system_id: str, basis: str, lies: tuple[float, float]
) -> None:
    row = expected(built, system_id)
    assert (row["orientation_basis"], row["capacity_kw"], row["capacity_basis"]) == (
        basis,
        5.0,
        "assumed from the last sighting",
    )
    assert row["insolation_kwh_per_m2"] == insolation(*lies)
    assert row["clear_sky_kwh"] == pytest.approx(insolation(*lies) * 5 * 0.86, abs=0.0006)
    assert row["performance_index"] == pytest.approx(20 / row["clear_sky_kwh"])


def test_each_place_on_the_roof_weighs_the_same(built: Plant) -> None:
    """Three panels to the east and one to the west, of which a new inverter is no second one."""
    row = expected(built, "panels")
    mean = (3 * insolation(30, 90) + insolation(70, 270)) / 4
    assert row["insolation_kwh_per_m2"] == pytest.approx(mean, abs=0.0006)
    assert row["orientation_basis"] == "panels"


def test_a_day_without_a_figure_has_no_index(built: Plant) -> None:
    row = expected(built, "south", NEXT)
    assert (row["energy_kwh"], row["state"], row["performance_index"]) == (None, "no number", None)
    assert row["clear_sky_kwh"] > 0


def test_energy_without_sun_is_told(built: Plant) -> None:
    """It dawns about 6:15 in Madrid and is dark by 22:20; what is below 0.05 kWh is noise."""
    with closing(warehouse.open_warehouse(built.path)) as connection:
        (check,) = (each for each in warehouse.run_checks(connection) if each.name == "energy_without_sun")
    assert (check.severity, check.failing) == ("warning", 3)
    assert sorted(row["hour"] for row in check.sample) == [4, 5, 23]
