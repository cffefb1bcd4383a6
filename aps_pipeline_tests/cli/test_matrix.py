"""The matrix of `aps status`: one mark for each table and month, what needs attention first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pytest

from aps_pipeline.cli.status import by_month, coverage_json, show_matrix
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import CoverageSpan, Standing, State
from aps_pipeline.tables import Table, get_table

HOURS, MONTHS, YEARS, PANELS = map(
    get_table,
    ("system_hourly_energy", "system_monthly_energy", "system_yearly_energy", "inverter_batch_energy"),
)
FIRST, TODAY = date(2023, 11, 20), date(2024, 3, 10)


def span(table: Table, grain: Grain, state: State, first: date, last: date | None = None) -> CoverageSpan:
    periods = (Period.containing(grain, day) for day in (first, last or first))
    return CoverageSpan("S1", table, *periods, Standing(state))


def days(state: State, first: date, last: date) -> CoverageSpan:
    return span(HOURS, Grain.DAY, state, first, last)


def a_history() -> list[CoverageSpan]:
    return [
        days(State.PRESENT, FIRST, date(2023, 12, 31)),
        days(State.PRESENT, date(2024, 1, 1), date(2024, 1, 20)),
        days(State.NOT_ASKED, date(2024, 1, 21), date(2024, 1, 31)),
        days(State.PRESENT, date(2024, 2, 1), date(2024, 2, 28)),
        days(State.REFUSED, date(2024, 2, 29), date(2024, 2, 29)),
        days(State.NOT_DUE, TODAY, TODAY),
        span(MONTHS, Grain.YEAR, State.PRESENT, date(2023, 1, 1)),
        span(MONTHS, Grain.YEAR, State.PARTIAL, date(2024, 1, 1)),
        span(PANELS, Grain.DAY, State.NOT_ASKED, date(2024, 3, 9)),
        span(YEARS, Grain.LIFETIME, State.PRESENT, TODAY),
    ]


def lines(covered: Sequence[CoverageSpan], capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_matrix(covered, TODAY)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_month_has_one_mark_and_a_year_those_of_its_months_that_there_were(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = lines(a_history(), capsys)
    assert shown[0] == "S1                     2023"
    assert shown[1] == "system_hourly_energy   ██▒x"
    assert shown[2] == "system_monthly_energy  ██▒▒▒"
    assert shown[3] == "nobody asked for: inverter_batch_energy"
    assert "x refused" in shown[-1] and "▒ partial" in shown[-1]


def test_the_years_stand_above_their_first_months(capsys: pytest.CaptureFixture[str]) -> None:
    shown = lines([days(State.PRESENT, date(2022, 12, 1), TODAY)], capsys)
    head, marks = shown[0], shown[1]
    assert marks.index("█") == head.index("2022") and head.index("2024") - head.index("2022") == 13


def test_for_machines_too() -> None:
    found = {(row["table"], row["month"]): row["state"] for row in coverage_json(a_history())}
    assert found[HOURS.name, "2024-01"] == "partial" and found[HOURS.name, "2024-02"] == "refused"
    assert found[MONTHS.name, "2023-11"] == "present" and (MONTHS.name, "2023-10") not in found


def test_snapshots_have_no_months() -> None:
    assert by_month([span(YEARS, Grain.LIFETIME, State.PRESENT, TODAY)]) == {}


def test_nothing_asked_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = lines([days(State.NOT_ASKED, FIRST, TODAY)], capsys)
    assert shown[0] == "S1 nothing asked for yet"
