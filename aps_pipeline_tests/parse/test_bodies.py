"""Whole bodies: what is an answer, what is 'no data', what is refused."""

from __future__ import annotations

import json

import pytest

from aps_pipeline.parse import PARSERS, RefusedError, open_body, parse_rows
from aps_pipeline.tables import FETCHED, REJECTED_ITEMS, get_table
from aps_pipeline_tests.parse.helpers import asked

HOURS = get_table("system_hourly_energy")


@pytest.mark.parametrize(
    "body", ['{"code":1001}', '{"code":1001,"data":null}', '{"code":1001,"data":[],"msg":"x"}']
)
def test_no_data_is_an_answer_without_rows(body: str) -> None:
    assert open_body(body) is None
    parsed = parse_rows(HOURS, body, asked("2024-03-05"))
    assert parsed.rows.num_rows == parsed.rejected.num_rows == 0
    assert parsed.rows.schema.equals(HOURS.schema) and parsed.rejected.schema.equals(REJECTED_ITEMS.schema)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html></html>",
        "null",
        "[]",
        '{"data":[]}',
        '{"code":0}',
        '{"code":0,"data":null}',
        '{"code":5000,"data":["1"]}',
        '{"code":2005}',
        '{"code":0,"data":["1"',
        '{"code":0,"data":[NaN]}',
        '{"code":0,"data":{"a":1,"a":1}}',
        '{"code":0,"data":"1"}',
        '{"code":0,"data":{}}',
        '{"code":0,"data":1}',
        '{"code":true,"data":[]}',
        '{"code":"0","data":[]}',
    ],
)
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises(RefusedError):
        parse_rows(HOURS, body, asked("2024-03-05"))


def test_every_fact_table_has_a_parser() -> None:
    assert {table.name for table in FETCHED if table.group != "inventory"} == set(PARSERS)


def test_a_body_of_another_kind_is_refused() -> None:
    batch = json.dumps({"code": 0, "data": {"energy": ["702000000001-1-1.5"]}})
    hours = json.dumps({"code": 0, "data": ["1.5"] * 24})
    with pytest.raises(RefusedError):
        parse_rows(HOURS, batch, asked("2024-03-05"))
    with pytest.raises(RefusedError):
        parse_rows(get_table("inverter_batch_energy"), hours, asked("2024-03-05"))


@pytest.mark.parametrize("data", [{"energy": None}, {"energy": "x"}, {"energy": {}}, {"power": []}, []])
def test_a_batch_without_its_list_is_refused(data: object) -> None:
    with pytest.raises(RefusedError):
        parse_rows(
            get_table("inverter_batch_energy"), json.dumps({"code": 0, "data": data}), asked("2024-03-05")
        )
