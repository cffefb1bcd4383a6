"""An inventory that changes with time, and systems that the manual does not describe."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.periods import zone
from aps_pipeline.simulator import Fleet, FleetError, Simulator, awkward_fleet, load_fleet
from aps_pipeline.simulator.awkward import VIRTUAL_ECU
from aps_pipeline.simulator.fleet import Span
from aps_pipeline.simulator.request import ENDPOINTS
from aps_pipeline_tests.simulator.caller import body, code, data
from aps_pipeline_tests.simulator.test_endpoints import path

APIA, ECU = "P68501C3E7A4", "216000073015"
OLD, NEW, SHARED, ADDED = "703000112201", "703000118764", "703000112233-002405253708", "902000073040"
BATCH = f"{APIA}/devices/inverter/batch/energy/{ECU}"
HYBRID, STORAGE, CELLAR = "H31555A7D902", "B2024119F0C8", "002406030912"


def on(day: str, sid: str = APIA, clock: str = "15:00") -> Simulator:
    """The awkward fleet at a local time of one of its systems."""
    found = awkward_fleet().system(sid)
    assert found is not None
    instant = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone(found.timezone))
    return Simulator(awkward_fleet(), now=lambda: instant.astimezone(UTC))


def listed(sim: Simulator, sid: str = APIA) -> list[str]:
    return [inv["uid"] for ecu in data(sim, f"inverters/{sid}") for inv in ecu["inverter"]]


def measured(sim: Simulator, day: str) -> set[str]:
    return {key.rpartition("-")[0] for key in data(sim, BATCH, "power", day)["power"]}


@pytest.mark.parametrize(
    ("day", "named", "giving", "capacity"),
    [
        ("2025-09-16", {OLD, SHARED}, {OLD, SHARED}, "1.60"),
        ("2025-09-17", {OLD, SHARED}, {NEW, SHARED}, "1.60"),
        ("2025-09-19", {OLD, SHARED}, {NEW, SHARED}, "1.60"),
        ("2025-09-20", {NEW, SHARED}, {NEW, SHARED}, "1.60"),
        ("2025-11-02", {NEW, SHARED}, {NEW, SHARED}, "1.60"),
        ("2025-11-03", {NEW, SHARED, ADDED}, {NEW, SHARED, ADDED}, "1.60"),
        ("2025-11-10", {NEW, SHARED, ADDED}, {NEW, SHARED, ADDED}, "3.36"),
    ],
)
def test_the_inventory_is_that_of_the_clock_and_lags_behind_the_data(
    day: str, named: set[str], giving: set[str], capacity: str
) -> None:
    sim = on(day)
    assert set(listed(sim)) == named
    assert measured(sim, day) == giving
    assert data(sim, f"details/{APIA}")["capacity"] == capacity


def test_what_the_data_says_does_not_depend_on_when_it_is_asked() -> None:
    early, late = on("2025-09-18"), on("2026-01-15")
    for level in ("energy", "power"):
        assert data(early, BATCH, level, "2025-09-17") == data(late, BATCH, level, "2025-09-17")


def test_an_inverter_is_unknown_until_it_is_mounted() -> None:
    for day, expected in (("2025-09-16", 4001), ("2025-09-17", 0)):
        assert code(on(day), f"{APIA}/devices/inverter/summary/{NEW}") == expected
        assert code(on(day), f"{APIA}/devices/inverter/energy/{NEW}", "daily", "2025-09") == expected


def test_an_inverter_that_is_registered_before_it_is_mounted_has_no_data() -> None:
    apia = awkward_fleet().systems[2]
    early = replace(apia.ecus[0].inverters[3], listed=Span(date(2025, 10, 1)))
    ecu = replace(apia.ecus[0], inverters=(*apia.ecus[0].inverters[:3], early))
    sim = Simulator(Fleet((replace(apia, ecus=(ecu,)),)), now=on("2025-10-20").now)
    assert ADDED in listed(sim)
    assert set(data(sim, f"{APIA}/devices/inverter/summary/{ADDED}").values()) == {None}
    for level, date_range in (
        ("daily", "2025-10"),
        ("monthly", "2025"),
        ("yearly", ""),
        ("minutely", "2025-10-19"),
    ):
        assert code(sim, f"{APIA}/devices/inverter/energy/{ADDED}", level, date_range) == 1001


@pytest.mark.parametrize(("uid", "days"), [(OLD, range(1, 17)), (NEW, range(17, 31))])
def test_an_inverter_has_nothing_while_it_is_not_mounted(uid: str, days: range) -> None:
    sim = on("2026-01-15")
    asked = f"{APIA}/devices/inverter/energy/{uid}"
    month = data(sim, asked, "daily", "2025-09")["e1"]
    assert [n for n, text in enumerate(month, 1) if text is not None] == list(days)
    year = data(sim, asked, "monthly", "2025")["e1"]
    assert [text is None for text in year] == [(n > 9) if uid == OLD else (n < 9) for n in range(1, 13)]
    # The successor stands in the second year of the system, the old one in both of those that are over.
    assert [text is None for text in data(sim, asked, "yearly", "")["e1"]] == [uid == NEW, False, uid == OLD]
    assert code(sim, asked, "daily", "2025-08" if uid == NEW else "2025-10") == 1001
    assert code(sim, asked, "monthly", "2024" if uid == NEW else "2026") == 1001
    summary = data(sim, f"{APIA}/devices/inverter/summary/{uid}")
    assert [summary[f"{letter}1"] is None for letter in "dmyt"] == [uid == OLD] * 3 + [False]


def test_a_system_is_not_there_before_it_is_registered() -> None:
    for day, expected in (("2024-08-08", 2004), ("2024-08-09", 0)):
        assert code(on(day), f"details/{APIA}") == code(on(day), f"energy/{APIA}", "yearly", "") == expected


def test_a_month_without_a_record_has_no_data() -> None:
    apia = awkward_fleet().systems[2]
    away = replace(apia.ecus[0], offline=(Span(date(2025, 2, 1), date(2025, 3, 1)),))
    sim = Simulator(Fleet((replace(apia, ecus=(away,)),)), now=on("2026-01-15").now)
    for asked in (f"energy/{APIA}", f"{APIA}/devices/inverter/energy/{OLD}"):
        assert [code(sim, asked, "daily", f"2025-0{month}") for month in (1, 2, 3)] == [0, 1001, 0]
    assert data(sim, f"energy/{APIA}", "monthly", "2025")[1] == "0"


def test_a_changing_inventory_can_be_loaded(tmp_path: Path) -> None:
    inverter = {"uid": "U1", "since": "2025-02-01", "listed": {"since": "2025-02-03"}}
    raw: dict[str, Any] = {"sid": "S1", "timezone": "Europe/Rome", "lat": 42, "lon": 12.5}
    raw |= {"create_date": "2025-01-01", "ecus": [{"eid": "E1", "type": 2, "inverters": [inverter]}]}
    raw |= {"capacity_changes": [{"since": "2025-02-02", "capacity": "9.99"}], "quirks": ["ac_p"]}
    file = tmp_path / "fleet.json"

    def loaded(day: str) -> Simulator:
        file.write_text(json.dumps({"systems": [raw]}), "utf-8")
        instant = datetime.fromisoformat(f"{day}T12:00+00:00")
        return Simulator(load_fleet(file), now=lambda: instant)

    assert [listed(loaded(f"2025-02-0{n}"), "S1") for n in (2, 3)] == [[], ["U1"]]
    capacities = [
        data(loaded(day), "details/S1")["capacity"] for day in ("2025-01-31", "2025-02-01", "2025-02-02")
    ]
    assert capacities == ["0.00", "0.80", "9.99"]
    for wrong in (
        {"quirks": ["drunk"]},
        {"ecus": [{"eid": "E1", "inverters": [inverter | {"until": "2025-02-01"}]}]},
    ):
        raw |= wrong
        with pytest.raises(FleetError, match=r"quirks are|ends before"):
            loaded("2025-02-02")


def test_system_and_ecu_types_are_told_as_they_are() -> None:
    sim = on("2026-01-15", HYBRID)
    assert [data(sim, f"details/{s.sid}")["type"] for s in awkward_fleet().systems] == [1, 1, 1, 2, 3, 1]
    assert {data(sim, f"details/{s.sid}")["light"] for s in awkward_fleet().systems} == {1, 2, 3, 4}
    ecus = data(sim, f"inverters/{HYBRID}")
    assert [(ecu["type"], ecu["model"], ecu["capacity"], len(ecu["inverter"])) for ecu in ecus] == [
        (1, None, None, 2),
        (2, "ELS-3K", "5.04", 0),
        (7, None, None, 1),
    ]
    assert data(sim, f"details/{HYBRID}")["ecu"][::2] == [ecu["eid"] for ecu in ecus][::2]


def test_a_shared_ecu_is_listed_with_its_main_ecu_and_asked_without() -> None:
    sim = Simulator(awkward_fleet(), now=on("2026-01-15").now)
    main, _, virtual = VIRTUAL_ECU.partition("-")
    assert data(sim, "details/K77015E209B1")["ecu"] == [VIRTUAL_ECU]
    assert [ecu["eid"] for ecu in data(sim, "inverters/K77015E209B1")] == [VIRTUAL_ECU]
    for eid, expected in ((virtual, 0), (VIRTUAL_ECU, 4000), (main, 4000), ("999", 4001)):
        asked = f"K77015E209B1/devices/ecu/energy/{eid}"
        assert code(sim, asked, "daily", "2025-07") == expected
    both = data(sim, f"details/{HYBRID}")["ecu"][1], data(sim, f"inverters/{HYBRID}")[1]["eid"]
    assert both == (f"2030000004417-{CELLAR}", CELLAR)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_storage_alone_produces_nothing_but_its_meter_counts(endpoint: str) -> None:
    sim = on("2026-01-15", STORAGE)
    level = "energy" if endpoint == "inverter_batch" else "daily"
    asked = path(endpoint, sid=STORAGE, eid="B05000001127", uid="B05000001127")
    date_range = "2025-12-01" if level == "energy" else "2025-12"
    expected = {"inverter_summary": 4001, "inverter_energy": 4001, "inverter_batch": 1001}
    expected |= dict.fromkeys(("system_summary", "system_energy", "ecu_summary", "ecu_energy"), 1001)
    assert body(sim, asked, level, date_range)["code"] == expected.get(endpoint, 0)
    if endpoint == "meter_period":
        month = data(sim, asked, level, date_range)
        assert {float(text) for text in month["produced"] + month["exported"]} == {0}
        assert month["imported"] == month["consumed"]


def test_storage_beside_panels_adds_nothing() -> None:
    sim = on("2026-01-15", HYBRID)
    for endpoint, level in (("ecu_energy", "yearly"), ("ecu_summary", ""), ("ecu_energy", "minutely")):
        assert (
            code(sim, path(endpoint, sid=HYBRID, eid=CELLAR), level, "2025-12-01" * (level == "minutely"))
            == 1001
        )
    assert float(data(sim, f"summary/{HYBRID}")["lifetime"]) > 0


def test_ids_with_hyphens_are_told_whole() -> None:
    sim = on("2026-01-15")
    assert SHARED in listed(sim)
    entries = data(sim, BATCH, "energy", "2025-12-01")["energy"]
    assert f"{SHARED}-2" in {"-".join(entry.split("-")[:3]) for entry in entries}


def test_a_day_later_the_inventory_of_a_running_simulator_is_another() -> None:
    start = on("2025-09-19").now()
    late = [timedelta(0)]
    sim = Simulator(awkward_fleet(), now=lambda: start + late[0])
    before = listed(sim)
    late[0] = timedelta(days=1)
    assert (OLD in before, OLD in listed(sim), NEW in before, NEW in listed(sim)) == (
        True,
        False,
        False,
        True,
    )
