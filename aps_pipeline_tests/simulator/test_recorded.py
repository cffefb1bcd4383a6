"""The same keys and types as bodies that the live API returned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aps_pipeline.simulator import Simulator
from aps_pipeline_tests.simulator.caller import body

RECORDED = Path(__file__).parents[3] / "shared" / "fixtures" / "recorded"
SID, EID = "C12263D8840175AF", "000216003391"
QUESTIONS = {
    "ecu_energy_daily_2025-07": (f"{SID}/devices/ecu/energy/{EID}", "daily", "2025-07"),
    "ecu_energy_hourly_2025-07-20": (f"{SID}/devices/ecu/energy/{EID}", "hourly", "2025-07-20"),
    "ecu_energy_minutely_2025-07-20": (f"{SID}/devices/ecu/energy/{EID}", "minutely", "2025-07-20"),
    "ecu_energy_monthly_2025": (f"{SID}/devices/ecu/energy/{EID}", "monthly", "2025"),
    "ecu_summary": ("AZ24419C3DFF/devices/ecu/summary/203000027716", "", ""),
    "system_details": (f"details/{SID}", "", ""),
    "system_energy_daily_2025-07": (f"energy/{SID}", "daily", "2025-07"),
    "system_energy_hourly_2025-07-20": (f"energy/{SID}", "hourly", "2025-07-20"),
    "system_energy_monthly_2025": (f"energy/{SID}", "monthly", "2025"),
    "system_energy_yearly": (f"energy/{SID}", "yearly", ""),
    "system_inverters": (f"inverters/{SID}", "", ""),
    "system_summary": ("summary/AZ24419C3DFF", "", ""),
}

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded bodies are not here")


def shape(value: object) -> object:
    """Keys and types; a list is the set of the shapes in it."""
    if isinstance(value, dict):
        return tuple(sorted((key, shape(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("list", frozenset(map(shape, value)))
    return type(value).__name__


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_shape_is_the_recorded_one(sim: Simulator, name: str) -> None:
    recorded = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    assert shape(body(sim, *QUESTIONS[name])) == shape(recorded)


def test_every_recorded_body_is_compared() -> None:
    assert {path.stem for path in RECORDED.glob("*.json")} == set(QUESTIONS)
