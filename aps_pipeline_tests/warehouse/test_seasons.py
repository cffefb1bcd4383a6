"""Month against month a year before, and the usual day of a month."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from aps_pipeline_tests.warehouse.conftest import Plant

SOON = datetime(2024, 3, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    _seed_years(shared_plant)
    _seed_hours(shared_plant)
    shared_plant.build()
    return shared_plant


def _seed_years(plant: Plant) -> None:
    energies: dict[date, float | None] = {
        date(2023, 2, 27): 1.0,
        date(2023, 2, 28): 0.1,
        date(2023, 3, 1): 5.0,
        date(2024, 2, 26): 9.0,  # nothing a year before
        date(2024, 2, 27): None,
        date(2024, 2, 28): 0.3,
        date(2024, 2, 29): 9.0,
        date(2024, 3, 1): 0.0,
        date(2025, 2, 28): 0.1,
        date(2025, 3, 1): 2.0,
    }
    for day, energy in energies.items():
        plant.total("daily", day, energy, system_id="leap")
    for year, energy in ((2023, 0.1), (2024, 0.2)):
        for day in range(1, 4):
            plant.total("daily", date(year, 4, day), energy, system_id="thrice")
        plant.total("daily", date(year, 4, 4), 7.0, is_final=year == 2023, system_id="thrice")
        plant.total("daily", date(year, 4, 5), 7.0, is_final=year == 2024, system_id="thrice")
        plant.total("daily", date(year, 4, 6), 7.0, system_id=f"only_{year}")
    plant.total("daily", date(2025, 5, 1), 1.0, is_final=False, system_id="open")


def _seed_hours(plant: Plant) -> None:
    """Noon of 2023, 2024 and 2025 in three whole days of March; beside them days that are none."""
    for day, noon in ((date(2023, 3, 5), 0.1), (date(2024, 3, 6), 0.2), (date(2025, 3, 7), 0.9)):
        plant.hours(day, _day(noon), system_id="profile")
    plant.hours(date(2024, 3, 7), [None, *_day(100.0)[1:]], system_id="profile")
    plant.hours(date(2024, 3, 8), _day(100.0)[:23], system_id="profile")
    plant.hours(date(2024, 3, 9), _day(100.0), SOON, system_id="profile")
    plant.hours(date(2024, 3, 31), _day(0.5), system_id="clock")  # 2:00 is skipped
    plant.hours(date(2024, 9, 1), _day(0.5), system_id="clock")
    plant.hours(date(2024, 3, 5), [None] * 24, system_id="dark")


def _day(noon: float) -> list[float | None]:
    return [0.0] * 12 + [noon] + [0.0] * 11


def years_of(plant: Plant, system_id: str) -> list[dict[str, Any]]:
    return plant.query(
        f"SELECT * EXCLUDE system_id FROM mart.year_on_year WHERE system_id = '{system_id}' ORDER BY month"
    )


class TestYearOnYear:
    def test_only_days_with_a_number_in_both_years_are_compared(self, built: Plant) -> None:
        rows = years_of(built, "leap")
        assert rows[2] == {
            "month": date(2024, 2, 1),
            "energy_kwh": 0.3,
            "energy_before_kwh": 0.1,
            "ratio": 0.3 / 0.1,
            "days_compared": 1,
            "days_in_month": 29,
        }
        assert [(row["month"], row["energy_kwh"], row["energy_before_kwh"]) for row in rows] == [
            (date(2023, 2, 1), None, None),
            (date(2023, 3, 1), None, None),
            (date(2024, 2, 1), 0.3, 0.1),
            (date(2024, 3, 1), 0.0, 5.0),
            (date(2025, 2, 1), 0.1, 0.3),
            (date(2025, 3, 1), 2.0, 0.0),
        ]
        assert [row["days_compared"] for row in rows] == [0, 0, 1, 1, 1, 1]
        assert [row["ratio"] for row in rows] == [None, None, 0.3 / 0.1, 0.0, 0.1 / 0.3, None]

    def test_provisional_days_of_either_year_are_left_out(self, built: Plant) -> None:
        _, row = years_of(built, "thrice")
        assert (row["energy_kwh"], row["energy_before_kwh"]) == (0.6, 0.3)  # and not 0.6000000000000001
        assert (row["days_compared"], row["days_in_month"]) == (3, 30)
        assert years_of(built, "open") == []

    def test_systems_are_not_mixed(self, built: Plant) -> None:
        (row,) = years_of(built, "only_2024")
        assert (row["energy_kwh"], row["ratio"], row["days_compared"]) == (None, None, 0)


class TestHourlyProfile:
    def test_whole_final_days_of_a_calendar_month_over_all_years(self, built: Plant) -> None:
        rows = built.query("FROM mart.hourly_profile WHERE system_id = 'profile'")
        assert [row["hour"] for row in rows] == list(range(24))
        noon = rows.pop(12)
        assert noon == {
            "system_id": "profile",
            "calendar_month": 3,
            "hour": 12,
            "mean_kwh": pytest.approx(0.4, abs=1e-12),
            "median_kwh": 0.2,
            "p10_kwh": pytest.approx(0.12, abs=1e-12),  # a fifth of the way from 0.1 to 0.2
            "p90_kwh": pytest.approx(0.76, abs=1e-12),  # four fifths of the way from 0.2 to 0.9
            "days": 3,
        }
        assert {row["mean_kwh"] for row in rows} | {row["p90_kwh"] for row in rows} == {0.0}

    def test_months_stand_apart_and_a_day_of_23_hours_counts(self, built: Plant) -> None:
        rows = built.query("FROM mart.hourly_profile WHERE system_id = 'clock' AND hour = 12")
        assert [(row["calendar_month"], row["mean_kwh"], row["days"]) for row in rows] == [
            (3, 0.5, 1),
            (9, 0.5, 1),
        ]

    def test_hours_without_numbers_give_no_profile(self, built: Plant) -> None:
        assert built.query("FROM mart.hourly_profile WHERE system_id = 'dark'") == []
