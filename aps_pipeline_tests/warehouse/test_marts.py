"""What each mart says of a tiny plant, number by number. One warehouse serves all; each case is a system."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aps_pipeline_tests.warehouse.conftest import Plant

DAY, NEXT_DAY, THIRD_DAY, FOURTH_DAY = (date(2024, 3, day) for day in (5, 6, 7, 8))
SPRING, AUTUMN = date(2024, 3, 31), date(2024, 10, 27)
HOURS = [None] * 6 + [0.1, 0.2, 0.3] + [0.0] * 15
"""A night without numbers, then 0.6 kWh."""

PANELS: dict[str, tuple[list[float | None], list[float | None]]] = {
    "even": ([1.0, 2.0, 4.0, 8.0], [4.0, 4.0, 2.0, 2.0]),
    "odd": ([1.0, 2.0, 4.0], [3.0, 2.5, 1.5]),
    "alike": ([5.0, 5.0], [5.0, 5.0]),
    "faint": ([0.03, 0.03, 0.03], [0.03, 0.03, 0.03]),
    "alone": ([3.0], [None]),
    "one_null": ([1.0, None, 3.0], [3.0, 2.0, 1.0]),
    "null_alone": ([None], [None]),
    "null_and_one": ([None, 2.0], [2.0, None]),
    "nulls": ([None, None], [None, None]),
}
"""Energies of the panels of a system, and for each the median of the others."""


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    plant = shared_plant
    _seed_days(plant)
    _seed_months(plant)
    _seed_years(plant)
    for system_id, (energies, _) in PANELS.items():
        plant.panels(DAY, {f"E1/I{n}/1": energy for n, energy in enumerate(energies)}, system_id=system_id)
    plant.panels(DAY, {"E1/I1/1": 1.0, "E2/I2/1": 0.0}, system_id="two_ecus")
    plant.panels(NEXT_DAY, {"E1/I1/1": 7.0}, system_id="two_ecus")
    _seed_devices(plant)
    plant.build()
    return plant


def _seed_devices(plant: Plant) -> None:
    plant.system("clock")
    for day in (DAY, SPRING, AUTUMN):
        plant.total("daily", day, 1.0, system_id="clock")

    plant.inverter("I1", "E1", "listed")
    plant.inverter("I2", "E1", "two_ecus")
    plant.panels(DAY, {"E1/I1/1": 1.0, "E1/I2/1": 1.0}, system_id="listed")

    plant.add("ecu_daily_energy", system_id="ecus", ecu_id="E1", date=DAY, energy_kwh=1.5, is_final=True)
    plant.panels(DAY, {"E1/I1/1": 0.4, "E1/I1/2": 1.0}, system_id="ecus")
    plant.inverter("I9", "E2", "ecus")

    plant.inverter("I9", "E2", "gone")
    plant.rows["inverters"][-1]["gone_utc"] = datetime(2024, 3, 6, 12, tzinfo=UTC)
    for day in (DAY, NEXT_DAY, THIRD_DAY):
        plant.total("daily", day, 1.0, system_id="gone")


def _seed_days(plant: Plant) -> None:
    plant.system("whole", capacity_kw=2.0)
    plant.total("daily", DAY, 0.6, system_id="whole")
    plant.hours(DAY, HOURS, system_id="whole")
    plant.panels(DAY, {"E1/I1/1": 0.4, "E1/I1/2": 0.200001}, system_id="whole")

    plant.total("daily", DAY, None, system_id="absent")
    plant.total("daily", NEXT_DAY, 0.0, system_id="absent")
    plant.hours(THIRD_DAY, [None] * 24, system_id="absent")
    plant.total("daily", FOURTH_DAY, 0.6, is_final=False, system_id="absent")

    # In Madrid the day ends at 23:00 UTC; five revision days later it is final.
    early, late = (datetime(2024, 3, 10, 22, 59, tzinfo=UTC), datetime(2024, 3, 10, 23, 0, tzinfo=UTC))
    for system_id, sent in (("early", early), ("late", late), ("mars", late)):
        plant.system(system_id)
        plant.hours(DAY, HOURS, sent, system_id)
        plant.panels(DAY, {"E1/I1/1": 0.4}, sent, system_id)
    plant.rows["systems"][-1]["timezone"] = "Mars/Olympus"

    first, second = {"E1/I1/1": 1.0}, {"E1/I1/2": 1.0}
    for day, some in (
        (DAY, first),
        (NEXT_DAY, first | second),
        (THIRD_DAY, second),
        (FOURTH_DAY, first | second),
    ):
        plant.panels(day, some, system_id="panels")

    plant.inverter("I8", "E2", "silent_ecu")
    plant.inverter("I9", "E2", "silent_ecu")
    plant.panels(DAY, first, system_id="silent_ecu")


def _seed_months(plant: Plant) -> None:
    plant.system("months", capacity_kw=2.0, created=date(2022, 2, 11))
    plant.total("monthly", date(2022, 2, 1), 30.0, system_id="months")
    plant.total("daily", date(2022, 2, 11), 10.1, system_id="months")
    plant.total("daily", date(2022, 2, 12), 19.9, system_id="months")
    plant.total("daily", date(2022, 2, 13), None, is_final=False, system_id="months")
    plant.total("daily", date(2022, 3, 1), 5.0, system_id="months")
    for system_id, capacity_kw in (("capacity_0", 0.0), ("capacity_null", None)):
        plant.system(system_id, capacity_kw)
        plant.total("monthly", date(2022, 2, 1), 30.0, system_id == "capacity_0", system_id)


def _seed_years(plant: Plant) -> None:
    plant.system("years", capacity_kw=2.0, created=date(2022, 9, 30))
    for month, energy in ((9, 0.1), (10, 0.2), (11, 0.3)):
        plant.total("monthly", date(2022, month, 1), energy, system_id="years")
    plant.total("monthly", date(2022, 12, 1), None, is_final=False, system_id="years")
    plant.total("yearly", 2022, 0.6, system_id="years")
    plant.total("yearly", 2023, 7.0, is_final=False, system_id="years")

    plant.system("registered", created=date(2022, 2, 28))
    for month in (date(2021, 12, 1), date(2022, 1, 1), date(2022, 2, 1)):
        plant.total("monthly", month, 1.0, system_id="registered")
    for day in (date(2022, 1, 31), date(2022, 2, 27), date(2022, 2, 28)):
        plant.total("daily", day, 1.0, system_id="registered")


def rows_of(plant: Plant, mart: str, system_id: str) -> list[dict[str, Any]]:
    return plant.query(f"FROM mart.{mart} WHERE system_id = '{system_id}'")


class TestDailyProduction:
    def test_figure_finality_and_coverage_stand_side_by_side(self, built: Plant) -> None:
        assert rows_of(built, "daily_production", "whole") == [
            {
                "system_id": "whole",
                "date": DAY,
                "energy_kwh": 0.6,
                "state": "final",
                "is_final": True,
                "kwh_per_kw": 0.3,
                "hourly_kwh": 0.6,  # and not 0.6000000000000001
                "hours_reported": 18,
                "coverage": 0.75,
                "hours_are_final": True,
                "panels_kwh": 0.600001,
                "panels_reported": 2,
                "panels_expected": 2,
                "panels_are_final": True,
            }
        ]

    def test_absent_is_null_and_zero_is_zero(self, built: Plant) -> None:
        null, zero, no_row, still_open = rows_of(built, "daily_production", "absent")
        assert (null["energy_kwh"], null["state"], null["is_final"]) == (None, "no number", True)
        assert (null["hourly_kwh"], null["hours_reported"], null["hours_are_final"]) == (None, 0, None)
        assert (null["coverage"], no_row["coverage"]) == (0.0, 0.0)
        assert (null["panels_kwh"], null["panels_reported"], null["panels_are_final"]) == (None, 0, None)
        assert (zero["energy_kwh"], zero["state"]) == (0.0, "final")
        assert (no_row["energy_kwh"], no_row["state"], no_row["is_final"]) == (None, "no number", None)
        assert (no_row["hourly_kwh"], no_row["hours_reported"], no_row["hours_are_final"]) == (None, 0, True)
        assert (still_open["energy_kwh"], still_open["state"]) == (0.6, "provisional")

    @pytest.mark.parametrize(("system_id", "final"), [("early", False), ("late", True), ("mars", False)])
    def test_hours_and_panels_are_final_after_the_revision_days(
        self, built: Plant, system_id: str, final: bool
    ) -> None:
        """An unknown zone is taken for UTC, where the day ends an hour later."""
        (row,) = rows_of(built, "daily_production", system_id)
        assert (row["hours_are_final"], row["panels_are_final"]) == (final, final)

    def test_a_panel_is_expected_between_its_first_and_its_last_report(self, built: Plant) -> None:
        rows = rows_of(built, "daily_production", "panels")
        counts = [(row["panels_reported"], row["panels_expected"]) for row in rows]
        assert counts == [(1, 1), (2, 2), (1, 2), (2, 2)]

    def test_a_silent_ecu_counts_by_its_inverters(self, built: Plant) -> None:
        (row,) = rows_of(built, "daily_production", "silent_ecu")
        assert (row["panels_reported"], row["panels_expected"]) == (1, 3)


class TestMonthlyProduction:
    def test_a_month_beside_its_days(self, built: Plant) -> None:
        february, march = rows_of(built, "monthly_production", "months")
        assert february == {
            "system_id": "months",
            "month": date(2022, 2, 1),
            "energy_kwh": 30.0,
            "state": "final",
            "is_final": True,
            "kwh_per_kw": 15.0,
            "daily_kwh": 30.0,
            "days_reported": 2,
            "days_expected": 18,
            "coverage": 2 / 18,
            "days_in_month": 28,
            "days_are_final": False,
        }
        assert (march["energy_kwh"], march["state"], march["kwh_per_kw"]) == (None, "no number", None)
        assert (march["daily_kwh"], march["days_expected"], march["days_in_month"]) == (5.0, 31, 31)

    @pytest.mark.parametrize(
        ("system_id", "state"), [("capacity_0", "final"), ("capacity_null", "provisional")]
    )
    def test_no_capacity_gives_no_specific_yield(self, built: Plant, system_id: str, state: str) -> None:
        (row,) = rows_of(built, "monthly_production", system_id)
        assert (row["kwh_per_kw"], row["state"], row["energy_kwh"]) == (None, state, 30.0)
        assert (row["daily_kwh"], row["days_reported"], row["days_are_final"]) == (None, 0, None)

    def test_what_came_before_the_registration_covers_nothing(self, built: Plant) -> None:
        """Registered on the last day of February, with numbers of that day and of some before it."""
        _, before, registered = rows_of(built, "monthly_production", "registered")
        assert (before["days_reported"], before["days_expected"], before["coverage"]) == (1, 0, None)
        assert (registered["days_reported"], registered["days_expected"]) == (2, 1)
        assert registered["coverage"] == 1.0


class TestYearlyProduction:
    def test_a_year_beside_its_months(self, built: Plant) -> None:
        first, second = rows_of(built, "yearly_production", "years")
        assert first == {
            "system_id": "years",
            "year": 2022,
            "energy_kwh": 0.6,
            "state": "final",
            "is_final": True,
            "kwh_per_kw": 0.3,
            "monthly_kwh": 0.6,  # and not 0.6000000000000001
            "months_reported": 3,
            "months_expected": 4,
            "coverage": 0.75,
            "months_are_final": False,
        }
        assert (second["energy_kwh"], second["state"], second["is_final"]) == (7.0, "provisional", False)
        assert (second["monthly_kwh"], second["months_reported"], second["coverage"]) == (None, 0, 0.0)
        assert (second["months_expected"], second["months_are_final"]) == (12, None)

    def test_months_without_their_year_and_before_the_registration(self, built: Plant) -> None:
        before, registered = rows_of(built, "yearly_production", "registered")
        assert (before["year"], before["months_expected"], before["coverage"]) == (2021, 0, None)
        assert (before["energy_kwh"], before["state"], before["monthly_kwh"]) == (None, "no number", 1.0)
        assert (registered["months_reported"], registered["months_expected"]) == (2, 11)
        assert registered["coverage"] == 1 / 11


class TestLocalDays:
    @pytest.mark.parametrize(
        ("day", "start", "end"),
        [
            (DAY, datetime(2024, 3, 4, 23, tzinfo=UTC), datetime(2024, 3, 5, 23, tzinfo=UTC)),
            (SPRING, datetime(2024, 3, 30, 23, tzinfo=UTC), datetime(2024, 3, 31, 22, tzinfo=UTC)),
            (AUTUMN, datetime(2024, 10, 26, 22, tzinfo=UTC), datetime(2024, 10, 27, 23, tzinfo=UTC)),
        ],
    )
    def test_a_day_is_as_long_as_its_clock_says(
        self, built: Plant, day: date, start: datetime, end: datetime
    ) -> None:
        (row,) = built.query(f"FROM mart.local_days WHERE system_id = 'clock' AND date = '{day}'")
        assert (row["start_utc"], row["end_utc"]) == (start, end)
        assert row["final_utc"] == end + timedelta(days=5)

    def test_an_unknown_zone_is_taken_for_utc(self, built: Plant) -> None:
        (row,) = rows_of(built, "local_days", "mars")
        assert row["start_utc"] == datetime(2024, 3, 5, tzinfo=UTC)


class TestEcuDaily:
    def test_an_ecu_beside_its_panels(self, built: Plant) -> None:
        first, second = rows_of(built, "ecu_daily", "ecus")
        assert first == {
            "system_id": "ecus",
            "ecu_id": "E1",
            "date": DAY,
            "energy_kwh": 1.5,
            "is_final": True,
            "is_expected": True,
            "panels_kwh": 1.4,
            "panels_reported": 2,
            "panels_expected": 2,
            "panels_are_final": True,
        }
        assert (second["ecu_id"], second["energy_kwh"], second["is_final"]) == ("E2", None, None)
        assert (second["panels_kwh"], second["panels_reported"]) == (None, 0)

    def test_an_inverter_is_expected_until_it_is_gone(self, built: Plant) -> None:
        """It goes at noon of the second day, and its ECU has no other."""
        rows = [row for row in rows_of(built, "ecu_daily", "gone") if row["ecu_id"] == "E2"]
        assert [row["panels_expected"] for row in rows] == [1, 1, 0]
        assert [row["is_expected"] for row in rows] == [True, True, False]


class TestPanelDaily:
    def test_a_panel_of_an_unknown_inverter_is_kept_and_flagged(self, built: Plant) -> None:
        rows = rows_of(built, "panel_daily", "listed")
        assert [(row["inverter_id"], row["is_listed"]) for row in rows] == [("I1", True), ("I2", False)]

    @pytest.mark.parametrize("system_id", PANELS)
    def test_median_of_the_others(self, built: Plant, system_id: str) -> None:
        energies, medians = PANELS[system_id]
        rows = rows_of(built, "panel_daily", system_id)
        assert [row["energy_kwh"] for row in rows] == energies
        assert [row["peer_median_kwh"] for row in rows] == medians
        known = sum(energy is not None for energy in energies)
        assert [row["peers"] for row in rows] == [known - (energy is not None) for energy in energies]
        assert [row["ratio"] for row in rows] == [
            None if energy is None or median is None else energy / median
            for energy, median in zip(energies, medians, strict=True)
        ]

    def test_peers_report_through_every_ecu_but_only_that_day(self, built: Plant) -> None:
        first, second, alone = rows_of(built, "panel_daily", "two_ecus")
        assert (first["ecu_id"], first["peer_median_kwh"], first["ratio"]) == ("E1", 0.0, None)
        assert (second["ecu_id"], second["peer_median_kwh"], second["ratio"]) == ("E2", 1.0, 0.0)
        assert (alone["peers"], alone["peer_median_kwh"], alone["energy_kwh"]) == (0, None, 7.0)

    @pytest.mark.parametrize(
        ("system_id", "comparable"),
        [("odd", [True] * 3), ("alike", [False] * 2), ("one_null", [False] * 3), ("faint", [False] * 3)],
    )
    def test_a_ratio_says_something_beside_two_peers_in_daylight(
        self, built: Plant, system_id: str, comparable: list[bool]
    ) -> None:
        rows = rows_of(built, "panel_daily", system_id)
        assert [row["is_comparable"] for row in rows] == comparable
