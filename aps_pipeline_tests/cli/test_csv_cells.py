"""CSV that a spreadsheet takes as data."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aps_pipeline.cli.sql import csv_cell, csv_lines

STARTS = "=+-@\t\r\n"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def read(line: str) -> list[str]:
    """One record as a program reads it."""
    (record,) = csv.reader([line], strict=True)
    return record


@given(st.one_of(texts, st.builds(str.__add__, st.sampled_from(STARTS), texts)))
@example("=1+1")
@example('","=1+1')
@example("\r=1+1")
def test_no_text_becomes_a_formula_or_another_cell_and_none_is_lost(text: str) -> None:
    (found,) = read(csv_cell(text))
    assert not found.startswith(tuple(STARTS))
    assert found == (f"'{text}" if text.startswith(tuple(STARTS)) else text)


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.decimals(allow_nan=False)))
@example(-5)
@example(-0.25)
def test_numbers_stay_numbers(number: float | Decimal) -> None:
    cell = csv_cell(number)
    assert type(number)(cell) == number
    assert '"' not in cell and "'" not in cell


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        ("", '""'),
        ("-5", '"\'-5"'),
        ('a"b', '"a""b"'),
        (True, "true"),
        (datetime(2024, 3, 5, 11, 30, tzinfo=UTC), "2024-03-05T11:30:00+00:00"),
        (datetime(2024, 3, 5, 11, 30), "2024-03-05T11:30:00"),
        (date(2024, 3, 5), "2024-03-05"),
        (time(11, 30), "11:30:00"),
        ([1, None], '"[1, null]"'),
        ({"a": "="}, '"{""a"": ""=""}"'),
        (b"=", "\"b'='\""),
    ],
)
def test_each_kind_of_value_has_one_form(value: object, cell: str) -> None:
    assert csv_cell(value) == cell


def test_names_of_columns_are_texts_too() -> None:
    rows = pa.table({"=a": [1, None], "b": ["x", ""]})
    assert list(csv_lines(rows)) == ['"\'=a","b"', '1,"x"', ',""']


def test_no_rows_are_a_header() -> None:
    assert list(csv_lines(pa.table({"a": pa.array([], pa.int64())}))) == ['"a"']
