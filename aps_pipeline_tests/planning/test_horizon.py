"""Where the server's memory ends: found with few requests, never taken from a single hole."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil, log2

from hypothesis import given
from hypothesis import strategies as st

from aps_pipeline.planning import last_forgotten, next_probe

START = date(2023, 1, 1)


def days_of(count: int) -> list[date]:
    return [START + timedelta(days=n) for n in range(count)]


def found(days: list[date], forgotten: int) -> tuple[dict[date, bool], int]:
    """Ask until nothing more is to be asked, of a server that has forgotten so many days."""
    seen: dict[date, bool] = {}
    while (probe := next_probe(days, seen)) is not None:
        assert probe not in seen, "no day is asked about twice"
        seen[probe] = days.index(probe) >= forgotten
    return seen, len(seen)


@given(count=st.integers(1, 1500), data=st.data())
def test_the_border_takes_log2_n_and_two_questions(count: int, data: st.DataObject) -> None:
    forgotten = data.draw(st.integers(0, count))
    days = days_of(count)
    seen, requests = found(days, forgotten)
    assert requests <= ceil(log2(count)) + 2 if count > 1 else requests <= 1
    last = last_forgotten(days, seen)
    if 2 <= forgotten < count:
        assert last == days[forgotten - 1]
    elif forgotten == 0:
        assert last is None and requests == 1, "who has the oldest day has everything"


def test_a_server_without_the_level_takes_three_questions() -> None:
    days = days_of(1000)
    seen, requests = found(days, 1000)
    assert requests == 3 and last_forgotten(days, seen) == days[-1]


@given(st.integers(10, 400), st.data())
def test_one_hole_is_no_border(count: int, data: st.DataObject) -> None:
    days = days_of(count)
    hole = data.draw(st.sampled_from(days))
    seen: dict[date, bool] = {}
    while (probe := next_probe(days, seen)) is not None:
        seen[probe] = probe != hole
    assert last_forgotten(days, seen) is None


def test_what_was_found_is_not_asked_again_when_older_days_are_wanted() -> None:
    days = days_of(200)
    seen, _ = found(days[100:], 20)
    assert next_probe(days, seen) is None
    assert last_forgotten(days, seen) == days[119]
