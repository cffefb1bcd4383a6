"""Dialects change how an answer looks and nothing that it says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aps_pipeline.simulator import Simulator, awkward_fleet
from aps_pipeline.simulator.printing import QUIRKS
from aps_pipeline_tests.simulator.caller import PREFIX, body, data, frozen, signed
from aps_pipeline_tests.simulator.test_determinism import bodies, requests

SID, EID = "A0E1253B7C9D4F60", "216200041835"
INVERTER = "702000061874"
MINUTELY = (f"{SID}/devices/inverter/energy/{INVERTER}", "minutely", "2025-07-20")
POWER = (f"{SID}/devices/ecu/energy/{EID}", "minutely", "2025-07-20")
NIGHT = (f"{SID}/devices/meter/period/{EID}", "hourly", "2025-03-30")


_plain = Simulator(now=frozen)


def speaking(*quirks: str) -> Simulator:
    """One with these quirks; all of them share their past, which is the slow part."""
    sim = Simulator(now=frozen, quirks=quirks)
    sim.history = _plain.history
    return sim


def plain(value: Any) -> Any:
    """An answer without what a dialect may change: numbers are numbers, what is absent is not there."""
    if isinstance(value, dict):
        value = {"ac_p" if k == "ac_p1" else k: plain(v) for k, v in value.items()}
        return {k: v for k, v in value.items() if v is not None and k not in ("remark", "tags", "storage")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    try:
        return float(value or 0) or None
    except ValueError:
        return value


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_quirk_shows_and_changes_nothing(quirk: str) -> None:
    sim, other = speaking(), speaking(quirk)
    targets = [*requests(), f"{PREFIX}{NIGHT[0]}?energy_level=hourly&date_range={NIGHT[2]}"]
    targets += [f"{PREFIX}inverters/{SID}", f"{PREFIX}{SID}/devices/inverter/summary/{INVERTER}"]
    pairs = [tuple(s.reply("GET", t, signed(s, t)).body for s in (sim, other)) for t in targets]
    assert all(json.loads(one)["code"] == json.loads(another)["code"] for one, another in pairs)
    assert any(one != another for one, another in pairs)
    assert all(plain(json.loads(one)) == plain(json.loads(another)) for one, another in pairs)


def test_without_quirks_nothing_is_changed() -> None:
    targets = requests()
    assert bodies(targets) == {t: speaking().reply("GET", t, signed(speaking(), t)).body for t in targets}


def test_absent_is_null_or_empty_and_measured_zero_stays() -> None:
    skipped = [data(speaking(*q), *NIGHT)["consumed"][2] for q in ((), ("nulls",), ("blanks",))]
    assert skipped == ["0", None, ""]
    days = [(f"energy/{SID}", "hourly", f"2025-12-{n:02d}") for n in range(1, 32)]
    zeros = [sum(data(speaking(*q), *day).count("0.00") for day in days) for q in ((), ("nulls",))]
    assert zeros[0] == zeros[1] > 0
    assert "0" in data(speaking("nulls"), NIGHT[0], "minutely", "2025-07-20")["energy"]["produced"]


def test_numbers_are_numbers_and_ids_and_labels_are_texts() -> None:
    sim = speaking("numbers")
    assert type(data(sim, f"details/{SID}")["capacity"]) is float
    assert data(sim, f"details/{SID}")["ecu"] == data(sim, f"meters/{SID}") == [EID]
    assert data(sim, f"meters/{SID}?energy_level=daily") == [EID]
    assert {type(u["uid"]) for ecu in data(sim, f"inverters/{SID}") for u in ecu["inverter"]} == {str}
    found = data(sim, *NIGHT)
    assert {type(label) for label in found["time"]} == {str}
    assert {type(value) for value in found["imported"]} <= {int, float}
    assert data(sim, *MINUTELY)["t"][0][2] == ":"
    assert body(sim, *POWER)["code"] == 0


def test_names_and_types_vary() -> None:
    assert ["ac_p1" in data(speaking(*q), *MINUTELY) for q in ((), ("ac_p",))] == [True, False]
    assert {type(watts) for watts in data(speaking("texts"), *POWER)["power"]} == {str}
    absent = data(speaking("absent_channels"), f"{SID}/devices/inverter/summary/702000061902")
    assert set(absent) == {f"{letter}{n}" for letter in "dmyt" for n in (1, 2)}
    night = speaking("absent_channels")
    night.now = lambda: frozen().replace(hour=2)
    assert data(night, f"{SID}/devices/inverter/summary/702000061902")["d2"] is None
    assert list(body(speaking("shuffled"), *POWER)) == ["data", "code"]
    assert list(data(speaking("shuffled"), *POWER)) != list(data(speaking(), *POWER))


def test_later_fields_are_added_where_they_mean_no_panel() -> None:
    sim = speaking("later_fields")
    assert {"remark", "tags", "storage"} < data(sim, f"details/{SID}").keys()
    assert "remark" in data(sim, f"inverters/{SID}")[0]["inverter"][0]
    batch = data(sim, f"{SID}/devices/inverter/batch/energy/{EID}", "power", "2025-07-20")
    assert "remark" in batch and "remark" not in batch["power"]


def test_an_unknown_quirk_is_an_error() -> None:
    with pytest.raises(ValueError, match="quirks are nulls"):
        speaking("drunk")


def test_the_awkward_fleet_speaks_every_dialect() -> None:
    systems = awkward_fleet().systems
    assert {quirk for system in systems for quirk in system.quirks} == QUIRKS.keys()
    assert any(not system.quirks for system in systems)
    sim = Simulator(awkward_fleet(), now=frozen)
    two = [(s.sid, inv.uid) for s in systems for e in s.ecus for inv in e.inverters if inv.channels == 2]
    told = [data(sim, f"{sid}/devices/inverter/summary/{uid}").get("t3", "left out") for sid, uid in two]
    assert set(told) == {None, "left out"}
