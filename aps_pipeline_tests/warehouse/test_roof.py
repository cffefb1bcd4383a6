"""What a roof file changes: who is a peer of whom, and what a place is. Each case is a system."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from typing import Any

import pytest

from aps_pipeline import warehouse
from aps_pipeline.site import Roof, Site
from aps_pipeline_tests.warehouse.conftest import LATE, Plant

FIRST = date(2024, 3, 1)
EAST, WEST = {"azimuth": 90, "tilt": 30}, {"azimuth": 270.2, "tilt": 29.8}


def two_inverters(east: dict[str, Any], west: dict[str, Any], **more: Any) -> dict[str, Any]:
    """I1 to I3 with a panel each to the east, I4 to I6 to the west."""
    inverters: dict[str, Any] = {f"I{n}": {"panels": {1: east if n < 4 else west}} for n in range(1, 7)}
    return {"inverters": inverters | more}


ROOF = Roof.model_validate(
    {
        "systems": {
            "faced": two_inverters(EAST, WEST),
            "half": two_inverters(EAST, {}),
            "flat": {
                "tilt": 0.2,
                "inverters": {f"I{n}": {"panels": {1: {"azimuth": 90 * n}}} for n in range(1, 4)},
            },
            "north": {
                "inverters": {
                    f"I{n}": {"panels": {1: {"tilt": 9, "azimuth": 360 * (n % 2)}}} for n in range(1, 4)
                }
            },
            "ghost": {"inverters": {"A1": {"replaces": "Z1", "panels": {1: {}}}}},
            "later": {"inverters": {"N1": {"replaces": "I1", "panels": {1: {}}}}},
            "swapped_and_dead": {"inverters": {"N1": {"replaces": "I1", "panels": {1: {}, 2: {}}}}},
            "lonely": {"inverters": {"I1": {"panels": {1: EAST}}}},
            "swapped": {
                "name": "House",
                "latitude": 48.9,
                "longitude": 2.4,
                "inverters": {
                    "N1": {"replaces": "I1", "panels": {1: {"label": "Top left", "row": 1, "column": 2}}}
                },
            },
        }
    }
)
MORNING = dict.fromkeys(("I1", "I2", "I3"), 2.0) | dict.fromkeys(("I4", "I5", "I6"), 1.0)


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    plant = shared_plant
    for n in range(30):
        day = FIRST + timedelta(n)
        for system_id in ("unsaid", "faced", "half", "flat", "lonely"):
            energies = MORNING | ({"I1": 1.5, "I4": 0.5} if system_id == "faced" else {})
            plant.panels(day, {f"E1/{i}/1": kwh for i, kwh in energies.items()}, system_id=system_id)
        first = "I1" if n < 20 else "N1"
        panels = {f"E1/{first}/1": 0.5, "E1/I2/1": 1.0, "E1/I3/1": 1.0}
        plant.panels(day, dict(panels), system_id="swapped")
        plant.panels(day, {f"E1/I{i}/1": float(i) for i in range(1, 4)}, system_id="north")
        dying = {
            f"E1/{first}/1": 1.0 if n < 20 else 0.0,
            f"E1/{first}/2": 1.0,
            "E1/I2/1": 1.0,
            "E1/I3/1": 1.0,
        }
        plant.panels(day, dict(dying), system_id="swapped_and_dead")
        ghost: dict[str, float | None] = {f"E1/{i}/1": 2.0 for i in ("A1", "I2", "I3", "I4")}
        plant.panels(day, {**ghost, "E1/Z1/1": 0.0}, system_id="ghost")
    for n in range(60):
        panels = {f"E1/{'I1' if n < 31 else 'N1'}/1": 1.0, "E1/I2/1": 1.0, "E1/I3/1": 1.0}
        plant.panels(FIRST + timedelta(n), dict(panels), system_id="later")
    plant.add(
        "inverter_summary", system_id="swapped_and_dead", inverter_id="N1", channel=1, taken_utc=LATE,
        lifetime_kwh=0.0,
    )  # fmt: skip
    plant.site = Site(ROOF)
    plant.build()
    return plant


def health(plant: Plant, system_id: str) -> dict[str, dict[str, Any]]:
    rows = plant.query(f"FROM mart.panel_health WHERE system_id = '{system_id}'")
    return {row["inverter_id"]: row for row in rows}


def test_without_a_roof_file_all_are_peers(built: Plant) -> None:
    assert {i: row["ratio"] for i, row in health(built, "unsaid").items()} == {
        **dict.fromkeys(("I1", "I2", "I3"), 2.0),
        **dict.fromkeys(("I4", "I5", "I6"), 0.5),
    }


def test_panels_that_face_the_same_way_are_peers(built: Plant) -> None:
    found = health(built, "faced")
    assert {i: (row["class"], row["ratio"]) for i, row in found.items()} == {
        "I1": ("weak", 0.75),
        "I2": ("fine", 2 / 1.75),  # its peers gave 1.5 and 2
        "I3": ("fine", 2 / 1.75),
        "I4": ("weak", 0.5),
        "I5": ("fine", 1 / 0.75),  # its peers gave 0.5 and 1
        "I6": ("fine", 1 / 0.75),
    }
    days = built.query("SELECT DISTINCT facing FROM mart.panel_daily WHERE system_id = 'faced' ORDER BY 1")
    assert [row["facing"] for row in days] == ["270/30", "90/30"]


def test_those_of_which_nothing_is_said_are_peers_of_one_another(built: Plant) -> None:
    assert {row["ratio"] for row in health(built, "half").values()} == {1.0}


def test_one_that_faces_alone_is_compared_with_none(built: Plant) -> None:
    found = health(built, "lonely")
    assert (found["I1"]["class"], found["I1"]["ratio"]) == ("unknown", None)
    assert found["I4"]["class"] == "weak"  # of the five left, three give half


def test_a_place_keeps_its_history_over_a_replaced_inverter(built: Plant) -> None:
    found = health(built, "swapped")
    assert set(found) == {"N1", "I2", "I3"}
    assert (found["N1"]["place"], found["N1"]["days_compared"], found["N1"]["loss_kwh"]) == (
        "Top left",
        30,
        15.0,
    )
    days = built.query("SELECT DISTINCT inverter_id FROM mart.panel_daily WHERE label IS NOT NULL ORDER BY 1")
    assert [row["inverter_id"] for row in days] == ["I1", "N1"]


def test_a_panel_that_gave_energy_to_the_inverter_before_is_in_use(built: Plant) -> None:
    """The new inverter has a lifetime of 0 for it; the old one has shown that something hangs there."""
    (row,) = built.query(
        "FROM mart.panel_health WHERE system_id = 'swapped_and_dead' AND inverter_id = 'N1' AND channel = 1"
    )
    assert (row["class"], row["since_date"], row["evidence_call_id"]) == (
        "dead input",
        FIRST + timedelta(20),
        None,
    )


def test_north_is_0_and_360_degrees(built: Plant) -> None:
    (row,) = built.query("SELECT DISTINCT facing FROM mart.panel_daily WHERE system_id = 'north'")
    assert row == {"facing": "0/9"}


def test_an_old_inverter_that_still_answers_is_not_counted_twice(built: Plant) -> None:
    """Z1 was replaced by A1, and the API goes on giving 0 for it."""
    found = health(built, "ghost")
    assert set(found) == {"A1", "I2", "I3", "I4"}
    row = found["A1"]
    assert (row["class"], row["ratio"], row["days_compared"], row["days_reported"]) == ("fine", 1.0, 30, 30)


def test_a_month_names_the_inverter_that_was_there_then(built: Plant) -> None:
    months = built.query(
        "SELECT month(month) AS month, inverter_id FROM mart.panel_month"
        " WHERE system_id = 'later' AND place = 'N1-1' ORDER BY 1"
    )
    assert [tuple(row.values()) for row in months] == [(3, "I1"), (4, "N1")]


def test_the_warehouse_shows_what_the_file_says(built: Plant) -> None:
    (site,) = built.query("FROM meta.sites WHERE system_id = 'swapped'")
    assert site == {
        "system_id": "swapped",
        "name": "House",
        "latitude_deg": 48.9,
        "longitude_deg": 2.4,
        "tilt_deg": None,
        "azimuth_deg": None,
    }
    panels = built.query("FROM meta.panels WHERE system_id = 'swapped'")
    assert [(row["inverter_id"], row["place"], row["roof_row"], row["tilt_deg"]) for row in panels] == [
        ("I1", "Top left", 1, None),
        ("N1", "Top left", 1, None),
    ]


def test_flat_panels_face_the_same_way_and_what_is_not_named_faces_as_its_system(built: Plant) -> None:
    """I4 to I6 are not in the file: flat as their system says, so all six are peers."""
    assert {row["ratio"] for row in health(built, "flat").values()} == {2.0, 0.5}
    (row,) = built.query("SELECT DISTINCT facing FROM mart.panel_daily WHERE system_id = 'flat'")
    assert row == {"facing": "flat"}


def test_a_name_that_no_answer_gave_is_told(built: Plant) -> None:
    with closing(warehouse.open_warehouse(built.path)) as connection:
        checks = {check.name: check for check in warehouse.run_checks(connection)}
    strange = checks["unknown_inverters inverter_batch_energy"]
    assert strange.failing == 6 + 3 + 5 + 2 + 2 + 3 + 2, "those that neither inventory nor roof file names"
    check = checks["owner_names_unknown"]
    assert (check.severity, check.failing) == ("warning", 9)  # no system here has been named by an answer
    assert check.sample[0] == {"system_id": "faced", "inverter_id": ""}
