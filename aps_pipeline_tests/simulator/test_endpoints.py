"""Every endpoint at every level, and everything that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from aps_pipeline.simulator import Simulator
from aps_pipeline.simulator.request import ENDPOINTS
from aps_pipeline_tests.simulator.caller import PREFIX, body, code, data, signed

SID, EID, UID = "A0E1253B7C9D4F60", "216200041835", "702000061874"
DATES = {"daily": "2025-07", "monthly": "2025", "yearly": ""}
LEVELS = ("hourly", "daily", "monthly", "yearly")
LENGTHS = {"hourly": 24, "daily": 31, "monthly": 12, "yearly": 5}


def path(endpoint: str, sid: str = SID, eid: str = EID, uid: str = UID) -> str:
    kind, _, what = endpoint.partition("_")
    if kind == "system":
        return f"{what}/{sid}"
    if endpoint == "inverter_batch":
        return f"{sid}/devices/inverter/batch/energy/{eid}"
    return f"{sid}/devices/{kind}/{what}/{uid if kind == 'inverter' else eid}"


def at(sim: Simulator, endpoint: str, level: str, date_range: str | None = None) -> Any:
    return data(
        sim, path(endpoint), level, DATES.get(level, "2025-07-20") if date_range is None else date_range
    )


def is_number(text: object) -> bool:
    return isinstance(text, str) and float(text) >= 0


def test_the_details_of_a_system(sim: Simulator) -> None:
    details = data(sim, path("system_details"))
    assert details == {
        "light": 1,
        "timezone": "Europe/Paris",
        "ecu": [EID],
        "create_date": "2022-03-17",
        "type": 1,
        "sid": SID,
        "capacity": "4.92",
        "authorization_code": "SIMULATED0VISITOR0CODE",
    }


def test_the_inverters_of_a_system(sim: Simulator) -> None:
    ecus = data(sim, path("system_inverters", sid=sim.fleet.system_ids[1]))
    assert [(ecu["eid"], ecu["type"], len(ecu["inverter"])) for ecu in ecus] == [
        ("203000019427", 0, 4),
        ("000216003391", 0, 3),
    ]
    assert ecus[0]["inverter"][0] == {"uid": "902000014406", "type": "QT2D"}
    assert ecus[1]["model"] is ecus[1]["capacity"] is None
    assert data(sim, path("system_inverters"))[0]["type"] == 1, "with a meter"


def test_the_meters_of_a_system(sim: Simulator) -> None:
    assert data(sim, path("system_meters")) == [EID]
    assert code(sim, path("system_meters", sid=sim.fleet.system_ids[1])) == 1001


@pytest.mark.parametrize("endpoint", ["system_summary", "ecu_summary"])
def test_summaries(sim: Simulator, endpoint: str) -> None:
    summary = data(sim, path(endpoint))
    assert summary.keys() == {"today", "month", "year", "lifetime"}
    assert all(map(is_number, summary.values()))
    assert float(summary["today"]) < float(summary["month"]) < float(summary["lifetime"])
    assert len(summary["today"].partition(".")[2]) == 6


def test_the_summary_of_a_meter(sim: Simulator) -> None:
    summary = data(sim, path("meter_summary"))
    assert summary.keys() == {"today", "month", "year", "lifetime"}
    for flows in summary.values():
        assert flows.keys() == {"produced", "consumed", "imported", "exported"}
        balance = float(flows["produced"]) + float(flows["imported"])
        assert balance == pytest.approx(float(flows["consumed"]) + float(flows["exported"]))
    used = [float(summary[span]["consumed"]) for span in ("today", "month", "year", "lifetime")]
    assert used[0] < used[1] == used[2] < used[3]


def test_the_summary_of_an_inverter_names_its_channels(sim: Simulator) -> None:
    summary = data(sim, path("inverter_summary"))
    for n in (1, 2):
        assert all(is_number(summary[f"{letter}{n}"]) for letter in "dmyt")
    assert all(summary.get(f"{letter}{n}") is None for letter in "dmyt" for n in (3, 4))
    assert float(summary["d1"]) < float(summary["m1"])
    assert summary["m1"] == summary["y1"] == at(sim, "inverter_energy", "yearly")["e1"][-1], "it is January"
    years = [float(text) for text in at(sim, "inverter_energy", "yearly")["e1"]]
    assert float(summary["t1"]) == pytest.approx(sum(years), abs=0.03)
    quad = data(sim, path("inverter_summary", sid="C12263D8840175AF", uid="902000014406"))
    assert {name[1] for name, value in quad.items() if value} == {"1", "2", "3", "4"}


def test_a_channel_that_is_missing_is_null_or_left_out(sim: Simulator) -> None:
    summaries = [
        data(sim, path("inverter_summary", uid=i.uid)) for i in sim.fleet.systems[0].ecus[0].inverters
    ]
    assert {"d3" in summary for summary in summaries} == {True, False}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("endpoint", ["system_energy", "ecu_energy"])
def test_energy_lists(sim: Simulator, endpoint: str, level: str) -> None:
    energy = at(sim, endpoint, level)
    assert len(energy) == LENGTHS[level]
    assert all(map(is_number, energy))
    assert all(len(text.partition(".")[2]) == 2 for text in energy if text != "0")


def test_zero_is_printed_in_two_manners(sim: Simulator) -> None:
    days = [at(sim, "ecu_energy", "hourly", f"2025-12-{day:02d}") for day in range(1, 32)]
    assert {"0", "0.00"} <= {text for hours in days for text in hours}


@pytest.mark.parametrize("level", LEVELS)
def test_energy_of_an_inverter(sim: Simulator, level: str) -> None:
    energy = at(sim, "inverter_energy", level)
    assert [len(energy[name]) for name in ("e1", "e2")] == [LENGTHS[level]] * 2
    assert all(map(is_number, energy["e1"] + energy["e2"]))
    assert energy.get("e3") is energy.get("e4") is None


@pytest.mark.parametrize("level", LEVELS)
def test_energy_of_a_meter_is_labelled(sim: Simulator, level: str) -> None:
    energy = at(sim, "meter_period", level)
    first_last = {"hourly": "00 23", "daily": "01 31", "monthly": "01 12", "yearly": "2022 2026"}
    assert " ".join((energy["time"][0], energy["time"][-1])) == first_last[level]
    assert energy.keys() == {"time", "produced", "consumed", "imported", "exported"}
    assert {len(column) for column in energy.values()} == {LENGTHS[level]}


def test_minutely_of_an_ecu(sim: Simulator) -> None:
    day = at(sim, "ecu_energy", "minutely")
    assert day.keys() == {"today", "time", "power", "energy"}
    assert len(day["time"]) == len(day["power"]) == len(day["energy"])
    assert all(type(watts) is int for watts in day["power"])
    assert all(map(is_number, day["energy"]))
    assert "05:00" < day["time"][0] < "07:00", "only daylight"
    assert "21:00" < day["time"][-1] < "22:30"


def test_minutely_of_an_inverter(sim: Simulator) -> None:
    day = at(sim, "inverter_energy", "minutely")
    columns = {name: column for name, column in day.items() if column is not None}
    dc = {f"dc_{kind}{n}" for kind in "pive" for n in (1, 2)}
    assert columns.keys() == {"t", "ac_v1", "ac_t", "ac_p1", "ac_f"} | dc
    assert len({len(column) for column in columns.values()}) == 1
    assert all(49 < float(hertz) < 51 for hertz in day["ac_f"])
    watts = [float(v) * float(a) for v, a in zip(day["dc_v1"], day["dc_i1"], strict=True)]
    assert watts == pytest.approx([float(w) for w in day["dc_p1"]], abs=0.5)


def test_minutely_of_a_meter_runs_through_the_night(sim: Simulator) -> None:
    day = at(sim, "meter_period", "minutely")
    assert day.keys() == {"today", "time", "power", "energy"}
    assert day["power"].keys() == {"consumed", "imported_exported", "produced"}
    assert day["energy"].keys() == {"produced", "consumed", "imported", "exported"}
    assert (day["time"][0], day["time"][-1]) == ("00:00", "23:55")
    assert "0" in day["energy"]["produced"]
    signs = {float(watts) > 0 for watts in day["power"]["imported_exported"]}
    assert signs == {True, False}, "imports and exports"


def test_batches(sim: Simulator) -> None:
    energy = at(sim, "inverter_batch", "energy")["energy"]
    power = at(sim, "inverter_batch", "power")
    assert [entry.rsplit("-", 1)[0] for entry in energy] == list(power["power"])
    assert len(energy) == 12
    assert {len(column) for column in power["power"].values()} == {len(power["time"])}
    assert all(isinstance(watts, str) for watts in power["power"][f"{UID}-1"])


def test_some_panel_energies_look_like_java_doubles(sim: Simulator) -> None:
    calgary = path("inverter_batch", sid="C12263D8840175AF", eid="203000019427")
    winter = [data(sim, calgary, "energy", f"2025-12-{day:02d}")["energy"] for day in range(1, 32)]
    decimals = {entry.rpartition(".")[2] for day in winter for entry in day}
    assert any("E-4" in tail for tail in decimals)
    assert {len(tail) for tail in decimals if "E" not in tail} > {5, 6}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_unknown_system_is_not_permitted(sim: Simulator, endpoint: str) -> None:
    assert code(sim, path(endpoint, sid="X000000000000000"), "daily", "2025-07") == 2004


@pytest.mark.parametrize("endpoint", [name for name in ENDPOINTS if not name.startswith("system_")])
@pytest.mark.parametrize("device", ["203000019427", "000000000000"], ids=["elsewhere", "nowhere"])
def test_an_unknown_device_is_a_bad_parameter(sim: Simulator, endpoint: str, device: str) -> None:
    assert code(sim, path(endpoint, eid=device, uid=device), "daily", "2025-07") == 4001


def test_an_ecu_without_a_meter_is_no_meter(sim: Simulator) -> None:
    for endpoint in ("meter_summary", "meter_period"):
        asked = path(endpoint, sid="C12263D8840175AF", eid="203000019427")
        assert code(sim, asked, "daily", "2025-07") == 4001


@pytest.mark.parametrize(
    ("endpoint", "level", "date_range"),
    [
        ("system_energy", "minutely", "2025-07-20"),
        ("system_energy", "", "2025-07-20"),
        ("system_energy", "Hourly", "2025-07-20"),
        ("system_energy", "hourly", ""),
        ("system_energy", "hourly", "2025-07"),
        ("system_energy", "hourly", "20250720"),
        ("system_energy", "hourly", "2025-02-29"),
        ("system_energy", "daily", "2025-07-20"),
        ("system_energy", "daily", "2025-13"),
        ("system_energy", "daily", "2025-7"),
        ("system_energy", "monthly", "2025-07"),
        ("system_energy", "monthly", "0000"),
        ("system_energy", "monthly", "٢٠٢٥"),
        ("ecu_energy", "power", "2025-07-20"),
        ("inverter_batch", "hourly", "2025-07-20"),
        ("inverter_batch", "energy", "2025-07"),
        ("inverter_energy", "energy", "2025-07-20"),
        ("meter_period", "weekly", "2025-07-20"),
        ("ecu_energy", "hourly", "2025-07-20&date_range=2025-07-21"),
    ],
)
def test_a_bad_level_or_date_is_a_bad_parameter(
    sim: Simulator, endpoint: str, level: str, date_range: str
) -> None:
    asked = path(endpoint)
    answer = body(sim, asked, level, date_range) if level else body(sim, f"{asked}?date_range={date_range}")
    assert answer["code"] == 4001


@pytest.mark.parametrize(
    ("level", "date_range"),
    [("hourly", "2026-01-16"), ("daily", "2026-02"), ("monthly", "2027"), ("monthly", "9999")],
)
def test_the_future_is_rejected(sim: Simulator, level: str, date_range: str) -> None:
    assert code(sim, path("system_energy"), level, date_range) == 1001


@pytest.mark.parametrize(
    ("level", "before", "first"),
    [("hourly", "2022-03-16", "2022-03-17"), ("daily", "2022-02", "2022-03"), ("monthly", "2021", "2022")],
)
def test_there_is_nothing_before_the_installation(
    sim: Simulator, level: str, before: str, first: str
) -> None:
    for endpoint in ("system_energy", "ecu_energy", "meter_period", "inverter_energy"):
        assert code(sim, path(endpoint), level, before) == 1001
        assert code(sim, path(endpoint), level, first) == 0
    assert code(sim, path("system_energy"), level, "0001-01-01"[: len(before)]) == 1001


def test_days_before_the_installation_are_zero_in_its_month(sim: Simulator) -> None:
    month = at(sim, "system_energy", "daily", "2022-03")
    assert set(month[:16]) == {"0"}
    assert float(month[16]) > 0


def test_errors_come_in_several_shapes(sim: Simulator) -> None:
    answers = [body(sim, f"summary/X{n:015d}") for n in range(40)]
    assert {answer["code"] for answer in answers} == {2004}
    assert {frozenset(answer) - {"code"} for answer in answers} >= {
        frozenset(),
        frozenset({"data"}),
        frozenset({"data", "msg"}),
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "BREW"])
def test_only_get_is_allowed(sim: Simulator, method: str) -> None:
    target = PREFIX + path("system_details")
    assert sim.reply(method, target, signed(sim, target, method=method)).status == 405


@pytest.mark.parametrize(
    "target",
    [
        f"/installer/api/v2/systems/details/{SID}",
        f"/systems/details/{SID}",
        "/user/api/v2/systems/details/",
        f"/user/api/v2/systems/detail/{SID}",
        f"/user/api/v2/systems/{SID}/devices/ecu/details/{EID}",
        f"/user/api/v2/systems/{SID}/devices",
        "/",
        "*",
    ],
)
def test_another_path_is_a_page_that_is_not_there(sim: Simulator, target: str) -> None:
    reply = sim.reply("GET", target, signed(sim, target))
    assert reply.status == 404
    assert reply.body.startswith(b"<html>")
