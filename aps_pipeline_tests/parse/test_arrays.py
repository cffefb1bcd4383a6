"""A list of numbers at once is what it is one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aps_pipeline.envelope import Number
from aps_pipeline.parse import RefusedError
from aps_pipeline.parse.values import read_doubles, read_number, try_read_doubles

ODD: list[Any] = [
    None, "", "0", "0.00", "-0.01", "+1.5", "5.0E-4", "1e3", Number("12"), Number("1.5E1"), "007", "9" * 40,
    "1_000", "١٢.٥", "１２", "nan", "inf", " 1", "1 ", "1\n", "\n1", "1,5", "1.", ".5", "1e", "1e999", "1e12",
    "999999999999.9", "-999999999999.9", "1e11", "-1e12", "1e-999", "0x10", "--1", "1.2.3", "9" * 41,
    "0" * 40, "0" * 41, True, False, 1, 1.5, [], ["1"], {}, "\ud800", "null", Number("1e999"),
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(ODD),
    st.floats(-1e11, 1e11, allow_nan=False).map(repr),
    st.text("0123456789+-.eE", max_size=6),
)


@given(st.lists(TEXTS, max_size=6))
def test_the_list_reads_as_its_entries(entries: list[Any]) -> None:
    try:
        expected = [read_number(entry, f"power[{n}]") for n, entry in enumerate(entries)]
    except RefusedError as error:
        assert try_read_doubles(entries) is None
        with pytest.raises(RefusedError) as caught:
            read_doubles(entries, "power")
        assert str(caught.value) == str(error)
    else:
        assert read_doubles(entries, "power").to_pylist() == expected


@pytest.mark.parametrize("entry", ODD, ids=ascii)
def test_one_entry(entry: Any) -> None:
    test_the_list_reads_as_its_entries.hypothesis.inner_test(["1.5", entry])  # type: ignore[attr-defined]


def test_the_usual_list_takes_the_quick_way() -> None:
    entries = ["0", "12.28", None, "", "-0.01", "5.0E-4", Number("7")]
    found = try_read_doubles(entries)
    assert found is not None and found.to_pylist() == [0, 12.28, None, None, -0.01, 0.0005, 7]
