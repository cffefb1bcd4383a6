from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.simulator import Fleet, FleetError, Simulator, awkward_fleet, demo_fleet, load_fleet
from aps_pipeline_tests.simulator.caller import code, data, frozen, panels

KATHMANDU = "K77015E209B1"
EID = "002405253708"
BATCH = f"{KATHMANDU}/devices/inverter/batch/energy/{EID}"


@pytest.fixture(scope="module")
def awkward() -> Simulator:
    return Simulator(fleet=awkward_fleet(), now=frozen)


def test_the_demo_fleet_is_whole_in_2025_and_small() -> None:
    fleet = demo_fleet()
    assert fleet.system_ids == ("A0E1253B7C9D4F60", "C12263D8840175AF", "AZ24419C3DFF")
    assert len({system.timezone for system in fleet.systems}) == 3
    for system in fleet.systems:
        assert system.create_date < date(2025, 1, 1)
        assert 4 <= sum(len(ecu.inverters) for ecu in system.ecus) <= 8
    assert sorted(len(system.ecus) for system in fleet.systems) == [1, 1, 2]
    assert sum(len(system.meters) for system in fleet.systems) == 1


def test_a_dead_panel_reports_zero_from_its_day_on(awkward: Simulator) -> None:
    for day, dead in (("2025-04-08", False), ("2025-04-09", True), ("2025-12-01", True)):
        energy = panels(data(awkward, BATCH, "energy", day)["energy"])
        assert (energy["702000090025", 2] == 0) is dead
        assert energy["702000090025", 1] > 0
        power = data(awkward, BATCH, "power", day)["power"]["702000090025-2"]
        assert (set(power) == {"0"}) is dead


def test_a_weak_panel_gives_less(awkward: Simulator) -> None:
    energy = panels(data(awkward, BATCH, "energy", "2025-04-01")["energy"])
    assert 0.5 < energy["702000090038", 1] / energy["702000090038", 2] < 0.7


def test_a_replaced_inverter_hands_over(awkward: Simulator) -> None:
    old, new = "702000090011", "702000097348"
    for day, mounted, gone in (("2025-05-13", old, new), ("2025-05-14", new, old)):
        uids = {uid for uid, _ in panels(data(awkward, BATCH, "energy", day)["energy"])}
        assert mounted in uids
        assert gone not in uids
        assert {key.partition("-")[0] for key in data(awkward, BATCH, "power", day)["power"]} == uids
        for level in ("minutely", "hourly"):
            assert code(awkward, f"{KATHMANDU}/devices/inverter/energy/{mounted}", level, day) == 0
            assert code(awkward, f"{KATHMANDU}/devices/inverter/energy/{gone}", level, day) == 1001
    listed = {i["uid"] for i in data(awkward, f"inverters/{KATHMANDU}")[0]["inverter"]}
    assert new in listed
    assert old not in listed
    assert float(data(awkward, f"{KATHMANDU}/devices/inverter/summary/{old}")["t1"]) > 0
    assert data(awkward, f"{KATHMANDU}/devices/inverter/summary/{old}")["d1"] is None


def test_an_ecu_that_was_offline_has_no_data(awkward: Simulator) -> None:
    ecu = f"{KATHMANDU}/devices/ecu/energy/{EID}"
    month = data(awkward, ecu, "daily", "2025-06")
    assert len(month) == 30
    assert [n for n, text in enumerate(month, 1) if text == "0"] == [11, 12, 13, 14]
    for level in ("minutely", "hourly"):
        assert code(awkward, ecu, level, "2025-06-12") == 1001
    assert code(awkward, BATCH, "power", "2025-06-12") == 1001
    assert code(awkward, BATCH, "energy", "2025-06-12") == 1001


def jsonable(fleet: Fleet) -> dict[str, Any]:
    raw = json.loads(json.dumps({"systems": asdict(fleet)["systems"]}, default=str))
    assert isinstance(raw, dict)
    return raw


@pytest.mark.parametrize("fleet", [demo_fleet(), awkward_fleet()], ids=["demo", "awkward"])
def test_a_fleet_can_be_loaded(fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(jsonable(fleet)), "utf-8")
    assert load_fleet(path) == fleet


def test_a_small_file_will_do(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(
        json.dumps(
            {
                "systems": [
                    {
                        "sid": "S1",
                        "timezone": "Europe/Rome",
                        "lat": 42,
                        "lon": 12.5,
                        "create_date": "2024-01-01",
                        "ecus": [{"eid": "E1", "inverters": [{"uid": "U1"}]}],
                    }
                ]
            }
        ),
        "utf-8",
    )
    sim = Simulator(fleet=load_fleet(path), now=frozen)
    assert data(sim, "details/S1")["capacity"] == "0.80"
    assert len(data(sim, "energy/S1", "yearly", "")) == 3


def broken(place: tuple[Any, ...], value: object) -> dict[str, Any]:
    raw = jsonable(demo_fleet())
    *way, last = place
    part: Any = raw
    for step in way:
        part = part[step]
    part[last] = value
    return raw


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("systems", 0, "timezone"), "Europe/Atlantis", "Atlantis"),
        (("systems", 0, "sid"), "AZ24419C3DFF", "AZ24419C3DFF"),
        (("systems", 0, "sid"), "a/b", "ids"),
        (("systems", 0, "lat"), "48", r"systems\[0\].lat"),
        (("systems", 0, "lat"), 148.0, "place"),
        (("systems", 0, "create_date"), "2022-3-17", "create_date"),
        (("systems", 0, "ecus", 0, "eid"), 216200041835, r"ecus\[0\].eid"),
        (("systems", 0, "ecus", 0, "inverters"), [], "without inverters"),
        (("systems", 0, "ecus", 0, "inverters", 0, "channels"), 5, "channels"),
        (("systems", 0, "ecus", 0, "inverters", 0, "faults"), [{"channel": 3}], "fault"),
        (("systems", 0, "colour"), "red", "colour"),
        (("systems",), "none", "systems"),
    ],
    ids=str,
)
def test_a_fleet_that_cannot_be(tmp_path: Path, place: tuple[Any, ...], value: object, message: str) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(broken(place, value)), "utf-8")
    with pytest.raises(ValueError, match=message):
        load_fleet(path)


def test_a_file_that_is_no_fleet(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text("[", "utf-8")
    with pytest.raises(FleetError, match=r"fleet\.json"):
        load_fleet(path)
