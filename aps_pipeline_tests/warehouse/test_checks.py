"""Checks find what was planted, and nothing in sound data."""

from __future__ import annotations

from datetime import date

import duckdb

from aps_pipeline import warehouse
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse import CheckResult
from aps_pipeline_tests.warehouse.conftest import Plant

DAY = date(2024, 3, 5)


def failures(plant: Plant) -> dict[str, CheckResult]:
    plant.build()
    with warehouse.open_warehouse(plant.path) as connection:
        return {result.name: result for result in warehouse.run_checks(connection) if not result.passed}


def test_sound_data_pass_every_check(plant: Plant) -> None:
    plant.system()
    plant.hours(DAY, [None, 0.0] + [0.1] * 22)
    plant.total("daily", DAY, 2.2)
    plant.panels(DAY, {"E1/I1/1": 2.2})
    assert failures(plant) == {}
    with warehouse.open_warehouse(plant.path) as connection:
        results = warehouse.run_checks(connection)
    assert {result.name for result in results} >= {
        *(f"unique_key {name}" for name in TABLES),
        *(f"known_call {name}" for name in TABLES),
        "negative_energy inverter_batch_energy",
        "reconciliation_mismatch",
        "rejected_items",
    }
    assert all(result.meaning and result.advice for result in results)


def test_negative_energy(plant: Plant) -> None:
    plant.panels(DAY, {"E1/I1/1": -0.01, "E1/I1/2": 0.0, "E1/I2/1": None})
    (result,) = failures(plant).values()
    assert (result.name, result.severity, result.failing) == (
        "negative_energy inverter_batch_energy",
        "warning",
        1,
    )
    assert (result.sample[0]["channel"], result.sample[0]["energy_kwh"]) == (1, -0.01)


def test_mismatch_on_final_data_alone(plant: Plant) -> None:
    plant.hours(DAY, [1.0] * 24)
    plant.total("daily", DAY, 30.0)
    plant.hours(date(2024, 3, 6), [1.0] * 24)
    plant.total("daily", date(2024, 3, 6), 30.0, is_final=False)
    (result,) = failures(plant).values()
    assert (result.name, result.failing) == ("reconciliation_mismatch", 1)
    assert (result.sample[0]["comparison"], result.sample[0]["residual_kwh"]) == ("hours in day", -6.0)
    assert "meta.calls" in result.advice


def test_rejected_items_with_a_sample_of_five(plant: Plant) -> None:
    call_id = plant.call("energy", endpoint="inverter_batch")
    for position in range(7):
        plant.rows["rejected_items"].append({
            "source_table": "inverter_batch_energy", "system_id": "S1", "device_id": "E1", "date": DAY,
            "position": position, "item": "nonsense", "reason": "not of the form", "call_id": call_id,
        })  # fmt: skip
    (result,) = failures(plant).values()
    assert (result.name, result.failing) == ("rejected_items", 7)
    assert [row["position"] for row in result.sample] == [0, 1, 2, 3, 4]


def test_rows_of_a_call_that_nobody_made(plant: Plant) -> None:
    plant.total("daily", DAY, 1.0)
    plant.rows["system_daily_energy"][0]["call_id"] = 999
    (result,) = failures(plant).values()
    assert (result.name, result.severity, result.failing) == ("known_call system_daily_energy", "error", 1)


def test_a_key_that_stands_twice(plant: Plant) -> None:
    plant.total("daily", DAY, 1.0)
    plant.build()
    with duckdb.connect(str(plant.path)) as connection:
        connection.execute("INSERT INTO core.system_daily_energy FROM core.system_daily_energy")
    with warehouse.open_warehouse(plant.path) as connection:
        (result,) = [r for r in warehouse.run_checks(connection) if not r.passed]
    assert (result.name, result.severity, result.failing) == ("unique_key system_daily_energy", "error", 1)
    assert result.sample[0]["row_count"] == 2
