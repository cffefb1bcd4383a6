"""Self-consumption and autarky: only from figures that balance, and never silently beyond 0 to 1."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from aps_pipeline_tests.warehouse.conftest import LATE, Plant

DAY = date(2024, 3, 5)
SOON = datetime(2024, 3, 10, 22, 59, tzinfo=UTC)
ENOUGH = datetime(2024, 3, 10, 23, tzinfo=UTC)
"""In Madrid the day ends at 23:00 UTC; five revision days later it is final."""

Flows = tuple[float | None, float | None, float | None, float | None]
"""Produced, consumed, imported, exported."""

CASES: dict[str, tuple[Flows, dict[str, Any]]] = {
    "half": ((10.0, 8.0, 3.0, 5.0), {
        "residual_kwh": 0.0, "is_balanced": True, "self_consumed_kwh": 5.0, "self_consumption_ratio": 0.5,
        "autarky_ratio": 0.625, "finding": "plausible",
    }),
    "tenths": ((0.3, 0.3, 0.1, 0.1), {
        "residual_kwh": 0.0, "self_consumed_kwh": 0.2, "autarky_ratio": 0.2 / 0.3, "finding": "plausible",
    }),
    "all_used": ((4.0, 4.0, 0.0, 0.0), {
        "self_consumption_ratio": 1.0, "autarky_ratio": 1.0, "finding": "plausible",
    }),
    "rounded": ((10.0, 8.0, 3.002, 5.0), {
        "residual_kwh": 0.002, "is_balanced": True, "self_consumed_kwh": 5.0, "finding": "plausible",
    }),
    "too_much": ((10.0, 8.0, 3.003, 5.0), {
        "residual_kwh": 0.003, "is_balanced": False, "self_consumed_kwh": None,
        "self_consumption_ratio": None, "autarky_ratio": None, "finding": "unbalanced",
    }),
    "too_little": ((10.0, 8.0, 2.9, 5.0), {
        "residual_kwh": -0.1, "is_balanced": False, "self_consumed_kwh": None,
        "self_consumption_ratio": None, "autarky_ratio": None, "finding": "unbalanced",
    }),
    "no_import": ((10.0, 8.0, None, 5.0), {
        "residual_kwh": None, "is_balanced": None, "self_consumed_kwh": None,
        "self_consumption_ratio": None, "autarky_ratio": None, "finding": "missing",
    }),
    "nothing_given": ((None, None, None, None), {"is_balanced": None, "finding": "missing"}),
    "night": ((0.0, 2.0, 2.0, 0.0), {
        "self_consumed_kwh": 0.0, "self_consumption_ratio": None, "autarky_ratio": 0.0,
        "finding": "plausible",
    }),
    "nobody_home": ((2.0, 0.0, 0.0, 2.0), {
        "self_consumption_ratio": 0.0, "autarky_ratio": None, "finding": "plausible",
    }),
    "battery": ((4.0, 2.0, 4.0, 6.0), {
        "is_balanced": True, "self_consumed_kwh": -2.0, "self_consumption_ratio": -0.5, "autarky_ratio": -1.0,
        "finding": "out of range",
    }),
    "negative": ((-5.0, -4.0, -2.0, -3.0), {
        "is_balanced": True, "self_consumed_kwh": -2.0, "self_consumption_ratio": 0.4, "autarky_ratio": 0.5,
        "finding": "out of range",
    }),
    "negative_export": ((4.0, 5.0, 0.0, -1.0), {
        "self_consumption_ratio": 1.25, "autarky_ratio": 1.0, "finding": "out of range",
    }),
}  # fmt: skip


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    plant = shared_plant
    for system_id, (flows, _) in CASES.items():
        _add(plant, "daily", flows, system_id=system_id, date=DAY)
    plant.system("timed")
    for meter_id, sent in (("M1", SOON), ("M2", ENOUGH)):
        _add(plant, "daily", (4.0, 4.0, 0.0, 0.0), sent, system_id="timed", meter_id=meter_id, date=DAY)
    for month, sent in ((date(2024, 2, 1), ENOUGH), (date(2024, 3, 1), ENOUGH)):
        _add(plant, "monthly", (10.0, 8.0, 3.0, 5.0), sent, system_id="timed", month=month)
    plant.build()
    return plant


def _add(plant: Plant, level: str, flows: Flows, sent: datetime = LATE, **values: Any) -> None:
    names = ("produced_kwh", "consumed_kwh", "imported_kwh", "exported_kwh")
    told = {"meter_id": "M1"} | dict(zip(names, flows, strict=True)) | values
    plant.add(f"meter_{level}_energy", sent, **told)


@pytest.mark.parametrize("system_id", CASES)
def test_balance_then_shares(built: Plant, system_id: str) -> None:
    flows, expected = CASES[system_id]
    (row,) = built.query(f"FROM mart.self_consumption WHERE system_id = '{system_id}'")
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    given = (row["produced_kwh"], row["consumed_kwh"], row["imported_kwh"], row["exported_kwh"])
    assert given == flows
    assert (row["level"], row["period"], row["first_date"]) == ("daily", "2024-03-05", DAY)


def test_days_and_months_of_each_meter_with_their_finality(built: Plant) -> None:
    rows = built.query("FROM mart.self_consumption WHERE system_id = 'timed'")
    assert [(row["meter_id"], row["level"], row["period"], row["is_final"]) for row in rows] == [
        ("M1", "daily", "2024-03-05", False),
        ("M1", "monthly", "2024-02", True),
        ("M1", "monthly", "2024-03", False),
        ("M2", "daily", "2024-03-05", True),
    ]
    assert [row["autarky_ratio"] for row in rows] == [1.0, 0.625, 0.625, 1.0]
