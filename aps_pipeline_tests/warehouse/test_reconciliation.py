"""Each residual of mart.reconciliation has its name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from aps_pipeline_tests.warehouse.conftest import Plant

DAY = date(2024, 3, 5)
SOON = datetime(2024, 3, 6, tzinfo=UTC)


def found(plant: Plant, comparison: str) -> dict[str, Any]:
    plant.build()
    (row,) = plant.query(f"FROM mart.reconciliation WHERE comparison = '{comparison}'")
    return row


@pytest.mark.parametrize(
    ("whole", "last_hour", "finding", "residual"),
    [
        (2.40, 0.1, "agrees", 0.0),
        (2.41, 0.1, "rounding", -0.01),
        (2.525, 0.1, "rounding", -0.125),
        (2.53, 0.1, "mismatch", -0.13),
        (2.27, 0.1, "mismatch", 0.13),
        (2.40, None, "rounding", -0.1),
        (2.60, None, "missing", -0.3),
        (0.00, 0.1, "mismatch", 2.4),
        (None, 0.1, "missing", None),
    ],
)
def test_hours_in_day(
    plant: Plant, whole: float | None, last_hour: float | None, finding: str, residual: float | None
) -> None:
    plant.hours(DAY, [0.1] * 23 + [last_hour])
    plant.total("daily", DAY, whole)
    row = found(plant, "hours in day")
    assert (row["finding"], row["residual_kwh"], row["whole_kwh"]) == (finding, residual, whole)
    assert (row["system_id"], row["period"], row["parts_expected"]) == ("S1", "2024-03-05", 24)
    assert row["parts_found"] == (24 if last_hour else 23)
    assert row["tolerance_kwh"] == (0.125 if last_hour else 0.12)


def test_absent_hours_are_missing_and_not_zero(plant: Plant) -> None:
    plant.total("daily", DAY, 0.0)
    row = found(plant, "hours in day")
    assert (row["parts_kwh"], row["whole_kwh"], row["residual_kwh"]) == (None, 0.0, None)
    assert (row["finding"], row["parts_found"]) == ("missing", 0)


def test_without_a_number_on_either_side_there_is_nothing_to_compare(plant: Plant) -> None:
    plant.total("daily", DAY, None)
    plant.hours(DAY, [None] * 24)
    plant.build()
    assert plant.query("FROM mart.reconciliation") == []


@pytest.mark.parametrize(("whole_final", "sent"), [(False, None), (True, SOON), (False, SOON)])
def test_a_side_that_may_change_is_not_final(plant: Plant, whole_final: bool, sent: datetime | None) -> None:
    plant.system()
    plant.hours(DAY, [1.0] * 24, **({"sent": sent} if sent else {}))
    plant.total("daily", DAY, 30.0, is_final=whole_final)
    row = found(plant, "hours in day")
    assert (row["finding"], row["is_final"], row["residual_kwh"]) == ("not final", False, -6.0)


def test_days_in_month(plant: Plant) -> None:
    plant.system(created=date(2024, 2, 28))
    plant.total("daily", date(2024, 2, 28), 1.01)
    plant.total("daily", date(2024, 2, 29), 2.02)
    plant.total("monthly", date(2024, 2, 1), 3.04)
    plant.build()
    row = found(plant, "days in month")
    assert (row["period"], row["parts_kwh"], row["whole_kwh"]) == ("2024-02", 3.03, 3.04)
    assert (row["residual_kwh"], row["tolerance_kwh"], row["finding"]) == (-0.01, 0.015, "rounding")
    assert (row["parts_expected"], row["parts_found"], row["is_final"]) == (2, 2, True)


@pytest.mark.parametrize(
    ("second_day", "day_final", "month", "finding"),
    [(2.0, True, 3.1, "mismatch"), (2.0, False, 3.1, "not final"), (None, True, 3.1, "missing")],
)
def test_days_that_do_not_add_up(
    plant: Plant, second_day: float | None, day_final: bool, month: float, finding: str
) -> None:
    plant.system(created=date(2024, 2, 28))
    plant.total("daily", date(2024, 2, 28), 1.0)
    plant.total("daily", date(2024, 2, 29), second_day, is_final=day_final)
    plant.total("monthly", date(2024, 2, 1), month)
    assert found(plant, "days in month")["finding"] == finding


@pytest.mark.parametrize(
    ("december", "year", "finding"),
    [(1.5, 2.5, "agrees"), (1.5, 2.51, "rounding"), (1.5, 3.5, "mismatch"), (None, 2.5, "missing")],
)
def test_months_in_year(plant: Plant, december: float | None, year: float, finding: str) -> None:
    plant.system(created=date(2023, 11, 20))
    plant.total("monthly", date(2023, 11, 1), 1.0)
    plant.total("monthly", date(2023, 12, 1), december)
    plant.total("yearly", 2023, year)
    row = found(plant, "months in year")
    assert (row["period"], row["finding"], row["parts_expected"]) == ("2023", finding, 2)
    assert row["parts_found"] == (1 if december is None else 2)


def test_a_year_without_months_and_months_without_a_year(plant: Plant) -> None:
    plant.system()
    plant.total("yearly", 2022, 5.0)
    plant.total("monthly", date(2023, 12, 1), 1.0)
    plant.build()
    rows = plant.query("FROM mart.reconciliation WHERE comparison = 'months in year' ORDER BY period")
    assert [(r["period"], r["parts_kwh"], r["whole_kwh"], r["finding"]) for r in rows] == [
        ("2022", None, 5.0, "missing"),
        ("2023", 1.0, None, "missing"),
    ]
    assert rows[0]["parts_expected"] == 12


@pytest.mark.parametrize(
    ("second", "whole", "finding"),
    [
        (2.000001, 3.000001, "agrees"),
        (2.003, 3.00, "rounding"),
        (2.05, 3.00, "rounding"),  # the API's own figures of a day lie that far apart
        (2.06, 3.00, "mismatch"),
        (None, 3.00, "missing"),
    ],
)
def test_panels_in_day(plant: Plant, second: float | None, whole: float, finding: str) -> None:
    other = {"E1/I1/2": second} if second else {}
    plant.panels(date(2024, 3, 4), {"E1/I1/1": 1.0, "E1/I1/2": 1.0})
    plant.panels(DAY, {"E1/I1/1": 1.0, **other})
    plant.panels(date(2024, 3, 6), {"E1/I1/1": 1.0, "E1/I1/2": 1.0})
    plant.total("daily", DAY, whole)
    plant.build()
    (row,) = plant.query(
        "FROM mart.reconciliation WHERE comparison = 'panels in day' AND period = '2024-03-05'"
    )
    assert (row["finding"], row["parts_expected"]) == (finding, 2)
    assert row["tolerance_kwh"] == pytest.approx(0.055 + row["parts_found"] * 5e-7)


def test_an_ecu_that_never_answered_is_missing_and_no_mismatch(plant: Plant) -> None:
    plant.inverter("I1", "E1")
    plant.inverter("I9", "E2")
    plant.panels(DAY, {"E1/I1/1": 1.0})
    plant.total("daily", DAY, 3.0)
    row = found(plant, "panels in day")
    assert (row["finding"], row["parts_found"], row["parts_expected"]) == ("missing", 1, 2)
