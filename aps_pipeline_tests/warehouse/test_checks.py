"""Checks find what was planted, and nothing in sound data."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from aps_pipeline import warehouse
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse import CheckResult
from aps_pipeline_tests.warehouse.conftest import Plant

DAY, NEXT_DAY = date(2024, 3, 5), date(2024, 3, 6)


def results(plant: Plant) -> dict[str, CheckResult]:
    with warehouse.open_warehouse(plant.path) as connection:
        return {result.name: result for result in warehouse.run_checks(connection)}


@pytest.fixture(scope="module")
def failed(shared_plant: Plant) -> dict[str, CheckResult]:
    """The checks that fail on a plant with six kinds of fault."""
    plant = shared_plant
    plant.panels(DAY, {"E1/I1/1": -0.01, "E1/I1/2": 0.0, "E1/I2/1": None}, system_id="negative")
    for day in (DAY, NEXT_DAY):
        plant.hours(day, [1.0] * 24)
        plant.total("daily", day, 30.0, is_final=day == DAY)
    plant.total("daily", DAY, 1.0, system_id="unknown_call")
    plant.rows["system_daily_energy"][-1]["call_id"] = 999
    call_id = plant.call("energy", endpoint="inverter_batch")
    for position in range(7):
        plant.rows["rejected_items"].append({
            "source_table": "inverter_batch_energy", "system_id": "S1", "device_id": "E1", "date": DAY,
            "position": position, "item": "nonsense", "reason": "not of the form", "call_id": call_id,
        })  # fmt: skip
    plant.build()
    with duckdb.connect(str(plant.path)) as connection:
        connection.execute(
            "INSERT INTO core.inverter_batch_energy FROM core.inverter_batch_energy WHERE channel = 2"
        )
    return {name: result for name, result in results(plant).items() if not result.passed}


def test_exactly_what_was_planted_fails(failed: dict[str, CheckResult]) -> None:
    assert {name: (result.severity, result.failing) for name, result in failed.items()} == {
        "known_call system_daily_energy": ("error", 1),
        "unique_key inverter_batch_energy": ("error", 1),
        "negative_energy inverter_batch_energy": ("warning", 1),
        "unknown_inverters inverter_batch_energy": ("warning", 2),
        "reconciliation_mismatch": ("warning", 1),
        "rejected_items": ("warning", 7),
    }


def test_samples_show_the_rows(failed: dict[str, CheckResult]) -> None:
    (negative,) = failed["negative_energy inverter_batch_energy"].sample
    assert (negative["channel"], negative["energy_kwh"]) == (1, -0.01)
    (mismatch,) = failed["reconciliation_mismatch"].sample
    assert (mismatch["comparison"], mismatch["period"], mismatch["residual_kwh"]) == (
        "hours in day",
        "2024-03-05",
        -6.0,
    )
    assert [row["position"] for row in failed["rejected_items"].sample] == [0, 1, 2, 3, 4]
    assert failed["unique_key inverter_batch_energy"].sample[0]["row_count"] == 2


def test_sound_data_pass_every_check(plant: Plant) -> None:
    plant.system()
    plant.inverter("I1")
    plant.hours(DAY, [None, 0.0, 0.0] + [0.11] * 20 + [0.0])
    plant.total("daily", DAY, 2.2)
    plant.panels(DAY, {"E1/I1/1": 2.2})
    plant.build()
    found = results(plant)
    assert [result for result in found.values() if not result.passed] == []
    assert set(found) >= {
        *(f"unique_key {name}" for name in TABLES),
        *(f"known_call {name}" for name in TABLES),
        "negative_energy inverter_batch_energy",
        "reconciliation_mismatch",
        "rejected_items",
    }
    assert all(result.meaning and result.advice for result in found.values())


def test_a_warehouse_of_another_version_is_named_as_such(plant: Plant) -> None:
    plant.build()
    with duckdb.connect(str(plant.path)) as connection:
        connection.execute("DROP TABLE meta.revisions")
    with pytest.raises(
        warehouse.WarehouseError, match="another version built this warehouse, run `aps rebuild`"
    ):
        results(plant)


def test_checks_of_a_kind_stand_together_in_their_order(plant: Plant) -> None:
    plant.build()
    kinds = warehouse.group_by_kind(results(plant).values())
    assert [result.name for result in kinds["unique_key"]] == [f"unique_key {name}" for name in TABLES]
    assert [result.name for result in kinds["rejected_items"]] == ["rejected_items"]
