"""mart.systems, and energy by hour and power by slot with what meters measured beside it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from aps_pipeline.site import Roof, RoofSystem, Site, Tariffs
from aps_pipeline_tests.warehouse.conftest import Plant

DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)
NOON_UTC = datetime(2024, 3, 5, 11, tzinfo=UTC)


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    plant = shared_plant
    plant.system("named", capacity_kw=4.0, created=DAY)
    plant.system("bare", capacity_kw=None)
    plant.inverter("I1", system_id="named")
    plant.inverter("I2", system_id="named")
    plant.rows["inverters"][-1]["gone_utc"] = NOON_UTC
    plant.total("daily", DAY, 2.0, system_id="named")
    plant.total("daily", NEXT_DAY, None, system_id="named")
    plant.hours(DAY, [None] * 11 + [0.5, 0.7] + [0.0] * 11, system_id="named")
    for meter, produced, exported in (("M1", 0.4, 0.1), ("M2", 0.3, None)):
        plant.add(
            "meter_hourly_energy", system_id="named", meter_id=meter, date=DAY, hour=12,
            produced_kwh=produced, exported_kwh=exported, consumed_kwh=0.2, imported_kwh=0.0,
        )  # fmt: skip
    plant.add("meter_hourly_energy", system_id="bare", meter_id="M3", date=DAY, hour=3, consumed_kwh=0.1)
    slot = {"system_id": "named", "date": DAY, "label": "12:00", "fold": 0, "end_utc": NOON_UTC}
    for channel, power in ((1, 100.0), (2, 150.5), (3, None)):
        own = {"ecu_id": "E1", "inverter_id": "I1", "channel": channel, "power_w": power}
        plant.add("inverter_batch_power", **slot, **own)
    plant.add("ecu_power", **slot, ecu_id="E1", power_w=260.0)
    late = slot | {"label": "12:05", "end_utc": NOON_UTC + timedelta(minutes=5)}
    plant.add("meter_power", **late, meter_id="M1", consumed_w=90.0, imported_exported_w=-40.0)
    house = RoofSystem(name="House", latitude=48.9, longitude=2.3, tilt=30.0)
    plant.site = Site(Roof.model_construct(systems={"named": house}), Tariffs())
    plant.build()
    return plant


def test_a_system_has_its_name_place_devices_and_days(built: Plant) -> None:
    bare, named = built.query("FROM mart.systems ORDER BY system_id")
    assert named | {"name": "House", "latitude_deg": 48.9, "tilt_deg": 30.0, "azimuth_deg": None} == named
    assert named | {"inverters": 1, "ecus": 0, "meters": 0, "create_date": DAY, "capacity_kw": 4.0} == named
    assert (named["data_since"], named["data_until"]) == (DAY, DAY), (
        "a day without a figure is no day of data"
    )
    assert (bare["name"], bare["capacity_kw"], bare["data_since"]) == ("bare", None, None)
    assert named["zone"] == "Europe/Madrid"


def test_an_hour_stands_beside_what_meters_measured_in_it(built: Plant) -> None:
    found = {(r["system_id"], r["hour"]): r for r in built.query("FROM mart.hourly_production")}
    assert len(found) == 25
    noon, before, night = found["named", 12], found["named", 11], found["bare", 3]
    assert (noon["energy_kwh"], noon["produced_kwh"], noon["consumed_kwh"]) == (0.7, 0.7, 0.4)
    assert noon["exported_kwh"] is None, "one of two meters gave none"
    assert noon["start_utc"] == NOON_UTC
    assert (before["energy_kwh"], before["produced_kwh"]) == (0.5, None)
    assert (night["energy_kwh"], night["produced_kwh"], night["consumed_kwh"]) == (None, None, 0.1)


def test_power_of_a_slot_is_that_of_the_panels_that_gave_some(built: Plant) -> None:
    noon, later = built.query("FROM mart.power ORDER BY end_utc")
    assert (noon["panels_w"], noon["panels"], noon["ecus_w"], noon["consumed_w"]) == (250.5, 2, 260.0, None)
    assert (later["panels_w"], later["panels"], later["consumed_w"]) == (None, 0, 90.0)
    assert later["imported_exported_w"] == -40.0
    assert noon["end_utc"] == NOON_UTC
