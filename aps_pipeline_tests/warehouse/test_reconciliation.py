"""Each residual of mart.reconciliation has its name.

Every case is a system of its own in one warehouse, built once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from aps_pipeline_tests.warehouse.conftest import LATE, Plant

DAY, DAY_BEFORE, DAY_AFTER = date(2024, 3, 5), date(2024, 3, 4), date(2024, 3, 6)
SOON = datetime(2024, 3, 6, tzinfo=UTC)

Seed = Callable[[Plant, str], None]


def hours(last: float | None, whole: float | None, is_final: bool = True, sent: datetime = LATE) -> Seed:
    """23 hours of 0.1 kWh and a last one, against the day."""

    def seed(plant: Plant, system_id: str) -> None:
        plant.hours(DAY, [0.1] * 23 + [last], sent, system_id)
        plant.total("daily", DAY, whole, is_final, system_id)

    return seed


def hours_of_a_lost_call(plant: Plant, system_id: str) -> None:
    """Hours whose call the ledger does not hold: when they were given is not known."""
    hours(0.1, 3.0)(plant, system_id)
    for row in plant.rows["system_hourly_energy"][-24:]:
        row["call_id"] = 999_999


def many_days(decimals: int, off: float) -> Seed:
    """Eight days since registration of so many decimals, and a month that differs from their sum."""

    def seed(plant: Plant, system_id: str) -> None:
        plant.system(system_id, created=date(2024, 2, 22))
        energies = [round(1 + n * 1.373, decimals) for n in range(8)]
        for n, energy in enumerate(energies):
            plant.total("daily", date(2024, 2, 22 + n), energy, system_id=system_id)
        plant.total("monthly", date(2024, 2, 1), round(sum(energies) + off, 3), system_id=system_id)

    return seed


def days(first: float, second: float | None, whole: float, second_final: bool = True) -> Seed:
    """The two days since registration, against the month."""

    def seed(plant: Plant, system_id: str) -> None:
        plant.system(system_id, created=date(2024, 2, 28))
        plant.total("daily", date(2024, 2, 28), first, system_id=system_id)
        plant.total("daily", date(2024, 2, 29), second, second_final, system_id)
        plant.total("monthly", date(2024, 2, 1), whole, system_id=system_id)

    return seed


def months(first: float, second: float | None, whole: float) -> Seed:
    """The two months since registration, against the year."""

    def seed(plant: Plant, system_id: str) -> None:
        plant.system(system_id, created=date(2023, 11, 20))
        plant.total("monthly", date(2023, 11, 1), first, system_id=system_id)
        plant.total("monthly", date(2023, 12, 1), second, system_id=system_id)
        plant.total("yearly", 2023, whole, system_id=system_id)

    return seed


def panels(second: float | None, whole: float) -> Seed:
    """A panel of 1 kWh and a second one, which may be silent between two days on which it is not."""

    def seed(plant: Plant, system_id: str) -> None:
        both = {"E1/I1/1": 1.0, "E1/I1/2": 1.0}
        some = {"E1/I1/1": 1.0} | ({} if second is None else {"E1/I1/2": second})
        for day, energies in ((DAY_BEFORE, both), (DAY, some), (DAY_AFTER, both)):
            plant.panels(day, energies, system_id=system_id)
        plant.total("daily", DAY, whole, system_id=system_id)

    return seed


def silent_ecu(plant: Plant, system_id: str) -> None:
    plant.inverter("I1", "E1", system_id)
    plant.inverter("I9", "E2", system_id)
    plant.panels(DAY, {"E1/I1/1": 1.0}, system_id=system_id)
    plant.total("daily", DAY, 3.0, system_id=system_id)


def no_hours(plant: Plant, system_id: str) -> None:
    plant.total("daily", DAY, 0.0, system_id=system_id)


def no_months(plant: Plant, system_id: str) -> None:
    plant.system(system_id)
    plant.total("yearly", 2023, 5.0, system_id=system_id)


def no_year(plant: Plant, system_id: str) -> None:
    plant.total("monthly", date(2023, 12, 1), 1.0, system_id=system_id)


def ecus(second: float | None, whole: float | None, is_final: bool = True) -> Seed:
    """An ECU of 1 kWh and a second one, which reports the day before and after; None: it has no row."""

    def seed(plant: Plant, system_id: str) -> None:
        for day, energy in ((DAY_BEFORE, 1.0), (DAY, second), (DAY_AFTER, 1.0)):
            ecu_day(plant, system_id, "E1", day, 1.0, is_final)
            if energy is not None:
                ecu_day(plant, system_id, "E2", day, energy)
        if whole is not None:
            plant.total("daily", DAY, whole, system_id=system_id)

    return seed


def ecu_day(
    plant: Plant, system_id: str, ecu_id: str, day: date, energy: float | None, is_final: bool = True
) -> None:
    plant.add(
        "ecu_daily_energy", system_id=system_id, ecu_id=ecu_id, date=day, energy_kwh=energy, is_final=is_final
    )


def never_an_ecu(plant: Plant, system_id: str) -> None:
    plant.inverter("I9", "E2", system_id)
    ecu_day(plant, system_id, "E1", DAY, 1.0)
    plant.total("daily", DAY, 2.0, system_id=system_id)


def an_ecu_of_tomorrow(plant: Plant, system_id: str) -> None:
    ecu_day(plant, system_id, "E1", DAY, 1.0)
    ecu_day(plant, system_id, "E2", DAY_AFTER, 1.0)
    plant.total("daily", DAY, 2.0, system_id=system_id)


def ecu_panels(panels: dict[str, float | None], whole: float | None, sent: datetime = LATE) -> Seed:
    """Panels of E1 by inverter and channel, against the day of E1."""

    def seed(plant: Plant, system_id: str) -> None:
        plant.inverter("I1", "E1", system_id)
        plant.panels(DAY, {f"E1/{panel}": energy for panel, energy in panels.items()}, sent, system_id)
        ecu_day(plant, system_id, "E1", DAY, whole)

    return seed


def inverter(
    own: list[float | None], batch: list[float | None], own_sent: datetime = LATE, batch_sent: datetime = LATE
) -> Seed:
    """Channels 1, 2 … of I1 in its own days, and the same in the batch."""

    def seed(plant: Plant, system_id: str) -> None:
        for channel, energy in enumerate(own, 1):
            plant.add(
                "inverter_daily_energy", own_sent, system_id=system_id, inverter_id="I1", channel=channel,
                date=DAY, energy_kwh=energy,
            )  # fmt: skip
        panels = {f"E1/I1/{channel}": energy for channel, energy in enumerate(batch, 1)}
        plant.panels(DAY, panels, batch_sent, system_id)

    return seed


def moved(plant: Plant, system_id: str) -> None:
    inverter([1.0], [0.4])(plant, system_id)
    plant.panels(DAY, {"E2/I1/1": 0.6}, system_id=system_id)


HOURS, DAYS, MONTHS, PANELS = "hours in day", "days in month", "months in year", "panels in day"
ECUS, ECU_PANELS, BATCH = "ECUs in day", "panels in ECU day", "batch in inverter day"
CASES: dict[str, tuple[Seed, str, dict[str, Any]]] = {
    "hours_agree": (hours(0.1, 2.40), HOURS, {
        "parts_kwh": 2.4, "whole_kwh": 2.4, "residual_kwh": 0.0, "tolerance_kwh": 0.125, "parts_expected": 24,
        "parts_found": 24, "is_final": True, "finding": "agrees", "period": "2024-03-05",
    }),
    "hours_round": (hours(0.1, 2.41), HOURS, {"residual_kwh": -0.01, "finding": "rounding"}),
    "hours_round_at_most": (hours(0.1, 2.52), HOURS, {"residual_kwh": -0.12, "finding": "rounding"}),
    "hours_low": (hours(0.1, 2.53), HOURS, {"residual_kwh": -0.13, "finding": "mismatch"}),
    "hours_high": (hours(0.1, 2.27), HOURS, {"residual_kwh": 0.13, "finding": "mismatch"}),
    "hours_of_a_zero_day": (hours(0.1, 0.0), HOURS, {"residual_kwh": 2.4, "finding": "mismatch"}),
    "hour_null": (hours(None, 2.6), HOURS, {
        "residual_kwh": -0.3, "parts_found": 23, "tolerance_kwh": 0.12, "finding": "missing",
    }),
    "hour_null_that_was_zero": (hours(None, 2.3), HOURS, {"parts_found": 23, "finding": "agrees"}),
    "day_null": (hours(0.1, None), HOURS, {"whole_kwh": None, "residual_kwh": None, "finding": "missing"}),
    "day_without_hours": (no_hours, HOURS, {
        "parts_kwh": None, "whole_kwh": 0.0, "residual_kwh": None, "parts_found": 0, "finding": "missing",
    }),
    "day_open": (hours(0.1, 3.0, is_final=False), HOURS, {"is_final": False, "finding": "not final"}),
    "hours_open": (hours(0.1, 3.0, sent=SOON), HOURS, {"is_final": False, "finding": "not final"}),
    "hours_open_but_equal": (hours(0.1, 2.4, sent=SOON), HOURS, {"is_final": False, "finding": "agrees"}),
    "hours_open_and_null": (hours(None, 3.0, sent=SOON), HOURS, {"finding": "not final"}),
    "hours_of_a_lost_call": (hours_of_a_lost_call, HOURS, {"is_final": None, "finding": "not final"}),
    # 8 days of 2 decimals, and a month that shows 3.
    "days_of_2_decimals": (many_days(2, 0.04), DAYS, {"residual_kwh": -0.04, "finding": "rounding"}),
    "days_of_3_decimals": (many_days(3, 0.004), DAYS, {"tolerance_kwh": 0.0045, "finding": "rounding"}),
    "days_of_3_decimals_differ": (many_days(3, 0.005), DAYS, {"finding": "mismatch"}),
    "days_round": (days(1.01, 2.02, 3.04), DAYS, {
        "period": "2024-02", "parts_kwh": 3.03, "whole_kwh": 3.04, "residual_kwh": -0.01,
        "tolerance_kwh": 0.015, "parts_expected": 2, "parts_found": 2, "is_final": True,
        "finding": "rounding",
    }),
    "days_agree": (days(0.1, 0.2, 0.3), DAYS, {"parts_kwh": 0.3, "residual_kwh": 0.0, "finding": "agrees"}),
    "days_differ": (days(1.0, 2.0, 3.1), DAYS, {"residual_kwh": -0.1, "finding": "mismatch"}),
    "days_open": (days(1.0, 2.0, 3.1, second_final=False), DAYS, {"finding": "not final"}),
    "days_null": (days(1.0, None, 3.1), DAYS, {"parts_found": 1, "finding": "missing"}),
    "months_agree": (months(1.0, 1.5, 2.5), MONTHS, {
        "period": "2023", "parts_expected": 2, "parts_found": 2, "finding": "agrees",
    }),
    "months_round": (months(1.0, 1.5, 2.51), MONTHS, {"tolerance_kwh": 0.015, "finding": "rounding"}),
    "months_differ": (months(1.0, 1.5, 2.52), MONTHS, {"residual_kwh": -0.02, "finding": "mismatch"}),
    "months_null": (months(1.0, None, 2.5), MONTHS, {"parts_found": 1, "finding": "missing"}),
    "no_months": (no_months, MONTHS, {
        "parts_kwh": None, "whole_kwh": 5.0, "parts_expected": 12, "parts_found": 0, "finding": "missing",
    }),
    "no_year": (no_year, MONTHS, {"parts_kwh": 1.0, "whole_kwh": None, "finding": "missing"}),
    "panels_agree": (panels(2.000001, 3.0), PANELS, {
        "period": "2024-03-05", "residual_kwh": 1e-06, "parts_expected": 2, "parts_found": 2,
        "tolerance_kwh": 0.055001, "finding": "agrees",
    }),
    "panels_round": (panels(2.003, 3.0), PANELS, {"residual_kwh": 0.003, "finding": "rounding"}),
    # The API's own figures of a day have been seen that far apart.
    "panels_late": (panels(2.05, 3.0), PANELS, {"residual_kwh": 0.05, "finding": "rounding"}),
    "panels_differ": (panels(2.06, 3.0), PANELS, {"residual_kwh": 0.06, "finding": "mismatch"}),
    "panel_silent": (panels(None, 3.0), PANELS, {
        "parts_expected": 2, "parts_found": 1, "finding": "missing",
    }),
    "ecus_agree": (ecus(2.0, 3.0), ECUS, {
        "device_id": "", "period": "2024-03-05", "parts_kwh": 3.0, "whole_kwh": 3.0, "parts_expected": 2,
        "parts_found": 2, "tolerance_kwh": 0.015, "is_final": True, "finding": "agrees",
    }),
    "ecus_round": (ecus(2.0, 3.01), ECUS, {"residual_kwh": -0.01, "finding": "rounding"}),
    "ecus_differ": (ecus(2.0, 3.02), ECUS, {"residual_kwh": -0.02, "finding": "mismatch"}),
    "ecus_open": (ecus(2.0, 9.0, is_final=False), ECUS, {"is_final": False, "finding": "not final"}),
    "ecu_without_row": (ecus(None, 3.0), ECUS, {"parts_expected": 2, "parts_found": 1, "finding": "missing"}),
    "ecus_without_whole": (ecus(2.0, None), ECUS, {"whole_kwh": None, "finding": "missing"}),
    "ecu_never_seen": (never_an_ecu, ECUS, {"parts_expected": 2, "parts_found": 1, "finding": "missing"}),
    "ecu_yet_to_come": (an_ecu_of_tomorrow, ECUS, {"parts_expected": 1, "finding": "mismatch"}),
    "ecu_panels_agree": (ecu_panels({"I1/1": 1.0, "I1/2": 0.500001}, 1.5), ECU_PANELS, {
        "device_id": "E1", "parts_kwh": 1.500001, "parts_expected": 2, "tolerance_kwh": 0.055001,
        "is_final": True, "finding": "agrees",
    }),
    "ecu_panels_round": (ecu_panels({"I1/1": 1.0}, 1.05), ECU_PANELS, {"finding": "rounding"}),
    "ecu_panels_differ": (ecu_panels({"I1/1": 1.0}, 1.06), ECU_PANELS, {"finding": "mismatch"}),
    "ecu_panels_open": (ecu_panels({"I1/1": 1.0}, 2.0, SOON), ECU_PANELS, {"finding": "not final"}),
    "ecu_panels_none": (ecu_panels({}, 2.0), ECU_PANELS, {
        "parts_kwh": None, "residual_kwh": None, "parts_expected": 1, "finding": "missing",
    }),
    "ecu_panels_of_null": (ecu_panels({"I1/1": 1.0}, None), ECU_PANELS, {"finding": "missing"}),
    "batch_agrees": (inverter([1.0, 0.25], [1.0, 0.25]), BATCH, {
        "device_id": "I1", "period": "2024-03-05", "parts_kwh": 1.25, "whole_kwh": 1.25, "is_final": True,
        "parts_expected": 2, "parts_found": 2, "tolerance_kwh": 0.010001, "finding": "agrees",
    }),
    "batch_rounds": (inverter([1.0, 0.25], [1.005, 0.255]), BATCH, {"finding": "rounding"}),
    "batch_differs": (inverter([1.0, 0.25], [1.005, 0.256]), BATCH, {"finding": "mismatch"}),
    "batch_lacks_channel": (inverter([1.0, 0.25], [1.0]), BATCH, {
        "parts_expected": 2, "parts_found": 1, "finding": "missing",
    }),
    "own_lacks_channel": (inverter([1.0, None], [1.0, 0.25]), BATCH, {
        "parts_expected": 2, "parts_found": 1, "finding": "missing",
    }),
    "batch_is_null": (inverter([1.0], [None]), BATCH, {"parts_kwh": None, "finding": "missing"}),
    "batch_never": (inverter([1.0], []), BATCH, {"parts_kwh": None, "finding": "missing"}),
    "own_open": (inverter([1.0], [2.0], own_sent=SOON), BATCH, {"finding": "not final"}),
    "batch_open": (inverter([1.0], [2.0], batch_sent=SOON), BATCH, {"finding": "not final"}),
    "moved_to_another_ecu": (moved, BATCH, {"parts_kwh": 1.0, "whole_kwh": 1.0, "finding": "agrees"}),
    "ecu_silent": (silent_ecu, PANELS, {"parts_expected": 2, "parts_found": 1, "finding": "missing"}),
}  # fmt: skip


Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def rows(shared_plant: Plant) -> Rows:
    for system_id, (seed, _, _) in CASES.items():
        seed(shared_plant, system_id)
    shared_plant.hours(DAY, [None] * 24, system_id="nothing")
    shared_plant.total("daily", DAY, None, system_id="nothing")
    shared_plant.build()
    return shared_plant.query("FROM mart.reconciliation")


@pytest.mark.parametrize("system_id", CASES)
def test_finding(rows: Rows, system_id: str) -> None:
    _, comparison, expected = CASES[system_id]
    around = (str(DAY_BEFORE), str(DAY_AFTER))
    (row,) = [
        row
        for row in rows
        if (row["system_id"], row["comparison"]) == (system_id, comparison) and row["period"] not in around
    ]
    assert {name: row[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_without_a_number_on_either_side_there_is_nothing_to_compare(rows: Rows) -> None:
    assert [row for row in rows if row["system_id"] == "nothing"] == []


def test_what_was_never_collected_is_not_missing(rows: Rows) -> None:
    """Panels alone, without days of ECUs or of inverters, are compared with the system only."""
    kinds = {row["comparison"] for row in rows if row["system_id"] == "panels_agree"}
    assert PANELS in kinds
    assert kinds.isdisjoint({ECUS, ECU_PANELS, BATCH})


def test_every_residual_has_one_of_five_names(rows: Rows) -> None:
    assert {row["finding"] for row in rows} == {"agrees", "rounding", "not final", "missing", "mismatch"}
