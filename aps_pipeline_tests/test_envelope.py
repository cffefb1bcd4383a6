"""The envelope: strict JSON in, no visitor token out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aps_pipeline.envelope import NotAnEnvelopeError, Number, open_envelope, read_json, remove_secrets

TOKEN = "A1B2-TOKEN"


def test_code_data_and_message() -> None:
    envelope = open_envelope('{"code":0,"data":["1.5",2.50,null,true,{"a":{}}],"msg":"fine"}')
    assert (envelope.code, envelope.message) == (0, "fine")
    assert envelope.data == ["1.5", "2.50", None, True, {"a": {}}]
    assert [type(item) for item in envelope.data[:2]] == [str, Number], "a number stays the text that came"


@pytest.mark.parametrize(
    ("body", "data", "message"),
    [
        ('{"code":5000}', None, ""),
        ('{"code":5000,"data":null,"message":"x"}', None, "x"),
        ('{"code":5000,"msg":null,"message":"y"}', None, "y"),
        ('{"code":5000,"msg":"","data":""}', "", ""),
        ('{"code":5000,"msg":{"a":1}}', None, "{'a': '1'}"),
        (' \n{"code" : 5000 }\r\n', None, ""),
    ],
)
def test_data_and_message_are_optional(body: str, data: Any, message: str) -> None:
    envelope = open_envelope(body)
    assert (envelope.code, envelope.data, envelope.message) == (5000, data, message)


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "null",
        "0",
        '"code"',
        "[]",
        '[{"code":0}]',
        "{}",
        '{"data":[]}',
        '{"code":null}',
        '{"code":true}',
        '{"code":"0"}',
        '{"code":0.0}',
        '{"code":1e3}',
        '{"code":-1}',
        '{"code":-0}',
        '{"code":1000000}',
        '{"code":[0]}',
        '{"code":0,"code":1001}',
        '{"code":0,"data":{"a":1,"a":1}}',
        '{"code":0,"data":[{"b":[{"a":1,"a":2}]}]}',
        '{"code":0,"data":NaN}',
        '{"code":0,"data":[Infinity]}',
        '{"code":0,"data":[-Infinity]}',
        '{"code":0,"data":[1,]}',
        '{"code":0,"data":01}',
        '{"code":0}x',
        '{"code":0} {"code":0}',
        "{'code':0}",
        '{"code":0',
        '\ufeff{"code":0}',
        '{"code":0,"data":"\x01"}',
        '{"code":0,"data":' + "[" * 200_000 + "]" * 200_000 + "}",
        '{"code":0,"data":' + '{"a":' * 200_000,
        "<html>",
    ],
    ids=lambda body: body[:40],
)
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises(NotAnEnvelopeError) as caught:
        open_envelope(body)
    assert len(str(caught.value)) <= 200


def test_numbers_of_any_size_cost_nothing() -> None:
    huge = "9" * 100_000
    envelope = open_envelope(f'{{"code":0,"data":[{huge},{huge}.5,1e999999999]}}')
    assert envelope.data == [huge, f"{huge}.5", "1e999999999"]


@given(st.text())
def test_any_text_is_an_envelope_or_refused(text: str) -> None:
    with pytest.raises(NotAnEnvelopeError):
        open_envelope(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(json_values)
def test_strict_json_reads_what_json_wrote(value: Any) -> None:
    assert read_json(json.dumps(value)) == value


def test_a_message_is_one_plain_line() -> None:
    message = open_envelope(json.dumps({"code": 1, "msg": "a\nb\x1b[0m\x00\u2028" + "x" * 900})).message
    assert message.isprintable() and len(message) <= 200


WITH_TOKEN = {
    "plain": '{"code":0,"data":{"sid":"A","authorization_code":"A1B2-TOKEN","x":1.50}}',
    "upper case": '{"code":0,"data":{"Authorization_Code":"A1B2-TOKEN"}}',
    "spaces": '{"code":0,"data":{"authorization_code"  :\n "A1B2-TOKEN"}}',
    "deep": '{"code":0,"data":[[{"a":{"b":[{"authorization_code":"A1B2-TOKEN"}]}}]]}',
    "at the top": '{"code":0,"authorization_code":"A1B2-TOKEN"}',
    "not a text": '{"code":0,"authorization_code":{"a":["A1B2-TOKEN"]}}',
    "a list": '{"code":0,"authorization_code":["A1B2-TOKEN"]}',
    "twice": '{"authorization_code":"A1B2-TOKEN","authorization_code":"A1B2-TOKEN"}',
    "an escaped key": '{"code":0,"authorization\\u005fcode":"A1B2-TOKEN"}',
    "a key of escapes": '{"\\u0061uthorization_cod\\u0065":"A1B2-TOKEN"}',
    "an escaped value": '{"authorization_code":"A1B2\\u002dTOKEN \\" A1B2-TOKEN"}',
    "cut off after it": '{"code":0,"data":{"authorization_code":"A1B2-TOKEN","ecu":[',
    "cut off inside": '{"code":0,"data":{"authorization_code":"A1B2-TOKEN',
    "cut off and escaped": '{"code":0,"data":{"authorization\\u005fcode":"A1B2-TOKEN","e":[',
    "cut off inside escapes": '{"code":0,"\\u0061uthorization_code" : "x\\"A1B2-TOKEN\\\\',
    "cut off in a list": '{"code":0,"authorization_code":["A1B2-TOKEN"',
    "cut off in an object": '{"code":0,"authorization_code":{"a": "A1B2-TOKEN", "b',
    "not JSON": "authorization_code: {'a'} \"AUTHORIZATION_CODE\": A1B2-TOKEN, x",
    "in a text": '{"code":4000,"msg":"{\\"authorization_code\\":\\"A1B2-TOKEN\\"}"}',
    "beside NaN": '{"x":NaN,"authorization_code":"A1B2-TOKEN"}',
    "beside a huge number": '{"x":' + "9" * 5000 + ',"authorization_code":"A1B2-TOKEN"}',
    "deeper than Python reads": "[" * 100_000 + '{"authorization_code":"A1B2-TOKEN"}',
}


@pytest.mark.parametrize("name", WITH_TOKEN)
def test_the_token_is_removed(name: str) -> None:
    clean = remove_secrets(WITH_TOKEN[name])
    assert TOKEN not in clean and "TOKEN" not in clean
    try:
        assert TOKEN not in str(json.loads(clean))
    except (ValueError, RecursionError):
        assert name not in ("plain", "deep", "upper case"), "what was JSON stays JSON"
    assert remove_secrets(clean) == clean


def test_the_rest_stays_as_it_was() -> None:
    clean = remove_secrets(WITH_TOKEN["plain"])
    assert open_envelope(clean).data == {"sid": "A", "authorization_code": "[removed]", "x": "1.50"}


def test_a_key_that_stands_twice_is_still_seen() -> None:
    body = '{"code":0,"data":{"authorization_code":"A1B2-TOKEN","sid":"A","sid":"B"}}'
    with pytest.raises(NotAnEnvelopeError, match="twice"):
        open_envelope(remove_secrets(body))


@given(json_values)
def test_a_body_without_the_token_is_not_touched(value: Any) -> None:
    text = json.dumps(value, indent=1)
    assert "authorization_code" in text.lower() or remove_secrets(text) == text


@given(json_values, st.booleans())
def test_the_token_is_removed_wherever_it_is_put(value: Any, escape: bool) -> None:
    text = json.dumps({"a": [value, {"authorization_code": "A1B2-TOKEN", "z": value}]})
    if escape:
        text = text.replace("authorization_code", "authorization\\u005Fcode")
    clean = remove_secrets(text)
    assert TOKEN not in clean
    assert json.loads(clean)["a"][0] == value
