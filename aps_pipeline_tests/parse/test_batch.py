"""`uid-channel-energy`: one grammar, two ways to read it, items refused one by one."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aps_pipeline.parse.batch import GRAMMAR, _match, read_strings
from aps_pipeline_tests.parse.helpers import panels_of

WORD = st.text("0123456789ABCXYZabcz_", min_size=1, max_size=14)
UIDS = st.lists(WORD, min_size=1, max_size=3).map("-".join)
ENERGIES = st.floats(-1e10, 1e10, allow_nan=False).flatmap(
    lambda value: st.sampled_from(
        [repr(value), f"{value:.6f}", f"{value:.3E}", f"{value:+.2f}", f"{value:.0f}"]
    )
)
NEARLY = st.text("0123456789aZ_-.+eE \n", max_size=24)


@given(st.lists(st.tuples(UIDS, st.integers(1, 9), ENERGIES), max_size=30, unique_by=lambda item: item[:2]))
def test_what_is_written_by_the_grammar_comes_back(items: list[tuple[str, int, str]]) -> None:
    parsed = panels_of([f"{uid}-{channel}-{energy}" for uid, channel, energy in items])
    rows = parsed.rows.to_pylist()
    found = [(row["inverter_id"], row["channel"], row["energy_kwh"]) for row in rows]
    assert found == [(uid, channel, float(energy)) for uid, channel, energy in items]
    assert parsed.rejected.num_rows == 0


@given(
    st.lists(st.one_of(NEARLY, st.text(max_size=12), st.just("702000000001-1-2.5")), min_size=1, max_size=8)
)
@example(["702000000001-1-99999999999999999999"])
@example(["702000000001-1-999999999999.99999999999999999999"])
@example(["a" * 64 + "-1-1", "a" * 65 + "-1-1"])
@example(["702000000001-1-2.5\n"])
@example(["702000000001-1-" + "1" * 90])
def test_the_fast_way_reads_what_the_grammar_reads(strings: list[str]) -> None:
    array = pa.array(strings, pa.string())
    assert read_strings(array).to_pylist() == _match(array).to_pylist()


@given(st.one_of(NEARLY, st.text(max_size=16)))
def test_the_grammar_is_that_of_python(string: str) -> None:
    found = read_strings(pa.array([string], pa.string())).to_pylist()[0]
    match = re.fullmatch(GRAMMAR.strip("^$"), string, re.ASCII)
    if match and abs(float(match["energy"])) < 1e12:
        assert found == {
            "uid": match["uid"],
            "channel": int(match["channel"]),
            "energy": float(match["energy"]),
        }
    else:
        assert found == {"uid": None, "channel": None, "energy": None}


@pytest.mark.parametrize(
    ("item", "row"),
    [
        ("804000060846-2-2.446396", ("804000060846", 2, 2.446396)),
        ("804000060846-2--0.01", ("804000060846", 2, -0.01)),
        ("804000060846-2-5.0E-4", ("804000060846", 2, 0.0005)),
        ("804000060846-1--1.5e-3", ("804000060846", 1, -0.0015)),
        ("2030000001236-002405253708-4-0", ("2030000001236-002405253708", 4, 0.0)),
        ("000000064823-1-0.0", ("000000064823", 1, 0.0)),
        ("a-1-2-3-4", ("a-1-2", 3, 4.0)),
    ],
)
def test_an_item(item: str, row: tuple[str, int, float]) -> None:
    (found,) = panels_of([item]).rows.to_pylist()
    assert (found["inverter_id"], found["channel"], found["energy_kwh"]) == row
    assert (found["system_id"], found["ecu_id"], found["date"]) == ("S1", "E1", date(2024, 3, 5))
    assert found["call_id"] == 7


BAD: list[Any] = [
    "", "702000000001", "702000000001-1", "702000000001-1-", "-1-1.5", "702000000001-0-1.5",
    "702000000001-10-1.5", "702000000001-x-1.5", "702000000001-1-nan", "702000000001-1-inf",
    "702000000001-1-1_000", "702000000001-1-١٢.٥", "702000000001-1-1,5", "702000000001-1-1.",
    "702000000001-1-.5", " 702000000001-1-1.5", "702000000001-1-1.5 ", "702000000001-1-1.5\n",
    "702 000-1-1.5", "702/1-1-1.5",
    "702000000001--1-1.5-", "é-1-1.5", "702000000001-1-1e999", "702000000001-1-1e12",
    "702000000001-1-99999999999999999999", "x" * 65 + "-1-1", "x" * 5000, "bad \ud800 half-1-1",
    None, True, 1.5, 7, [], ["702000000001-1-1.5"], {"uid": "x"},
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: ascii(bad)[:30])
def test_a_bad_item_is_refused_alone(bad: Any) -> None:
    parsed = panels_of(["702000000002-1-1.5", bad, "702000000003-1-2.5"])
    assert parsed.rows["inverter_id"].to_pylist() == ["702000000002", "702000000003"]
    (item,) = parsed.rejected.to_pylist()
    assert (item["position"], item["source_table"], item["device_id"]) == (1, "inverter_batch_energy", "E1")
    assert item["reason"] == "not of the form uid-channel-energy"
    assert len(item["item"]) <= 200 and (item["system_id"], item["call_id"]) == ("S1", 7)
    if isinstance(bad, str) and bad.isascii():
        assert item["item"] == bad[:200]


def test_nothing_but_bad_items() -> None:
    parsed = panels_of(["x", "y", None])
    assert parsed.rows.num_rows == 0
    assert parsed.rejected["position"].to_pylist() == [0, 1, 2]


def test_an_empty_list_is_an_answer() -> None:
    parsed = panels_of([])
    assert parsed.rows.num_rows == parsed.rejected.num_rows == 0


@pytest.mark.parametrize(
    ("energies", "kept", "reasons"),
    [
        (["1", "1"], ["1"], {1: "stands twice"}),
        (["1", "1.0", "1"], ["1"], {1: "stands twice", 2: "stands twice"}),
        (
            ["1", "2"],
            [],
            {0: "stands twice with different energies", 1: "stands twice with different energies"},
        ),
        (
            ["1", "2", "1"],
            [],
            {
                0: "stands twice with different energies",
                1: "stands twice with different energies",
                2: "stands twice",
            },
        ),
    ],
)
def test_a_panel_that_stands_twice(energies: list[str], kept: list[str], reasons: dict[int, str]) -> None:
    parsed = panels_of([*(f"u-1-{energy}" for energy in energies), "u-2-7", "v-1-8"])
    assert parsed.rows["energy_kwh"].to_pylist() == [*map(float, kept), 7.0, 8.0]
    assert {row["position"]: row["reason"] for row in parsed.rejected.to_pylist()} == reasons


def test_a_duplicate_beside_a_bad_item() -> None:
    parsed = panels_of(["bad", "u-1-1", "u-1-1"])
    assert parsed.rows.num_rows == 1
    assert parsed.rejected["position"].to_pylist() == [0, 2]
