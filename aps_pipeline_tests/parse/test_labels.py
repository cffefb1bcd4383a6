"""Labels on a wall to instants: every zone, both clock changes, midnight, disorder, the future."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aps_pipeline.parse import RefusedError
from aps_pipeline.parse.timeslots import TimeAxis, instants_of_label, read_time_axis
from aps_pipeline.periods import day_end_utc, hour_bounds_utc, zone
from aps_pipeline_tests.parse.served import LONG_AFTER, asked

PARIS, NEW_YORK, LORD_HOWE = "Europe/Paris", "America/New_York", "Australia/Lord_Howe"
KATHMANDU, APIA, MOUNTAIN = "Asia/Kathmandu", "Pacific/Apia", "Canada/Mountain"
HAVANA, CAIRO, SAO_PAULO = "America/Havana", "Africa/Cairo", "America/Sao_Paulo"
CHANGES = {
    (PARIS, date(2025, 3, 30)): (23.0, "02:00", "02:55"),
    (NEW_YORK, date(2025, 3, 9)): (23.0, "02:00", "02:55"),
    (LORD_HOWE, date(2025, 10, 5)): (23.5, "02:00", "02:25"),
    (APIA, date(2020, 9, 27)): (23.0, "03:00", "03:55"),
    (MOUNTAIN, date(2025, 3, 9)): (23.0, "02:00", "02:55"),
    (HAVANA, date(2025, 3, 9)): (23.0, "00:00", "00:55"),
    (PARIS, date(2025, 10, 26)): (25.0, "02:00", "02:55"),
    (NEW_YORK, date(2025, 11, 2)): (25.0, "01:00", "01:55"),
    (LORD_HOWE, date(2025, 4, 6)): (24.5, "01:30", "01:55"),
    (APIA, date(2020, 4, 5)): (25.0, "03:00", "03:55"),
    (MOUNTAIN, date(2025, 11, 2)): (25.0, "01:00", "01:55"),
    (HAVANA, date(2025, 11, 2)): (25.0, "00:00", "00:55"),
    (SAO_PAULO, date(2018, 2, 17)): (25.0, "23:00", "23:55"),
}
ORDINARY = [(name, date(2025, 7, 20)) for name in (PARIS, NEW_YORK, LORD_HOWE, KATHMANDU, APIA, MOUNTAIN)]
DAYS = [*CHANGES, *ORDINARY, (KATHMANDU, date(2024, 2, 29)), (PARIS, date(2025, 12, 31))]
on_days = pytest.mark.parametrize(("name", "day"), DAYS, ids=str)
SPRING = [(*at, *change[1:]) for at, change in CHANGES.items() if change[0] < 24]
AUTUMN = [(*at, *change[1:]) for at, change in CHANGES.items() if change[0] > 24]


def axis_of(labels: Any, name: str, day: date, at: datetime = LONG_AFTER) -> TimeAxis:
    return read_time_axis(labels, "time", asked("ecu_power", day.isoformat(), at, name))


def ends_of(axis: TimeAxis) -> list[datetime]:
    return list(axis.ends.to_pylist())


def slots_of(name: str, day: date, minutes: int = 5) -> list[datetime]:
    """Every slot end of that local day, counted in UTC."""
    first, last = hour_bounds_utc(day, 0, zone(name))[0], day_end_utc(day, zone(name))
    return [
        first + timedelta(minutes=n) for n in range(0, int((last - first) / timedelta(minutes=1)), minutes)
    ]


def on_the_wall(instants: list[datetime], name: str) -> list[str]:
    return [f"{instant.astimezone(zone(name)):%H:%M}" for instant in instants]


def is_repeated(instant: datetime, name: str) -> bool:
    local = instant.astimezone(zone(name))
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@on_days
@pytest.mark.parametrize("minutes", [1, 5, 10])
def test_a_whole_day_comes_back(name: str, day: date, minutes: int) -> None:
    instants = slots_of(name, day, minutes)
    labels = on_the_wall(instants, name)
    axis = axis_of(labels, name, day)
    assert ends_of(axis) == instants
    assert axis.folds.to_pylist() == [instant.astimezone(zone(name)).fold for instant in instants]
    assert axis.labels.to_pylist() == labels and len(axis) == axis.came == len(labels)
    assert len(labels) == round(CHANGES.get((name, day), (24.0,))[0] * 60 / minutes)


@given(st.sampled_from(DAYS), st.sets(st.integers(0, 24 * 60)), st.booleans())
@example((LORD_HOWE, date(2025, 4, 6)), set(), True)
def test_what_is_left_of_a_day_comes_back(at: tuple[str, date], chosen: set[int], both: bool) -> None:
    """Gaps anywhere; in the repeated hour none, or the text could not tell the first time from the second."""
    name, day = at
    every = slots_of(name, day, 1)
    kept = [
        instant for n, instant in enumerate(every) if (both if is_repeated(instant, name) else n in chosen)
    ]
    assert ends_of(axis_of(on_the_wall(kept, name), name, day)) == kept


@given(st.sampled_from([*CHANGES]), st.sets(st.integers(0, 25 * 12 - 1), min_size=1))
def test_whatever_is_left_its_clock_shows_the_label_and_time_goes_on(
    at: tuple[str, date], chosen: set[int]
) -> None:
    name, day = at
    kept = [instant for n, instant in enumerate(slots_of(name, day)) if n in chosen]
    labels = on_the_wall(kept, name)
    if len(labels) > 1 and labels[-1] == "00:00":
        return  # the end of the day to one who reads it alone: see below
    found = ends_of(axis_of(labels, name, day))
    assert on_the_wall(found, name) == labels
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(abs(a - b) <= timedelta(hours=1) for a, b in zip(found, kept, strict=True))


@pytest.mark.parametrize(("name", "day", "first", "last"), SPRING)
def test_a_skipped_label_is_refused(name: str, day: date, first: str, last: str) -> None:
    for label in (first, last):
        assert instants_of_label(day, label, zone(name)) == ()
        with pytest.raises(RefusedError, match=rf"time\[0\] is {label}, which no clock in {name} showed on"):
            axis_of([label], name, day)


@pytest.mark.parametrize(("name", "day", "first", "last"), AUTUMN)
def test_a_repeated_label_is_fold_0_then_1(name: str, day: date, first: str, last: str) -> None:
    axis = axis_of([first, last, first, last], name, day)
    assert axis.folds.to_pylist() == [0, 0, 1, 1]
    span = timedelta(minutes=30) if name == LORD_HOWE else timedelta(hours=1)
    ends = ends_of(axis)
    assert [ends[2] - ends[0], ends[3] - ends[1]] == [span, span]
    assert axis_of([first, first], name, day).folds.to_pylist() == [0, 1]
    assert axis_of([last, first], name, day).folds.to_pylist() == [0, 1]
    assert axis_of([first, last], name, day).folds.to_pylist() == [0, 0], "a label met once is the first"
    for labels in ([first] * 3, [first, last, first, first], [last, first, last, first]):
        with pytest.raises(RefusedError, match="does not follow the label before"):
            axis_of(labels, name, day)


def test_the_hours_around_the_repeated_one() -> None:
    axis = axis_of(["01:55", "02:00", "02:55", "02:00", "02:55", "03:00"], PARIS, date(2025, 10, 26))
    assert axis.folds.to_pylist() == [0, 0, 0, 1, 1, 0]
    assert [end.strftime("%H:%M") for end in ends_of(axis)] == [
        "23:55", "00:00", "00:55", "01:00", "01:55", "02:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "labels",
    [
        ["10:00", "10:00"],
        ["10:05", "10:00"],
        ["10:00", "10:05", "10:00", "10:05"],
        ["00:00", "00:00"],
        ["23:55", "00:00", "00:05"],
        ["00:00", "12:00", "00:00"],
        ["02:00", "02:05", "02:00"],
    ],
)
@pytest.mark.parametrize("name", [PARIS, KATHMANDU])
def test_labels_that_do_not_ascend_are_refused(labels: list[str], name: str) -> None:
    with pytest.raises(RefusedError, match="does not follow the label before"):
        axis_of(labels, name, date(2025, 7, 20))


def test_one_disorder_anywhere_in_a_day_refuses_it() -> None:
    labels = on_the_wall(slots_of(PARIS, date(2025, 7, 20)), PARIS)
    for n in range(1, len(labels) - 1, 17):
        swapped = [*labels[:n], labels[n + 1], labels[n], *labels[n + 2 :]]
        twice = [*labels[:n], labels[n], *labels[n:]]
        for wrong in (swapped, twice):
            with pytest.raises(RefusedError):
                axis_of(wrong, PARIS, date(2025, 7, 20))


@pytest.mark.parametrize("name", [PARIS, LORD_HOWE, KATHMANDU, APIA])
def test_midnight_begins_a_day_and_ends_it_where_it_stands_last(name: str) -> None:
    day = date(2025, 7, 20)
    first, end = hour_bounds_utc(day, 0, zone(name))[0], day_end_utc(day, zone(name))
    assert ends_of(axis_of(["00:00"], name, day)) == [first], "alone it is what the clock showed that day"
    assert ends_of(axis_of(["00:00", "00:05"], name, day))[0] == first
    axis = axis_of(["23:50", "23:55", "00:00"], name, day)
    assert ends_of(axis)[-1] == end and axis.folds.to_pylist() == [0, 0, 0]


def test_midnight_at_the_end_of_days_with_a_clock_change() -> None:
    end = axis_of(["23:55", "00:00"], HAVANA, date(2025, 11, 2))
    assert ends_of(end) == [datetime(2025, 11, 3, 4, 55, tzinfo=UTC), datetime(2025, 11, 3, 5, tzinfo=UTC)]
    brazil = axis_of(["23:55", "23:55", "00:00"], SAO_PAULO, date(2018, 2, 17))
    assert ends_of(brazil)[-1] == datetime(2018, 2, 18, 3, tzinfo=UTC)
    cairo = axis_of(["23:55", "00:00"], CAIRO, date(2025, 4, 24))
    assert ends_of(cairo)[-1] == datetime(2025, 4, 24, 22, tzinfo=UTC), "the clock goes on with 01:00"


def test_the_day_that_samoa_left_out() -> None:
    for label in ("00:00", "12:00", "23:55"):
        with pytest.raises(RefusedError, match="no clock in Pacific/Apia showed on 2011-12-30"):
            axis_of([label], APIA, date(2011, 12, 30))
    eve = ends_of(axis_of(["23:55", "00:00"], APIA, date(2011, 12, 29)))
    assert eve == [datetime(2011, 12, 30, 9, 55, tzinfo=UTC), datetime(2011, 12, 30, 10, tzinfo=UTC)]
    after = ends_of(axis_of(["00:00"], APIA, date(2011, 12, 31)))
    assert after == [datetime(2011, 12, 30, 10, tzinfo=UTC)]


@pytest.mark.parametrize(
    "bad",
    ["", "9:05", "24:00", "12:60", "12:5", "1205", "12:05:00", " 12:05", "12:05\n", "١٢:٠٥", "12.05", None, 5,
     12.05, True, [], ["12:05"], {}, "12:05 AM", "2025-07-20 12:05"],
    ids=ascii,
)  # fmt: skip
@pytest.mark.parametrize("place", [0, 1])
def test_one_bad_label_refuses_the_list(bad: Any, place: int) -> None:
    labels: list[Any] = ["12:00", "12:10"]
    labels[place] = bad
    with pytest.raises(RefusedError, match=rf"time\[{place}\] is .*, not HH:mm"):
        axis_of(labels, PARIS, date(2025, 7, 20))


@pytest.mark.parametrize("bad", [None, "12:00", {}, {"0": "12:00"}, 5])
def test_labels_are_a_list(bad: Any) -> None:
    with pytest.raises(RefusedError, match=r"time is .*, not a list"):
        axis_of(bad, PARIS, date(2025, 7, 20))


def test_no_labels_are_no_slots() -> None:
    axis = axis_of([], PARIS, date(2025, 7, 20))
    assert len(axis) == axis.came == 0
    assert axis.read_series([], "power").to_pylist() == []


NOON = datetime(2025, 7, 20, 10, 0, tzinfo=UTC)  # 12:00 in Paris


def test_a_series_stands_beside_its_labels() -> None:
    axis = axis_of(["10:00", "10:05", "10:10"], PARIS, date(2025, 7, 20), NOON)
    assert axis.read_series(["1.5", None, ""], "power").to_pylist() == [1.5, None, None]


@pytest.mark.parametrize("length", [0, 1, 2, 4, 6])
def test_a_series_of_another_length_is_refused(length: int) -> None:
    axis = axis_of(["10:00", "10:05", "10:10"], PARIS, date(2025, 7, 20), NOON)
    with pytest.raises(RefusedError, match=f"power has {length} entries for 3 labels"):
        axis.read_series(["1"] * length, "power")


def test_slots_that_have_not_begun_become_no_rows() -> None:
    labels = ["11:55", "12:00", "12:20", "12:25", "13:00"]
    axis = axis_of(labels, PARIS, date(2025, 7, 20), NOON)
    assert axis.labels.to_pylist() == ["11:55", "12:00", "12:20"], "12:15 is now, for a clock 15 minutes slow"
    assert axis.came == 5
    assert axis.read_series(["1", "2", "3", "0", None], "power").to_pylist() == [1, 2, 3]
    assert axis.read_series(["1", "2", "3", "0.00", ""], "power").to_pylist() == [1, 2, 3]


@pytest.mark.parametrize("future", [["0.1", "0"], ["0", "-5"], [None, "1"]])
def test_values_for_what_has_not_begun_are_refused(future: list[Any]) -> None:
    axis = axis_of(["11:55", "12:25", "13:00"], PARIS, date(2025, 7, 20), NOON)
    with pytest.raises(RefusedError, match="not begun"):
        axis.read_series(["1", *future], "power")
    with pytest.raises(RefusedError, match="3 labels"):
        axis.read_series(["1"], "power")
