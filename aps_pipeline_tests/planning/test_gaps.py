"""From gaps in the order of their worth to ranged runs: few, exact and affordable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aps_pipeline.periods import LIFETIME, Grain, Period
from aps_pipeline.planning import BackfillRun, Gap, Priority, select_runs
from aps_pipeline.tables import Table, get_table

HOURS, PANELS, POWER = (
    get_table(name) for name in ("system_hourly_energy", "inverter_batch_energy", "inverter_batch_power")
)
AC, DC = get_table("inverter_ac_telemetry"), get_table("inverter_dc_telemetry")
MONTHS, YEARS = get_table("system_daily_energy"), get_table("system_yearly_energy")
FIRST = date(2024, 1, 1)


def day(number: int) -> Period:
    return Period(Grain.DAY, FIRST + timedelta(days=number))


def gap(table: Table, number: int, calls: int = 1, reason: Priority | None = Priority.NEWEST) -> Gap:
    return Gap((table,), day(number), {"": calls} if calls else {}, reason)


def told(stretches: Sequence[BackfillRun]) -> list[tuple[set[str], str, str, int]]:
    return [({t.name for t in s.tables}, s.first.key, s.last.key, s.calls) for s in stretches]


def asked_by(stretches: Sequence[BackfillRun], gaps: Sequence[Gap]) -> list[Gap]:
    """What those runs ask: everything that is open of their tables in their ranges."""
    return [
        each
        for each in gaps
        if any(set(s.tables) & set(each.tables) and s.first <= each.period <= s.last for s in stretches)
    ]


def test_neighbours_of_all_tables_are_one_run() -> None:
    gaps = [gap(table, number, 2) for number in (9, 8, 7) for table in (HOURS, PANELS)]
    assert told(select_runs(gaps, {"": 12})) == [({HOURS.name, PANELS.name}, "2024-01-08", "2024-01-10", 12)]


def test_a_day_of_which_only_some_tables_fit_is_a_run_of_its_own() -> None:
    gaps = [gap(table, number) for number in (9, 8) for table in (HOURS, PANELS)]
    assert told(select_runs(gaps, {"": 3})) == [
        ({HOURS.name, PANELS.name}, "2024-01-10", "2024-01-10", 2),
        ({HOURS.name}, "2024-01-09", "2024-01-09", 1),
    ]


def test_complete_partitions_are_passed_over_but_not_without_end() -> None:
    assert told(select_runs([gap(HOURS, 0), gap(HOURS, 50)], {"": 2})) == [
        ({HOURS.name}, "2024-01-01", "2024-02-20", 2)
    ]
    assert len(select_runs([gap(HOURS, 0), gap(HOURS, 500)], {"": 2})) == 2


def test_what_is_not_worth_a_call_lies_in_no_range() -> None:
    gaps = [gap(HOURS, 9), gap(HOURS, 8, reason=None), gap(HOURS, 7), gap(PANELS, 8)]
    assert told(select_runs(gaps, {"": 10})) == [
        ({HOURS.name}, "2024-01-10", "2024-01-10", 1),
        ({HOURS.name}, "2024-01-08", "2024-01-08", 1),
        ({PANELS.name}, "2024-01-09", "2024-01-09", 1),
    ]


def test_lengths_are_not_mixed_and_the_coarse_come_first() -> None:
    month = Gap((MONTHS,), Period(Grain.MONTH, FIRST), {"": 2}, Priority.COARSE)
    gaps = [Gap((YEARS,), LIFETIME, {"": 1}, Priority.COARSE), month, gap(HOURS, 3)]
    assert told(select_runs(gaps, {"": 99})) == [
        ({YEARS.name}, "", "", 1),
        ({MONTHS.name}, "2024-01", "2024-01", 2),
        ({HOURS.name}, "2024-01-04", "2024-01-04", 1),
    ]


def test_a_first_gap_that_costs_more_than_a_day_is_begun() -> None:
    (begun,) = select_runs([Gap((AC, DC), day(3), {"": 50}, Priority.NEWEST), gap(HOURS, 2)], {"": 20})
    assert (begun.is_part, begun.calls, begun.tables) == (True, 20, (AC, DC))
    (later, *_) = select_runs([gap(HOURS, 2), Gap((AC, DC), day(3), {"": 50}, Priority.NEWEST)], {"": 20})
    assert not later.is_part, "only if it is the most valuable"


def test_nothing_without_calls_but_what_needs_none() -> None:
    assert select_runs([gap(HOURS, 1)], {"": 0}) == []
    unbuilt = gap(PANELS, 1, 0, Priority.BUILD)
    assert told(select_runs([unbuilt, gap(HOURS, 1)], {"": 0})) == [
        ({PANELS.name}, "2024-01-02", "2024-01-02", 0)
    ]


def test_a_probe_does_not_name_a_run_that_does_more() -> None:
    probe = gap(HOURS, 0, reason=Priority.MEMORY)
    assert select_runs([probe], {"": 9})[0].reason is Priority.MEMORY
    assert select_runs([probe, gap(HOURS, 1)], {"": 9})[0].reason is Priority.NEWEST


def test_each_account_pays_for_its_own() -> None:
    both = Gap((HOURS,), day(9), {"east": 1, "west": 3}, Priority.NEWEST)
    east = Gap((HOURS,), day(7), {"east": 1}, Priority.NEWEST)
    west = Gap((HOURS,), day(8), {"west": 1}, Priority.NEWEST)
    assert told(select_runs([both, west, east], {"east": 2, "west": 3})) == [
        ({HOURS.name}, "2024-01-10", "2024-01-10", 4),
        ({HOURS.name}, "2024-01-08", "2024-01-08", 1),
    ], "the west is short of its second day, the east goes on"
    assert told(select_runs([both, west, east], {"east": 2, "west": 2})) == [
        ({HOURS.name}, "2024-01-08", "2024-01-08", 1)
    ], "the west saves up for the day that is worth more"


def test_an_account_without_calls_for_the_month_holds_nobody_up() -> None:
    both = Gap((HOURS,), day(9), {"east": 1, "west": 3}, Priority.NEWEST)
    alone = Gap((HOURS,), day(8), {"west": 3}, Priority.NEWEST)
    left = [each.without({"west"}) for each in (both, alone)]
    assert told(select_runs(left, {"east": 5, "west": 0})) == [({HOURS.name}, "2024-01-10", "2024-01-10", 1)]


SOURCES = ((HOURS,), (PANELS,), (POWER,), (AC, DC))
REASONS = st.sampled_from([Priority.NEWEST, Priority.MEMORY, Priority.EXPIRING, None])
ANY_GAPS = st.dictionaries(
    st.tuples(st.sampled_from(SOURCES), st.integers(0, 25)),
    st.tuples(st.integers(1, 6), REASONS),
    max_size=40,
).map(lambda found: [Gap(tables, day(n), {"": calls}, why) for (tables, n), (calls, why) in found.items()])


@given(gaps=ANY_GAPS, calls=st.integers(0, 120), most=st.integers(1, 6))
def test_runs_ask_no_more_than_can_be_afforded(gaps: list[Gap], calls: int, most: int) -> None:
    runs = select_runs(gaps, {"": calls}, most)
    assert len(runs) <= most
    if any(run.is_part for run in runs):
        assert len(runs) == 1 and runs[0].calls == calls
        return
    asked = asked_by(runs, gaps)
    assert sum(each.calls for each in asked) == sum(run.calls for run in runs) <= calls
    assert all(each.reason for each in asked), "and nothing that is not worth it"


@given(gaps=ANY_GAPS, calls=st.integers(6, 60))
def test_day_after_day_everything_that_is_worth_a_call_is_asked_once(gaps: list[Gap], calls: int) -> None:
    spent, left = 0, list(gaps)
    for _ in range(len(gaps) + 1):
        done = asked_by(select_runs(left, {"": calls}), left)
        spent += sum(each.calls for each in done)
        left = [each for each in left if each not in done]
    assert not [each for each in left if each.reason]
    assert spent == sum(each.calls for each in gaps if each.reason)
