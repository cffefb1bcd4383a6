"""Five-minute bodies: power of ECUs, meters and panels, and both sides of an inverter."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from aps_pipeline.lake.validate import prepare_rows
from aps_pipeline.parse import RefusedError
from aps_pipeline.tables import REJECTED_ITEMS
from aps_pipeline_tests.parse.bodies import BODIES, DAY
from aps_pipeline_tests.parse.served import asked, parsed, rows

BATCH, DC, AC = "inverter_batch_power", "inverter_dc_telemetry", "inverter_ac_telemetry"
TEN = datetime(2025, 7, 20, 8, 0, tzinfo=UTC)  # 10:00 in Paris


def of(name: str, **changes: Any) -> list[dict[str, Any]]:
    return rows(name, BODIES[name] | changes, asked(name, DAY))


def refused(name: str, match: str, **changes: Any) -> None:
    with pytest.raises(RefusedError, match=match):
        parsed(name, BODIES[name] | changes, asked(name, DAY))


def test_power_of_an_ecu() -> None:
    first, second, third = of("ecu_power")
    assert first == {
        "system_id": "S1", "ecu_id": "D1", "date": date(2025, 7, 20), "label": "10:00", "fold": 0,
        "end_utc": TEN, "power_w": 12.0, "energy_kwh": 0.01, "call_id": 7,
    }  # fmt: skip
    assert (second["power_w"], third["power_w"], third["energy_kwh"]) == (240.0, 0.0, 0.0)
    assert third["end_utc"] == datetime(2025, 7, 20, 8, 15, tzinfo=UTC), "from the label, not the position"


@pytest.mark.parametrize("today", [None, "", "18.90", 18.9])
def test_today_of_an_ecu_is_not_used(today: Any) -> None:
    assert of("ecu_power", today=today) == of("ecu_power")
    refused("ecu_power", "today is", today=[])


def test_an_ecu_that_reported_nothing_yet() -> None:
    assert of("ecu_power", time=[], power=[], energy=[]) == []
    refused("ecu_power", "power has 3 entries for 0 labels", time=[])
    refused("ecu_power", "time is None", time=None, power=None, energy=None)


def test_slots_of_an_ecu_in_the_future() -> None:
    call = asked("ecu_power", DAY, datetime(2025, 7, 20, 8, 2, tzinfo=UTC))
    body = {"time": ["10:00", "10:30", "23:55"], "power": [5, 0, None], "energy": ["0.1", "0", ""]}
    assert [row["label"] for row in rows("ecu_power", body, call)] == ["10:00"]
    with pytest.raises(RefusedError, match="energy gives values for a time that has not begun"):
        parsed("ecu_power", body | {"energy": ["0.1", "0.1", "0"]}, call)


def test_power_at_a_meter() -> None:
    first, second, third = of("meter_power")
    assert (first["meter_id"], first["label"], first["end_utc"]) == ("D1", "10:00", TEN)
    assert [row["imported_exported_w"] for row in (first, second, third)] == [167.96, -0.5, -219.5]
    assert (third["produced_w"], third["consumed_w"]) == (300.0, 80.5)
    assert [first[f"{flow}_kwh"] for flow in ("produced", "consumed", "imported", "exported")] == [
        0.0, 0.01562, 0.01562, 0.0,
    ]  # fmt: skip
    assert third["exported_kwh"] == 0.0183


def test_a_meter_at_night_twice() -> None:
    labels = ["01:55", "02:00", "02:30", "02:00", "02:30", "03:00"]
    body = {
        "time": labels,
        "power": {flow: ["1"] * 6 for flow in ("produced", "consumed", "imported_exported")},
        "energy": {flow: ["0.1"] * 6 for flow in ("produced", "consumed", "imported", "exported")},
    }
    found = rows("meter_power", body, asked("meter_power", "2025-10-26"))
    assert [row["fold"] for row in found] == [0, 0, 0, 1, 1, 0]
    with pytest.raises(RefusedError):
        parsed("meter_power", body, asked("meter_power", "2025-10-25"))


@pytest.mark.parametrize("today", [None, {}, {"produced": None}, {"produced": "1", "new": "2"}])
def test_today_of_a_meter_is_not_used(today: Any) -> None:
    assert of("meter_power", today=today) == of("meter_power")


def test_power_of_panels() -> None:
    found = of(BATCH)
    assert [(row["inverter_id"], row["channel"], row["label"], row["power_w"]) for row in found] == [
        ("701000001234", 1, "10:00", 45.0), ("701000001234", 1, "10:05", 56.0),
        ("701000001234", 1, "10:15", 78.0), ("701000001234", 2, "10:00", 46.0),
        ("701000001234", 2, "10:05", None), ("701000001234", 2, "10:15", 79.0),
        ("2030000001236-002405253708", 4, "10:00", 1.0), ("2030000001236-002405253708", 4, "10:05", 2.5),
        ("2030000001236-002405253708", 4, "10:15", None),
    ]  # fmt: skip
    assert {(row["ecu_id"], row["fold"], row["date"]) for row in found} == {("D1", 0, date(2025, 7, 20))}
    assert [row["end_utc"] for row in found[:3]] == [row["end_utc"] for row in found[6:]]


BAD_NAMES = [
    "", "701000001234", "-1", "701000001234-0", "701000001234-10", "701000001234-x", "701000001234--1",
    " 701000001234-1", "701000001234-1 ", "701000001234-1\n", "701/1-1", "é-1", "x" * 65 + "-1", "701-١",
    "total", "x" * 5000, "half \ud800-1",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: ascii(name)[:30])
def test_a_panel_of_a_bad_name_is_refused_alone(name: str) -> None:
    body = {"time": ["10:00"], "power": {"u-1": ["1"], name: ["2"], "v-1": ["3"], "w": "whatever"}}
    got = parsed(BATCH, body, asked(BATCH, DAY))
    assert got.rows["inverter_id"].to_pylist() == ["u", "v"]
    assert got.rows["power_w"].to_pylist() == [1.0, 3.0]
    first, second = got.rejected.to_pylist()
    assert (first["position"], first["reason"]) == (1, "not of the form uid-channel")
    assert (first["source_table"], first["device_id"], first["call_id"]) == (BATCH, "D1", 7)
    assert (second["position"], second["item"]) == (3, "w") and len(first["item"]) <= 200
    prepare_rows(REJECTED_ITEMS, (BATCH, DAY), got.rejected)


def test_an_id_is_read_from_the_right() -> None:
    body = {"time": ["10:00"], "power": {"a-1-2-3": ["7"], "000000064823-1": ["8"]}}
    found = rows(BATCH, body, asked(BATCH, DAY))
    assert [(row["inverter_id"], row["channel"]) for row in found] == [("a-1-2", 3), ("000000064823", 1)]


def test_no_panels_and_no_slots() -> None:
    assert of(BATCH, power={}) == []
    assert of(BATCH, time=[], power={"u-1": [], "v-2": []}) == []


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (["1", "2"], "power.u-1 has 2 entries for 3 labels"),
        (["1"] * 4, "power.u-1 has 4 entries for 3 labels"),
        ([], "power.u-1 has 0 entries for 3 labels"),
        (None, "power.u-1 is None, not a list"),
        (["1", "2", "x"], "power.u-1[2] is 'x', not a number"),
        (["1", "2", "1e99"], "power.u-1[2] is '1e99', not a number"),
        (["1", "2", "half \ud800"], "power.u-1[2] is"),
    ],
    ids=str,
)
def test_a_panel_that_does_not_fit_is_refused_alone(bad: Any, reason: str) -> None:
    body = BODIES[BATCH] | {"power": {"v-1": ["1"] * 3, "total": [], "u-1": bad, "w-2": ["2", None, "3"]}}
    got = parsed(BATCH, body, asked(BATCH, DAY))
    assert got.rows["inverter_id"].to_pylist() == ["v"] * 3 + ["w"] * 3
    assert got.rows["power_w"].to_pylist() == [1, 1, 1, 2, None, 3]
    named, wrong = got.rejected.to_pylist()
    assert (named["position"], named["item"], named["reason"]) == (1, "total", "not of the form uid-channel")
    assert (wrong["position"], wrong["item"], got.items) == (2, "u-1", 4)
    assert wrong["reason"].startswith(reason)
    prepare_rows(REJECTED_ITEMS, (BATCH, DAY), got.rejected)


def test_a_body_without_a_single_panel_that_fits_is_refused() -> None:
    refused(BATCH, "power.u-1 has 2 entries", power={"u-1": ["1"] * 2, "v-1": ["1"] * 2})
    refused(BATCH, "not of the form", power={"total": ["1"] * 3})


@pytest.mark.parametrize(("name", "key", "column"), [
    ("ecu_power", "power", "power_w"), (AC, "ac_t", "ac_temperature_c"), (AC, "ac_v2", "ac_voltage_2_v"),
    (AC, "ac_p1", "ac_power_w"), (DC, "dc_i2", "dc_current_a"),
])  # fmt: skip
def test_a_column_that_does_not_fit_is_null_and_named(name: str, key: str, column: str) -> None:
    right, wrong = (parsed(name, BODIES[name] | change, asked(name, DAY)) for change in ({}, {key: ["1"]}))
    for other in right.rows.column_names:
        if other != column:
            assert wrong.rows[other].equals(right.rows[other])
    if name == DC:
        kept = [row[column] for row in right.rows.to_pylist() if row["channel"] == 1]
        assert wrong.rows[column].to_pylist() == [*kept, None, None, None]
    else:
        assert set(wrong.rows[column].to_pylist()) == {None}
    (row,) = wrong.rejected.to_pylist()
    assert row["item"] == key and key in row["reason"] and right.rejected.num_rows == 0


def test_panels_in_the_future() -> None:
    call = asked(BATCH, DAY, datetime(2025, 7, 20, 8, 2, tzinfo=UTC))
    body = {"time": ["10:00", "10:10", "11:00"], "power": {"u-1": ["1", None, "0"], "v-1": ["3", "4", None]}}
    assert [row["power_w"] for row in rows(BATCH, body, call)] == [1, None, 3, 4]
    with pytest.raises(RefusedError, match="not begun"):
        parsed(BATCH, body | {"power": {"u-1": ["1", "2", "0"], "v-1": ["3", "4", "0.1"]}}, call)


def test_the_dc_side() -> None:
    found = of(DC)
    assert [(row["channel"], row["label"]) for row in found] == [
        (n, label) for n in (1, 2) for label in ("10:00", "10:05", "10:15")
    ]
    assert found[0] | {"call_id": 0} == {
        "system_id": "S1", "inverter_id": "D1", "channel": 1, "date": date(2025, 7, 20), "label": "10:00",
        "fold": 0, "end_utc": TEN, "dc_power_w": 110.5, "dc_current_a": 1.1, "dc_voltage_v": 33.1,
        "dc_energy_kwh": 0.009, "call_id": 0,
    }  # fmt: skip
    assert (found[5]["dc_power_w"], found[5]["dc_current_a"], found[5]["dc_energy_kwh"]) == (
        None,
        None,
        0.0002,
    )


def test_the_ac_side() -> None:
    first, second, third = of(AC)
    assert first == {
        "system_id": "S1", "inverter_id": "D1", "date": date(2025, 7, 20), "label": "10:00", "fold": 0,
        "end_utc": TEN, "ac_power_w": 210.1, "ac_frequency_hz": 50.01, "ac_temperature_c": 31.5,
        "ac_voltage_1_v": 230.1, "ac_voltage_2_v": 230.2, "ac_voltage_3_v": 230.3, "call_id": 7,
    }  # fmt: skip
    assert (second["ac_temperature_c"], third["ac_power_w"]) == (-2.0, 0.0)


POWER = ["210.1", "230", "0"]


@pytest.mark.parametrize(
    "names",
    [
        {"ac_p1": POWER},
        {"ac_p": POWER},
        {"ac_p1": POWER, "ac_p": ["210.10", "230.0", "0.00"]},
        {"ac_p1": None, "ac_p": POWER},
        {"ac_p1": POWER, "ac_p": None},
    ],
)
def test_ac_power_has_two_names(names: dict[str, Any]) -> None:
    body = {name: value for name, value in BODIES[AC].items() if name != "ac_p1"} | names
    found = rows(AC, body, asked(AC, DAY))
    assert [row["ac_power_w"] for row in found] == [210.1, 230.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"ac_p": ["210.1", "230", "1"]}, "ac_p1 and ac_p differ"),
        ({"ac_p": ["210.1", "230", None]}, "ac_p1 and ac_p differ"),
        ({"ac_p": ["210.1", "230"]}, "ac_p has 2 entries"),
        ({"ac_p1": None}, "neither ac_p1 nor ac_p"),
        ({"ac_v2": None}, r"voltages of the phases \[1, 3\]"),
        ({"ac_v1": None, "ac_v2": None, "ac_v3": None}, "voltages of the phases"),
        ({"ac_f": None}, "ac_f is None"),
        ({"dc_i2": None}, "dc_i2 is None"),
        ({f"dc_{kind}1": None for kind in "pive"}, "channel 2 without those before it"),
        ({f"dc_{kind}{n}": None for kind in "pive" for n in (1, 2)}, "no channel"),
        ({"dc_p4": ["1", "2", "3"]}, "channel 4 without"),
    ],
)
def test_one_body_is_good_for_both_tables_or_for_none(changes: dict[str, Any], match: str) -> None:
    refused(DC, match, **changes)
    refused(AC, match, **changes)


@pytest.mark.parametrize("phases", [1, 2, 3])
@pytest.mark.parametrize("absent", ["null", "missing"])
def test_phases_that_an_inverter_has(phases: int, absent: str) -> None:
    body = dict(BODIES[AC])
    for n in range(phases + 1, 4):
        body["ac_v" + str(n)] = None
        if absent == "missing":
            del body["ac_v" + str(n)]
    for row in rows(AC, body, asked(AC, DAY)):
        assert [row[f"ac_voltage_{n}_v"] is not None for n in (1, 2, 3)] == [n <= phases for n in (1, 2, 3)]
