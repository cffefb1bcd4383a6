"""Single values: exactly what is a number, a day, an id, a short text."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aps_pipeline.envelope import Number
from aps_pipeline.parse import RefusedError
from aps_pipeline.parse.values import (
    read_day,
    read_id,
    read_list,
    read_number,
    read_object,
    read_text,
    read_whole_number,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("0.00", 0.0),
        ("2.072822", 2.072822),
        ("-0.01", -0.01),
        ("+1.5", 1.5),
        ("5.0E-4", 0.0005),
        ("1e3", 1000.0),
        (Number("12"), 12.0),
        (Number("1.5E1"), 15.0),
        ("007", 7.0),
    ],
)
def test_a_number(value: Any, expected: float | None) -> None:
    assert read_number(value, "x") == expected


@pytest.mark.parametrize(
    "value",
    [
        "1_000", "١٢.٥", "１２", "nan", "NaN", "inf", "-Infinity", " 1", "1 ", "1\n", "1,5", "1.", ".5", "1e",
        "1e999", "-1e999", "1e12", "0x10", "--1", "1.2.3", "abc", "9" * 41, "0" * 41, True, False, 1, 1.5,
        [], ["1"], {}, {"a": 1}, "\ud800", "null", Number("1e999"),
    ],
)  # fmt: skip
def test_not_a_number(value: Any) -> None:
    with pytest.raises(RefusedError, match=r"^entry 3 is .* not a number$"):
        read_number(value, "entry 3")


@given(st.floats(allow_nan=False, min_value=-1e11, max_value=1e11))
def test_numbers_as_python_prints_them_come_back(value: float) -> None:
    assert read_number(repr(value), "x") == value


@given(st.text(max_size=12))
def test_text_is_a_plain_number_or_refused(value: str) -> None:
    try:
        found = read_number(value, "x")
    except RefusedError:
        return
    assert value == "" or (value.isascii() and found == float(value) and math.isfinite(float(value)))


@pytest.mark.parametrize("value", ["1.5", "40000", "-30001", "1e9", "x"])
def test_not_a_whole_number(value: str) -> None:
    with pytest.raises(RefusedError):
        read_whole_number(value, "x")


def test_a_whole_number() -> None:
    assert [read_whole_number(value, "x") for value in ("2", Number("3"), "1.0", None, "")] == [
        2,
        3,
        1,
        None,
        None,
    ]


@pytest.mark.parametrize("value", ["2024-2-3", "20240203", "2024-02-30", "2024-W05-1", 5, True, "٢٠٢٤-٠٢-٠٣"])
def test_not_a_day(value: Any) -> None:
    with pytest.raises(RefusedError):
        read_day(value, "x")


def test_a_day() -> None:
    assert [read_day(value, "x") for value in ("2024-02-29", "", None)] == [date(2024, 2, 29), None, None]


@pytest.mark.parametrize(
    "value", ["", "a/b", "..", "a b", "a?b", "-a", "a-", "a--b", "é", "a\n", "a" * 65, None, 5, True, [], {}]
)
def test_not_an_id(value: Any) -> None:
    with pytest.raises(RefusedError, match="not an id"):
        read_id(value, "sid")


@pytest.mark.parametrize("value", ["0002000", "2030000001236-002405253708", "AZ12649A3DFF", "a_b", "a" * 64])
def test_an_id(value: str) -> None:
    assert read_id(value, "sid") == value


def test_an_id_that_came_as_a_whole_number_is_text() -> None:
    found = read_id(Number("203000001234"), "eid")
    assert found == "203000001234" and type(found) is str


@pytest.mark.parametrize("short", ["801", "12345678901", "2.03e11", "-203000001234", "203000001234.0"])
def test_a_number_that_may_have_lost_something_is_no_id(short: str) -> None:
    with pytest.raises(RefusedError):
        read_id(Number(short), "uid")


@pytest.mark.parametrize("value", ["x" * 101, "a\x00b", "a\nb", "\x1b[31m", "\ud800", 5, True, [], {}])
def test_not_a_short_text(value: Any) -> None:
    with pytest.raises(RefusedError):
        read_text(value, "model")


def test_short_texts_lists_and_objects() -> None:
    assert [read_text(value, "x") for value in ("QT2D", "", None, "Straße")] == ["QT2D", None, None, "Straße"]
    assert read_list([1], "x") == [1] and read_object({}, "x") == {}
    for value in (None, "x", {}, 5):
        with pytest.raises(RefusedError):
            read_list(value, "x")
    for value in (None, "x", [], 5):
        with pytest.raises(RefusedError):
            read_object(value, "x")


def test_a_message_shows_little_of_a_long_value() -> None:
    with pytest.raises(RefusedError) as caught:
        read_number("x" * 10_000, "entry 0")
    assert len(str(caught.value)) < 100
