"""Snapshots of totals, and the names that no parser knows."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from aps_pipeline.parse import RefusedError, open_body
from aps_pipeline.parse.schema_drift import find_unknown_fields
from aps_pipeline.tables import TABLES, Source
from aps_pipeline_tests.parse.bodies import BODIES
from aps_pipeline_tests.parse.served import MOUNTAIN, READ, answer, asked, devices, parsed, rows, system_of

AT = datetime(2026, 1, 15, 11, 7, 3, 250_000, tzinfo=UTC)


def of(name: str, body: Any) -> list[dict[str, Any]]:
    return rows(name, body, asked(name, at=AT))


@pytest.mark.parametrize("name", ["system_summary", "ecu_summary"])
def test_totals(name: str) -> None:
    (row,) = of(name, BODIES[name])
    ids = {"system_id": "S1"} | ({"ecu_id": "D1"} if name == "ecu_summary" else {})
    assert row == ids | {
        "taken_utc": AT, "today_kwh": 2.072822, "month_kwh": 283.9, "year_kwh": 2776.78,
        "lifetime_kwh": 18503.54, "call_id": 7,
    }  # fmt: skip
    (morning,) = of(name, BODIES[name] | {"today": None, "month": 0})
    assert (morning["today_kwh"], morning["month_kwh"]) == (None, 0.0)


def test_totals_of_a_meter() -> None:
    (row,) = of("meter_summary", BODIES["meter_summary"])
    assert (row["produced_today_kwh"], row["consumed_today_kwh"], row["exported_month_kwh"]) == (
        10.5,
        11.5,
        23.5,
    )
    assert (row["imported_year_kwh"], row["produced_lifetime_kwh"], row["taken_utc"]) == (32.5, 40.5, AT)
    (night,) = of("meter_summary", BODIES["meter_summary"] | {"today": None})
    assert night["produced_today_kwh"] is night["exported_today_kwh"] is None
    assert night["produced_month_kwh"] == 20.5


def test_totals_of_channels() -> None:
    first, second = of("inverter_summary", BODIES["inverter_summary"])
    totals = [f"{span}_kwh" for span in ("today", "month", "year", "lifetime")]
    assert [first[total] for total in totals] == [10.5, 11.5, 12.5, 13.5]
    assert [second[total] for total in totals] == [20.5, 21.5, 22.5, 23.5]
    assert (first["channel"], second["channel"], first["inverter_id"]) == (1, 2, "D1")
    morning = of("inverter_summary", BODIES["inverter_summary"] | {"d1": None, "d2": None})
    assert [row["today_kwh"] for row in morning] == [None, None]
    four = of("inverter_summary", {f"{letter}{n}": str(n) for letter in "dmyt" for n in range(1, 5)})
    assert [(row["channel"], row["lifetime_kwh"]) for row in four] == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_an_inverter_that_has_not_produced_yet_has_no_rows() -> None:
    assert of("inverter_summary", {f"{letter}{n}": None for letter in "dmyt" for n in (1, 2)}) == []


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("system_summary", {}),
        ("ecu_summary", {"today": "1", "month": "1", "year": "1"}),
        ("meter_summary", {}),
        ("meter_summary", {span: {"produced": "1"} for span in ("today", "month", "year", "lifetime")}),
        ("inverter_summary", {}),
        ("inverter_summary", {"d1": None}),
        ("inverter_summary", {"d1": "1", "m1": "1", "y1": "1"}),
        ("inverter_summary", {f"{letter}2": "1" for letter in "dmyt"}),
    ],
)
def test_a_summary_that_lacks_a_name_is_refused(name: str, body: Any) -> None:
    with pytest.raises(RefusedError):
        parsed(name, body, asked(name, at=AT))


def unknown(source: Source, data: Any) -> set[str]:
    return find_unknown_fields(source, open_body(json.dumps({"code": 0, "data": data})))


@pytest.mark.parametrize("name", READ)
def test_nothing_is_new_in_what_we_know(name: str) -> None:
    assert unknown(READ[name].source, BODIES[name]) == set()
    system = system_of(MOUNTAIN)
    for device in devices(name, system):
        data = answer(name, system.sid, device, date(2024, 7, 20))["data"]
        assert unknown(READ[name].source, data) == set()


@pytest.mark.parametrize(
    ("name", "body", "found"),
    [
        ("ecu_power", {"time": [], "voltage": [], "power": []}, {"voltage"}),
        ("meter_power", {"power": {"produced": [], "reactive": []}, "energy": {}}, {"power.reactive"}),
        ("meter_power", {"storage": {"soc": [1], "power": [2]}}, {"storage"}),
        ("meter_hourly_energy", {"time": [], "charged": [], "discharged": []}, {"charged", "discharged"}),
        ("inverter_daily_energy", {"e1": [], "e10": [], "e": []}, {"e10", "e"}),
        ("inverter_dc_telemetry", {"t": [], "ac_p2": [], "dc_t1": []}, {"ac_p2", "dc_t1"}),
        ("inverter_batch_power", {"power": {"u-1": [], "what": []}, "energy": []}, {"energy"}),
        ("system_summary", {"today": "1", "co2": "1"}, {"co2"}),
        ("inverter_summary", {"d1": "1", "w1": "1"}, {"w1"}),
        ("system_daily_energy", ["1", "2"], set()),
        ("ecu_power", {"time": [], "\ud800\n": 1, "x" * 500: 1}, {r"\ud800\n", "x" * 60}),
        ("ecu_power", None, set()),
        ("ecu_power", "text", set()),
    ],
)
def test_new_fields_are_named(name: str, body: Any, found: set[str]) -> None:
    if body is None:
        assert find_unknown_fields(READ[name].source, body) == found
    else:
        assert unknown(READ[name].source, body) == found


def test_new_fields_of_the_inventory_are_named() -> None:
    details = {"sid": "S1", "light": 1, "authorization_code": "x", "azimuth": 5}
    assert unknown(TABLES["systems"].source, details) == {"azimuth"}
    ecus = [
        {
            "eid": "1",
            "inverter": [{"uid": "2", "type": "DS3", "serial": 1}, {"uid": "3"}],
            "battery": {"soc": 1},
        }
    ]
    assert unknown(TABLES["inverters"].source, ecus) == {"inverter.serial", "battery"}
    assert unknown(TABLES["meters"].source, ["1", "2"]) == set()


def test_drift_is_bounded() -> None:
    assert len(unknown(READ["ecu_power"].source, {f"new{n}": n for n in range(1000)})) == 20
