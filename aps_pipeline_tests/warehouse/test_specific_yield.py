"""Energy over the capacity of its time: what was known of it, and what is an assumption."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from aps_pipeline_tests.warehouse.conftest import Plant

DAY = date(2024, 3, 5)
BEGIN, END = datetime(2024, 3, 4, 23, tzinfo=UTC), datetime(2024, 3, 5, 23, tzinfo=UTC)
"""The day in Madrid."""

JANUARY, NOON, MAY = (datetime(2024, month, day, 11, tzinfo=UTC) for month, day in ((1, 1), (3, 5), (5, 1)))

FIRST, LAST, CHANGE = (
    "assumed from the first sighting",
    "assumed from the last sighting",
    "assumed until the change",
)
Stretch = tuple[float | None, datetime, datetime]
CASES: dict[str, tuple[list[Stretch], float | None, str]] = {
    "none": ([], None, "unknown"),
    "never_given": ([(None, JANUARY, MAY)], None, "unknown"),
    "around": ([(10.0, JANUARY, MAY)], 10.0, "seen"),
    "from_midnight_to_midnight": ([(10.0, BEGIN, END)], 10.0, "seen"),
    "since_noon": ([(10.0, NOON, MAY)], 10.0, FIRST),
    "later": ([(10.0, MAY, MAY)], 10.0, FIRST),
    "later_and_changed": ([(10.0, END, END), (12.0, MAY, MAY)], 10.0, FIRST),
    "until_noon": ([(10.0, JANUARY, NOON)], 10.0, LAST),
    "earlier": ([(8.0, JANUARY, JANUARY), (10.0, BEGIN, BEGIN)], 10.0, LAST),
    "only_at_noon": ([(10.0, NOON, NOON)], 10.0, FIRST),
    "between": ([(10.0, JANUARY, JANUARY), (12.0, MAY, MAY)], 10.0, CHANGE),
    "between_with_a_gap": ([(10.0, JANUARY, JANUARY), (None, NOON, NOON), (10.0, MAY, MAY)], 10.0, "seen"),
    "at_noon": ([(10.0, JANUARY, BEGIN), (12.0, NOON, MAY)], None, "changed"),
    "at_noon_and_back": (
        [(10.0, JANUARY, JANUARY), (12.0, NOON, NOON), (10.0, MAY, MAY)], None, "changed",
    ),
    "twice": ([(10.0, NOON, NOON), (12.0, NOON.replace(hour=12), MAY)], None, "changed"),
}  # fmt: skip


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    plant = shared_plant
    for system_id, (stretches, _, _) in CASES.items():
        plant.system(system_id)
        _seed(plant, system_id, stretches)
        plant.total("daily", DAY, 42.0, system_id=system_id)
    plant.system("grown")
    _seed(plant, "grown", [(10.0, JANUARY, NOON), (12.0, NOON.replace(day=20), MAY)])
    for month in (2, 3, 4):
        plant.total("monthly", date(2024, month, 1), 600.0, month < 4, "grown")
    for day in (19, 20, 21):
        plant.total("daily", date(2024, 3, day), 24.0, system_id="grown")
    _seed(plant, "no_zone", [(0.0, datetime(2024, 3, 5, tzinfo=UTC), END.replace(day=6, hour=0))])
    plant.total("daily", DAY, 42.0, system_id="no_zone")
    plant.total("daily", date(2024, 3, 6), None, system_id="no_zone")
    plant.build()
    return plant


def _seed(plant: Plant, system_id: str, stretches: list[Stretch]) -> None:
    for capacity_kw, first, last in stretches:
        plant.add(
            "system_capacity",
            system_id=system_id,
            capacity_kw=capacity_kw,
            first_seen_utc=first,
            last_seen_utc=last,
        )


@pytest.mark.parametrize("system_id", CASES)
def test_the_capacity_of_a_day_and_what_it_rests_on(built: Plant, system_id: str) -> None:
    _, capacity_kw, basis = CASES[system_id]
    (row,) = built.query(f"FROM mart.specific_yield WHERE system_id = '{system_id}'")
    assert row == {
        "system_id": system_id,
        "level": "daily",
        "period": "2024-03-05",
        "first_date": DAY,
        "energy_kwh": 42.0,
        "state": "final",
        "capacity_kw": capacity_kw,
        "capacity_basis": basis,
        "kwh_per_kwp": None if capacity_kw is None else 4.2,
    }


def test_a_month_of_change_has_no_yield_but_its_days_have(built: Plant) -> None:
    rows = built.query("FROM mart.specific_yield WHERE system_id = 'grown'")
    assert [(row["period"], row["capacity_kw"], row["kwh_per_kwp"], row["state"]) for row in rows] == [
        ("2024-03-19", 10.0, 2.4, "final"),
        ("2024-03-20", None, None, "final"),
        ("2024-03-21", 12.0, 2.0, "final"),
        ("2024-02", 10.0, 60.0, "final"),
        ("2024-03", None, None, "final"),
        ("2024-04", 12.0, 50.0, "provisional"),
    ]
    assert [row["capacity_basis"] for row in rows] == [CHANGE, "changed", "seen", "seen", "changed", "seen"]


def test_without_a_zone_days_are_those_of_utc_and_0_kw_give_no_yield(built: Plant) -> None:
    first, second = built.query("FROM mart.specific_yield WHERE system_id = 'no_zone'")
    assert (first["capacity_basis"], first["capacity_kw"], first["kwh_per_kwp"]) == ("seen", 0.0, None)
    assert (second["capacity_basis"], second["state"], second["energy_kwh"]) == (LAST, "no number", None)
