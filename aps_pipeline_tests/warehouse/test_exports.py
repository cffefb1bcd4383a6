"""Energy for other programs: whole days, absent hours left out."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta

from aps_pipeline import warehouse
from aps_pipeline.warehouse.exports import DayOfEnergy, days_of_energy, hours_of_energy, zone_name_of
from aps_pipeline_tests.warehouse.conftest import ZONE, Plant

DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)
SPRING = date(2024, 3, 31)
RUNNING = datetime(2024, 3, 6, 12, tzinfo=UTC)


def test_hours_add_up_over_all_that_is_held_and_absent_ones_are_left_out(plant: Plant) -> None:
    plant.system()
    plant.hours(DAY, [0.1] * 24)
    plant.hours(NEXT_DAY, [None, 0.0, 0.2] + [None] * 21)
    plant.hours(NEXT_DAY, [9.0] * 24, system_id="other")
    plant.build()
    with closing(warehouse.open_warehouse(plant.path)) as connection:
        found = hours_of_energy(connection, "S1", NEXT_DAY, NEXT_DAY)
        assert zone_name_of(connection, "S1") == ZONE
        assert zone_name_of(connection, "unknown") == "UTC"
    assert [(hour.start_utc.isoformat(), hour.energy_kwh, hour.sum_kwh) for hour in found] == [
        ("2024-03-06T00:00:00+00:00", 0.0, 2.4),
        ("2024-03-06T01:00:00+00:00", 0.2, 2.6),
    ]


def test_a_skipped_hour_makes_no_second_row_of_the_same_start(plant: Plant) -> None:
    plant.system()
    plant.hours(SPRING, [0.1] * 24)
    plant.build()
    with closing(warehouse.open_warehouse(plant.path)) as connection:
        found = hours_of_energy(connection, "S1", SPRING, SPRING)
    starts = [hour.start_utc for hour in found]
    assert starts == [starts[0] + timedelta(hours=n) for n in range(23)]
    assert (found[2].energy_kwh, found[-1].sum_kwh) == (0.2, 2.4)


def test_days_that_were_running_when_asked_are_left_out(plant: Plant) -> None:
    plant.system()
    plant.hours(DAY, [0.1] * 24)
    plant.hours(NEXT_DAY, [0.1] * 24, sent=RUNNING)
    plant.total("daily", DAY, 2.4)
    plant.total("daily", NEXT_DAY, 1.2, is_final=False)
    plant.rows["system_daily_energy"][-1]["call_id"] = plant.call("daily", RUNNING)
    plant.total("daily", SPRING, None)
    plant.build()
    with closing(warehouse.open_warehouse(plant.path)) as connection:
        assert len(hours_of_energy(connection, "S1", DAY, SPRING)) == 24
        assert days_of_energy(connection, "S1", DAY, SPRING) == [DayOfEnergy(DAY, 2.4)]
        assert days_of_energy(connection, "S1", NEXT_DAY, SPRING) == []
