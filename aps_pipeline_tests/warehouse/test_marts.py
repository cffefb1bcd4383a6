"""What each mart says of a tiny plant, number by number."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from aps_pipeline_tests.warehouse.conftest import Plant

DAY = date(2024, 3, 5)
NIGHT = [None] * 6
SUN = [0.1, 0.2, 0.3] + [0.0] * 15
"""With the night before them, the 24 hours of a day that made 0.6 kWh."""


def day_of(plant: Plant, day: date = DAY, system_id: str = "S1") -> dict[str, object]:
    (row,) = plant.query(f"FROM mart.daily_production WHERE date = '{day}' AND system_id = '{system_id}'")
    return row


class TestDailyProduction:
    def test_figure_finality_and_coverage_stand_side_by_side(self, plant: Plant) -> None:
        plant.system(capacity_kw=2.0)
        plant.total("daily", DAY, 0.6)
        plant.hours(DAY, NIGHT + SUN)
        plant.panels(DAY, {"E1/I1/1": 0.4, "E1/I1/2": 0.200001})
        plant.build()
        assert day_of(plant) == {
            "system_id": "S1",
            "date": DAY,
            "energy_kwh": 0.6,
            "state": "final",
            "is_final": True,
            "kwh_per_kw": 0.3,
            "hourly_kwh": 0.6,  # and not 0.6000000000000001
            "hours_reported": 18,
            "hours_are_final": True,
            "panels_kwh": 0.600001,
            "panels_reported": 2,
            "panels_expected": 2,
            "panels_are_final": True,
        }

    def test_absent_is_null_and_zero_is_zero(self, plant: Plant) -> None:
        plant.total("daily", DAY, None)
        plant.total("daily", date(2024, 3, 6), 0.0)
        plant.hours(date(2024, 3, 7), [None] * 24)
        plant.build()
        no_number, zero, no_row = plant.query("FROM mart.daily_production ORDER BY date")
        assert (no_number["energy_kwh"], no_number["state"], no_number["is_final"]) == (
            None,
            "no number",
            True,
        )
        assert (no_number["hourly_kwh"], no_number["hours_reported"], no_number["panels_kwh"]) == (
            None,
            0,
            None,
        )
        assert (zero["energy_kwh"], zero["state"]) == (0.0, "final")
        assert (no_row["energy_kwh"], no_row["state"], no_row["is_final"]) == (None, "no number", None)
        assert (no_row["hourly_kwh"], no_row["hours_reported"]) == (None, 0)

    def test_an_open_day_is_provisional(self, plant: Plant) -> None:
        plant.total("daily", DAY, 0.6, is_final=False)
        plant.build()
        assert day_of(plant)["state"] == "provisional"

    @pytest.mark.parametrize(
        ("sent", "final"),
        [
            # The day ends at 23:00 UTC in Madrid; five revision days later it is final.
            (datetime(2024, 3, 10, 22, 59, tzinfo=UTC), False),
            (datetime(2024, 3, 10, 23, 0, tzinfo=UTC), True),
        ],
    )
    def test_hours_and_panels_are_final_after_the_revision_days(
        self, plant: Plant, sent: datetime, final: bool
    ) -> None:
        plant.system()
        plant.hours(DAY, NIGHT + SUN, sent)
        plant.panels(DAY, {"E1/I1/1": 0.4}, sent)
        plant.build()
        assert day_of(plant)["hours_are_final"] is final
        assert day_of(plant)["panels_are_final"] is final

    def test_a_panel_is_expected_between_its_first_and_its_last_report(self, plant: Plant) -> None:
        plant.panels(date(2024, 3, 4), {"E1/I1/1": 1.0})
        plant.panels(date(2024, 3, 5), {"E1/I1/1": 1.0, "E1/I1/2": 1.0})
        plant.panels(date(2024, 3, 6), {"E1/I1/2": 1.0})
        plant.panels(date(2024, 3, 7), {"E1/I1/1": 1.0, "E1/I1/2": 1.0})
        plant.build()
        counts = plant.query(
            "SELECT panels_reported AS r, panels_expected AS e FROM mart.daily_production ORDER BY date"
        )
        assert [(row["r"], row["e"]) for row in counts] == [(1, 1), (2, 2), (1, 2), (2, 2)]

    def test_a_silent_ecu_counts_by_its_inverters(self, plant: Plant) -> None:
        for inverter in ("I8", "I9"):
            plant.inverter(inverter, "E2")
        plant.panels(DAY, {"E1/I1/1": 1.0})
        plant.build()
        assert day_of(plant)["panels_expected"] == 3

    def test_a_zone_that_duckdb_does_not_know_does_not_stop_the_build(self, plant: Plant) -> None:
        plant.system()
        plant.rows["systems"][0]["timezone"] = "Mars/Olympus"
        plant.hours(DAY, NIGHT + SUN)
        plant.build()
        assert day_of(plant)["hours_are_final"] is True


class TestMonthlyProduction:
    def test_a_month_beside_its_days(self, plant: Plant) -> None:
        plant.system(capacity_kw=2.0, created=date(2024, 2, 11))
        plant.total("monthly", date(2024, 2, 1), 30.0)
        plant.total("daily", date(2024, 2, 11), 10.1)
        plant.total("daily", date(2024, 2, 12), 19.9)
        plant.total("daily", date(2024, 2, 13), None, is_final=False)
        plant.total("daily", date(2024, 3, 1), 5.0)
        plant.build()
        february, march = plant.query("FROM mart.monthly_production ORDER BY month")
        assert february == {
            "system_id": "S1",
            "month": date(2024, 2, 1),
            "energy_kwh": 30.0,
            "state": "final",
            "is_final": True,
            "kwh_per_kw": 15.0,
            "daily_kwh": 30.0,
            "days_reported": 2,
            "days_expected": 19,
            "days_in_month": 29,
            "days_are_final": False,
        }
        assert (march["energy_kwh"], march["state"], march["kwh_per_kw"]) == (None, "no number", None)
        assert (march["daily_kwh"], march["days_expected"], march["days_in_month"]) == (5.0, 31, 31)

    def test_no_capacity_gives_no_specific_yield(self, plant: Plant) -> None:
        plant.system("S1", capacity_kw=0.0)
        plant.system("S2", capacity_kw=None)
        plant.total("monthly", date(2024, 2, 1), 30.0)
        plant.total("monthly", date(2024, 2, 1), 30.0, is_final=False, system_id="S2")
        plant.build()
        rows = plant.query("FROM mart.monthly_production ORDER BY system_id")
        assert [(row["kwh_per_kw"], row["state"]) for row in rows] == [(None, "final"), (None, "provisional")]
        assert [row["days_are_final"] for row in rows] == [None, None]


class TestPanelDaily:
    @pytest.mark.parametrize(
        ("energies", "medians"),
        [
            ([1.0, 2.0, 4.0, 8.0], [4.0, 4.0, 2.0, 2.0]),
            ([1.0, 2.0, 4.0], [3.0, 2.5, 1.5]),
            ([5.0, 5.0], [5.0, 5.0]),
            ([3.0], [None]),
            ([1.0, None, 3.0], [3.0, 2.0, 1.0]),
            ([None], [None]),
            ([None, 2.0], [2.0, None]),
            ([None, None], [None, None]),
        ],
    )
    def test_median_of_the_others(
        self, plant: Plant, energies: list[float | None], medians: list[float | None]
    ) -> None:
        plant.panels(DAY, {f"E1/I{n}/1": energy for n, energy in enumerate(energies)})
        plant.panels(DAY, {"E9/I1/1": 100.0}, system_id="S2")  # no peer: another system
        plant.build()
        rows = plant.query("FROM mart.panel_daily WHERE system_id = 'S1' ORDER BY inverter_id")
        assert [row["peer_median_kwh"] for row in rows] == medians
        known = sum(energy is not None for energy in energies)
        assert [row["peers"] for row in rows] == [known - (energy is not None) for energy in energies]
        assert [row["ratio"] for row in rows] == [
            None if energy is None or median is None else energy / median
            for energy, median in zip(energies, medians, strict=True)
        ]

    def test_peers_report_through_every_ecu_but_only_that_day(self, plant: Plant) -> None:
        plant.panels(DAY, {"E1/I1/1": 1.0, "E2/I2/1": 0.0})
        plant.panels(date(2024, 3, 6), {"E1/I1/1": 7.0})
        plant.build()
        first, second, alone = plant.query("FROM mart.panel_daily ORDER BY date, ecu_id")
        assert (first["peer_median_kwh"], first["ratio"]) == (0.0, None)
        assert (second["peer_median_kwh"], second["ratio"], second["energy_kwh"]) == (1.0, 0.0, 0.0)
        assert (alone["peers"], alone["peer_median_kwh"]) == (0, None)
