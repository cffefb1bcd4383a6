"""Figures of summaries that contradict one another, and those that only look so. Each case is a system."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from aps_pipeline import warehouse
from aps_pipeline.warehouse import CheckResult, checks
from aps_pipeline_tests.warehouse.conftest import Plant

SPANS = ("today", "month", "year", "lifetime")
Figures = tuple[float | None, float | None, float | None, float | None]
Seed = Callable[[Plant, str], None]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def snapshots(*told: tuple[str, Figures], table: str = "system_summary", **ids: Any) -> Seed:
    """Summaries by their moment in UTC: today, month, year and lifetime. Clocks in Madrid are 1 h ahead."""

    def seed(plant: Plant, system_id: str) -> None:
        plant.system(system_id)
        for moment, figures in told:
            columns = dict(zip((f"{span}_kwh" for span in SPANS), figures, strict=True))
            plant.add(table, at(moment), system_id=system_id, taken_utc=at(moment), **ids, **columns)

    return seed


def lifetimes(*kwh: float | None, **more: Any) -> Seed:
    told = [(f"2024-03-{n:02d}T12:00", (None, None, None, each)) for n, each in enumerate(kwh, 1)]
    return snapshots(*told, **more)


def of_a_meter(*told: dict[str, float]) -> Seed:
    def seed(plant: Plant, system_id: str) -> None:
        plant.system(system_id)
        for n, columns in enumerate(told, 1):
            moment = at(f"2024-03-{n:02d}T12:00")
            plant.add(
                "meter_summary", moment, system_id=system_id, meter_id="M1", taken_utc=moment, **columns
            )

    return seed


def beside_lists(summary: tuple[str, Figures], listed: str, months: float, years: list[float]) -> Seed:
    """A summary of 2024, and the lists of March and of the years up to 2024 as they were given then."""

    def seed(plant: Plant, system_id: str) -> None:
        snapshots(summary)(plant, system_id)
        monthly, yearly = (plant.call(level, at(listed)) for level in ("monthly", "yearly"))
        plant.total("monthly", date(2024, 3, 1), months, False, system_id)
        plant.rows["system_monthly_energy"][-1]["call_id"] = monthly
        for year, kwh in enumerate(years, 2025 - len(years)):
            plant.total("yearly", year, kwh, False, system_id)
            plant.rows["system_yearly_energy"][-1]["call_id"] = yearly

    return seed


INVERTER = {"table": "inverter_summary", "inverter_id": "I1", "channel": 2}
NOON: Figures = (5.0, 50.0, 500.0, 5000.0)
CASES: dict[str, tuple[Seed, list[tuple[str, str, float]]]] = {
    # what is found: span, finding, by how much
    "grows": (lifetimes(1.0, 2.5, 2.5, 12345.68), []),
    "fell": (lifetimes(12345.68, 12.0, 12350.0), [("lifetime", "fell", 12333.68)]),
    "fell_over_a_gap": (lifetimes(100.0, None, 99.0), [("lifetime", "fell", 1.0)]),
    "rounds": (lifetimes(100.01, 100.0), []),
    "just_more_than_rounding": (lifetimes(100.02, 100.0), [("lifetime", "fell", 0.02)]),
    "fell_of_a_channel": (lifetimes(7.0, 6.0, **INVERTER), [("lifetime", "fell", 1.0)]),
    "fell_of_an_ecu": (lifetimes(7.0, 6.0, table="ecu_summary", ecu_id="E1"), [("lifetime", "fell", 1.0)]),
    "month_above_year": (
        snapshots(("2024-03-05T12:00", (5.0, 9999.0, 2345.0, 50000.0))),
        [("month", "above a longer span", 7654.0)],
    ),
    "today_above_month": (
        snapshots(("2024-03-05T12:00", (5.0, 4.0, 500.0, 5000.0))),
        [("today", "above a longer span", 1.0)],
    ),
    "year_above_lifetime": (
        snapshots(("2024-03-05T12:00", (5.0, 50.0, 500.0, 499.0))),
        [("year", "above a longer span", 1.0)],
    ),
    "first_day": (snapshots(("2024-01-01T12:00", (5.0, 5.0, 5.0, 5.0))), []),
    "rounds_apart": (snapshots(("2024-03-05T12:00", (5.0049, 5.0, 5.0, 5.0))), []),
    "resets": (
        snapshots(("2024-03-31T20:00", NOON), ("2024-04-01T12:00", (0.0, 0.0, 500.0, 5000.0))),
        [],
    ),
    "new_year": (
        snapshots(("2023-12-31T20:00", NOON), ("2024-01-01T12:00", (0.0, 0.0, 0.0, 5000.0))),
        [],
    ),
    "local_midnight": (
        # 22:30 and 23:30 UTC are 23:30 and 00:30 in Madrid: another day there, the same one in UTC.
        snapshots(("2024-03-05T20:00", NOON), ("2024-03-06T00:30", (0.0, 50.0, 500.0, 5000.0))),
        [],
    ),
    "late_turn": (
        # Half an hour past midnight the server may still speak of the day before, or already of the next.
        snapshots(
            ("2024-03-05T23:30", NOON),
            ("2024-03-06T12:00", (1.0, 51.0, 501.0, 5001.0)),
            ("2024-03-06T22:30", (0.0, 51.0, 501.0, 5001.0)),
        ),
        [],
    ),
    "fell_within_a_day": (
        snapshots(("2024-03-05T10:00", NOON), ("2024-03-05T12:00", (4.0, 49.0, 499.0, 5000.0))),
        [("month", "fell", 1.0), ("today", "fell", 1.0), ("year", "fell", 1.0)],
    ),
    "a_flow_of_a_meter": (
        of_a_meter(
            {"imported_lifetime_kwh": 9.0, "exported_lifetime_kwh": 1.0}, {"imported_lifetime_kwh": 8.0}
        ),
        [("lifetime", "fell", 1.0)],
    ),
    "a_meter_above_its_year": (
        of_a_meter({"consumed_month_kwh": 9.0, "consumed_year_kwh": 8.0, "produced_year_kwh": 1.0}),
        [("month", "above a longer span", 1.0)],
    ),
    "above_its_lists": (
        beside_lists(("2024-03-05T12:00", NOON), "2024-03-07T12:00", 49.0, [4000.0, 499.0]),
        [("month", "above its list", 1.0), ("year", "above its list", 1.0)],
    ),
    "lists_that_lag": (beside_lists(("2024-03-05T12:00", NOON), "2024-03-05T13:00", 49.0, [499.0]), []),
    "below_its_years": (
        beside_lists(("2024-03-05T12:00", NOON), "2024-03-03T12:00", 1.0, [4600.0, 401.0]),
        [("lifetime", "below its years", 1.0)],
    ),
    "as_its_years": (beside_lists(("2024-03-05T12:00", NOON), "2024-03-03T12:00", 1.0, [4600.0, 400.0]), []),
}


@pytest.fixture(scope="module")
def found(shared_plant: Plant) -> CheckResult:
    for system_id, (seed, _) in CASES.items():
        seed(shared_plant, system_id)
    shared_plant.build()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "_SAMPLE", 1000)
        with warehouse.open_warehouse(shared_plant.path) as connection:
            return next(each for each in warehouse.run_checks(connection) if each.name == "counters")


@pytest.mark.parametrize("system_id", CASES)
def test_counters(found: CheckResult, system_id: str) -> None:
    rows = [row for row in found.sample if row["system_id"] == system_id]
    assert sorted((row["span"], row["finding"], row["off_kwh"]) for row in rows) == CASES[system_id][1]


def test_a_row_names_both_figures_and_their_calls(found: CheckResult) -> None:
    (row,) = [row for row in found.sample if row["system_id"] == "fell"]
    assert (row["other_kwh"], row["kwh"], found.severity) == (12345.68, 12.0, "warning")
    assert row["other_call_id"] < row["call_id"]
    (row,) = [row for row in found.sample if row["system_id"] == "fell_of_a_channel"]
    assert (row["table_name"], row["device_id"], row["channel"]) == ("inverter_summary", "I1", 2)
    (row,) = [row for row in found.sample if row["system_id"] == "a_flow_of_a_meter"]
    assert (row["device_id"], row["flow"]) == ("M1", "imported")
