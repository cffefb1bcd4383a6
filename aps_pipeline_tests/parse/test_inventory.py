"""Details, inverters and meters: tolerant where the field is, strict where a wrong reading would mislead."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from aps_pipeline.parse import INVENTORY_PARSERS, RefusedError, find_repeated_ids, open_body
from aps_pipeline.tables import Source

DETAILS: dict[str, Any] = {
    "sid": "AZ12649A3DFF",
    "create_date": "2022-09-01",
    "capacity": "1.28",
    "type": 1,
    "timezone": "Canada/Mountain",
    "ecu": ["203000001234", "2030000001236-002405253708"],
    "light": 2,
}
ECU: dict[str, Any] = {
    "eid": "203000001234",
    "type": 0,
    "timezone": "Asia/Shanghai",
    "inverter": [{"uid": "000000064823", "type": "QT2D"}, {"uid": "902000001235", "type": "QT2D"}],
}


def read(endpoint: str, data: Any, system_id: str = "AZ12649A3DFF") -> Any:
    return INVENTORY_PARSERS[endpoint](open_body(json.dumps({"code": 0, "data": data})), system_id)


def test_details() -> None:
    system = read("system_details", DETAILS)
    assert (system.system_id, system.capacity_kw, system.type, system.light) == ("AZ12649A3DFF", 1.28, 1, 2)
    assert system.create_date == date(2022, 9, 1) and system.zone.key == "Canada/Mountain"
    assert system.ecu_ids == ("203000001234", "002405253708")
    assert [ecu.listed_as for ecu in system.ecus] == [None, "2030000001236-002405253708"]


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"capacity": 1.28}, "capacity_kw", 1.28),
        ({"capacity": None}, "capacity_kw", None),
        ({"capacity": ""}, "capacity_kw", None),
        ({"type": "2"}, "type", 2),
        ({"type": None}, "type", None),
        ({"light": None}, "light", None),
        ({"ecu": None}, "ecu_ids", ()),
        ({"ecu": []}, "ecu_ids", ()),
        ({"ecu": [203000001234]}, "ecu_ids", ("203000001234",)),
        ({"create_date": None}, "create_date", None),
        ({"create_date": ""}, "create_date", None),
        ({"something": {"new": [1]}}, "type", 1),
        ({"authorization_code": "[removed]"}, "type", 1),
    ],
)
def test_details_may_lack_much(change: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(read("system_details", DETAILS | change), name) == value


def test_details_without_light_or_type() -> None:
    bare = {key: DETAILS[key] for key in ("sid", "timezone")}
    system = read("system_details", bare)
    assert (system.capacity_kw, system.type, system.light, system.create_date, system.ecu_ids) == (
        *[None] * 4,
        (),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"sid": "AZ12649A3DFE"},
        {"sid": None},
        {"sid": "../x"},
        {"timezone": None},
        {"timezone": ""},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../../etc/passwd"},
        {"timezone": "europe/paris"},
        {"timezone": 8},
        {"create_date": "01.09.2022"},
        {"create_date": "2022-02-30"},
        {"capacity": "big"},
        {"capacity": True},
        {"type": "PV"},
        {"type": 1.5},
        {"ecu": "203000001234"},
        {"ecu": [None]},
        {"ecu": ["a/b"]},
        {"ecu": {"eid": "1"}},
    ],
    ids=str,
)
def test_details_that_mislead_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        read("system_details", DETAILS | change)


@pytest.mark.parametrize("endpoint", ["system_details", "system_inverters", "system_meters"])
@pytest.mark.parametrize("data", ["x", 5, True, [[1]], [5.5], {"a": 1}])
def test_another_shape_is_refused(endpoint: str, data: Any) -> None:
    with pytest.raises(RefusedError):
        read(endpoint, data)


def test_inverters() -> None:
    storage = {"eid": "B1", "type": 2, "timezone": None, "inverter": None, "model": "ELS", "capacity": "10.2"}
    first, second = read("system_inverters", [ECU, storage])
    assert (first.ecu_id, first.type, first.timezone) == ("203000001234", 0, "Asia/Shanghai")
    assert [(i.inverter_id, i.type) for i in first.inverters] == [
        ("000000064823", "QT2D"),
        ("902000001235", "QT2D"),
    ]
    assert (second.model, second.capacity_kwh, second.inverters) == ("ELS", 10.2, ())


@pytest.mark.parametrize(
    "change",
    [
        {"eid": None},
        {"eid": "a b"},
        {"inverter": "x"},
        {"inverter": [None]},
        {"inverter": [{"type": "DS3"}]},
        {"inverter": [{"uid": "u1", "type": ["DS3"]}]},
        {"type": True},
    ],
    ids=str,
)
def test_inverters_that_mislead_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        read("system_inverters", [ECU | change])


@pytest.mark.parametrize("names", [["20-7", "7", "8"], ["7", "20-7", "8"]])
def test_both_spellings_of_a_shared_ecu_are_one_device(names: list[str]) -> None:
    details = read("system_details", DETAILS | {"ecu": names})
    assert [(ecu.device_id, ecu.listed_as) for ecu in details.ecus] == [("7", "20-7"), ("8", None)]
    uids = [[{"uid": uid} for uid in ("u1", f"u-{n}")] for n, _ in enumerate(names)]
    listed = [{"eid": name, "inverter": inverters} for name, inverters in zip(names, uids, strict=True)]
    ecus = read("system_inverters", listed)
    assert [(ecu.ecu_id, ecu.listed_as) for ecu in ecus] == [("7", "20-7"), ("8", None)]
    assert {each.inverter_id for each in ecus[0].inverters} == {"u1", "u-0", "u-1"}


def test_what_is_named_twice_is_there_once_and_said() -> None:
    more = ECU | {"type": 1, "inverter": [{"uid": "000000064823", "type": "DS3"}, {"uid": "u3"}]}
    (ecu,) = read("system_inverters", [ECU, more])
    assert (ecu.type, [(i.inverter_id, i.type) for i in ecu.inverters]) == (
        0,
        [("000000064823", "QT2D"), ("902000001235", "QT2D"), ("u3", None)],
    )
    assert repeated("system_inverters", [ECU, more]) == ["203000001234", "000000064823"]
    (ecu,) = read("system_inverters", [ECU | {"inverter": [{"uid": "u1"}, {"uid": "u1", "type": "DS3"}]}])
    assert [(i.inverter_id, i.type) for i in ecu.inverters] == [("u1", None)]
    assert read("system_details", DETAILS | {"ecu": ["E1", "E2", "E1"]}).ecu_ids == ("E1", "E2")
    assert repeated("system_details", DETAILS | {"ecu": ["E1", "E2", "E1"]}) == ["E1"]
    assert [meter.device_id for meter in read("system_meters", ["M1", "M1"])] == ["M1"]
    assert repeated("system_meters", ["M1", "M1"]) == ["M1"]


def test_an_inverter_below_two_ecus_is_no_repetition() -> None:
    other = ECU | {"eid": "203000001235"}
    assert len(read("system_inverters", [ECU, other])) == 2 and not repeated("system_inverters", [ECU, other])
    for endpoint in ("system_details", "system_inverters", "system_meters", "system_energy"):
        for data in (None, [], {}, "x", [None], [{"inverter": [1, {}]}]):
            assert repeated(endpoint, data) == []


def repeated(endpoint: str, data: Any) -> list[str]:
    return find_repeated_ids(Source(endpoint, "", ""), data)


def test_meters() -> None:
    assert [meter.device_id for meter in read("system_meters", ["000216003391", "20-7"])] == [
        "000216003391",
        "7",
    ]
    assert read("system_meters", []) == ()


def test_no_data_is_told_apart_from_nothing() -> None:
    assert open_body('{"code":1001,"data":null}') is None
    with pytest.raises(RefusedError):
        open_body('{"code":0,"data":null}')
