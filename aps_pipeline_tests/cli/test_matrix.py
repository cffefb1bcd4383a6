"""The matrix of `aps status`: one mark for each table and month, what needs attention first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from aps_pipeline.cli.status import by_month, coverage_json, show_matrix
from aps_pipeline.periods import LIFETIME, Grain, Period
from aps_pipeline.planning import PeriodState, State
from aps_pipeline.tables import get_table

HOURS, MONTHS, YEARS, PANELS = map(
    get_table,
    ("system_hourly_energy", "system_monthly_energy", "system_yearly_energy", "inverter_batch_energy"),
)
FIRST, TODAY = date(2023, 11, 20), date(2024, 3, 10)


def days(state: State, first: date, last: date) -> list[PeriodState]:
    count = (last - first).days + 1
    return [
        PeriodState("S1", HOURS, Period(Grain.DAY, first + timedelta(days=n)), state) for n in range(count)
    ]


def a_history() -> list[PeriodState]:
    return [
        *days(State.PRESENT, FIRST, date(2023, 12, 31)),
        *days(State.PRESENT, date(2024, 1, 1), date(2024, 1, 20)),
        *days(State.NOT_ASKED, date(2024, 1, 21), date(2024, 1, 31)),
        *days(State.PRESENT, date(2024, 2, 1), date(2024, 2, 28)),
        *days(State.REFUSED, date(2024, 2, 29), date(2024, 2, 29)),
        *days(State.NOT_DUE, TODAY, TODAY),
        PeriodState("S1", MONTHS, Period(Grain.YEAR, date(2023, 1, 1)), State.PRESENT),
        PeriodState("S1", MONTHS, Period(Grain.YEAR, date(2024, 1, 1)), State.PARTIAL),
        PeriodState("S1", PANELS, Period(Grain.DAY, date(2024, 3, 9)), State.NOT_ASKED),
        PeriodState("S1", YEARS, LIFETIME, State.PRESENT),
    ]


def lines(covered: Sequence[PeriodState], capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_matrix(covered, ["S1"], TODAY)
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
    shown = lines(days(State.PRESENT, date(2022, 12, 1), TODAY), capsys)
    head, marks = shown[0], shown[1]
    assert marks.index("█") == head.index("2022") and head.index("2024") - head.index("2022") == 13


def test_for_machines_too() -> None:
    found = {(row["table"], row["month"]): row["state"] for row in coverage_json(a_history())}
    assert found[HOURS.name, "2024-01"] == "partial" and found[HOURS.name, "2024-02"] == "refused"
    assert found[MONTHS.name, "2023-11"] == "present" and (MONTHS.name, "2023-10") not in found


def test_snapshots_have_no_months() -> None:
    assert by_month([PeriodState("S1", YEARS, LIFETIME, State.PRESENT)]) == {}


def test_nothing_asked_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = lines(days(State.NOT_ASKED, FIRST, TODAY), capsys)
    assert shown[0] == "S1 nothing asked for yet"
