"""Figures and days as people read them."""

from __future__ import annotations

from datetime import date

import pytest

from aps_pipeline.reports import words

THIN, MINUS = "\N{NARROW NO-BREAK SPACE}", "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (1.005, "1.00"),
        (9.994, "9.99"),
        (12.34, "12.3"),
        (137.2, "137"),
        (1369.4, f"1{THIN}369"),
        (-2.5, f"{MINUS}2.50"),
    ],
)
def test_a_figure_has_three_digits_that_count(value: float | None, said: str) -> None:
    assert words.amount(value) == said


def test_an_absent_figure_is_a_dash_and_never_0() -> None:
    assert [words.energy(None), words.percent(None), words.change(None)] == ["–", "–", "–"]
    assert [words.energy(0.0), words.percent(0.0)] == ["0.00 kWh", "0 %"]


@pytest.mark.parametrize(
    ("ratio", "said"), [(1.044, "+4 %"), (0.62, f"{MINUS}38 %"), (1.0, "0 %"), (0.999, "0 %")]
)
def test_a_ratio_as_a_change(ratio: float, said: str) -> None:
    assert words.change(ratio) == said


def test_much_energy_is_told_in_megawatt_hours() -> None:
    assert words.energy(9_999.0) == f"9{THIN}999 kWh"
    assert words.energy(12_345.0) == "12.3 MWh"


def test_next_to_nothing_is_not_told_as_0_nor_next_to_all_as_all() -> None:
    assert [words.percent(ratio) for ratio in (0.004, 0.996, 1.0, -0.001)] == [
        "below 1 %",
        "over 99 %",
        "100 %",
        "0 %",
    ]
    assert words.amount(-0.3, 0) == "0"


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2025, 12, 9), date(2025, 12, 9), "9 December 2025"),
        (date(2025, 12, 9), date(2025, 12, 11), "9 to 11 December 2025"),
        (date(2025, 11, 30), date(2025, 12, 2), "30 November to 2 December 2025"),
        (date(2025, 12, 31), date(2026, 1, 1), "31 December 2025 to 1 January 2026"),
    ],
)
def test_a_stretch_of_days(first: date, last: date, said: str) -> None:
    assert words.day_range(first, last) == said


def test_texts_in_a_row() -> None:
    assert [words.join_words(texts) for texts in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert [words.count_words(n, "day") for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]


def test_names_in_a_drawing_are_short_and_never_the_same() -> None:
    assert words.short_names(["East 1", "East 1", "A long name", "A long name too"], 7) == [
        "East 1",
        "East… 2",
        "A long…",
        "A lo… 2",
    ]
    many = words.short_names(["A long name"] * 12, 7)
    assert len(set(many)) == 12 and max(map(len, many)) == 7
