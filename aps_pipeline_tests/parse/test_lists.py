"""Lists without labels: lengths against the calendar, open periods, the future, clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aps_pipeline.parse import RefusedError
from aps_pipeline_tests.parse.helpers import LONG_AFTER, asked, rows_of

NOON = datetime(2024, 3, 5, 11, 0, tzinfo=UTC)  # 12:00 in Paris
DAY = [f"0.{hour:02d}" for hour in range(24)]


def values(rows: list[dict[str, Any]]) -> list[float | None]:
    return [row["energy_kwh"] for row in rows]


def test_a_whole_day() -> None:
    rows = rows_of("hourly", ["0", "0.00", None, "", "2.5", "-0.01", *["1"] * 18], asked("2024-03-05"))
    assert [row["hour"] for row in rows] == list(range(24))
    assert values(rows)[:6] == [0.0, 0.0, None, None, 2.5, -0.01]
    first = rows[0]
    assert (first["system_id"], first["date"], first["call_id"]) == ("S1", date(2024, 3, 5), 7)
    assert first["start_utc"] == datetime(2024, 3, 4, 23, tzinfo=UTC)
    assert first["end_utc"] - first["start_utc"] == timedelta(hours=1)


@pytest.mark.parametrize(
    ("level", "key", "right"),
    [
        ("hourly", "2024-03-05", 24),
        ("hourly", "2024-03-31", 24),
        ("hourly", "2024-10-27", 24),
        ("daily", "2024-02", 29),
        ("daily", "2023-02", 28),
        ("daily", "2024-04", 30),
        ("daily", "2024-12", 31),
        ("monthly", "2023", 12),
        ("monthly", "2024", 12),
        ("yearly", "", 5),
    ],
)
def test_a_closed_period_has_every_entry(level: str, key: str, right: int) -> None:
    call = asked(key, level, at=LONG_AFTER + timedelta(days=100))
    assert values(rows_of(level, ["1.5"] * right, call)) == [1.5] * right
    for wrong in (0, 1, right - 1, *((right + 1, right * 2) if level != "yearly" else (19, 61))):
        with pytest.raises(RefusedError, match=f"{wrong} entries where {right} belong"):
            rows_of(level, ["1.5"] * wrong, call)


@pytest.mark.parametrize("length", [0, 5, 12, 13])
def test_a_day_in_course_may_be_short(length: int) -> None:
    rows = rows_of("hourly", DAY[:length], asked("2024-03-05", at=NOON))
    assert values(rows) == [float(text) for text in DAY[:length]]


def test_a_day_in_course_may_have_zeros_for_the_future_which_become_no_rows() -> None:
    rows = rows_of("hourly", ["1"] * 13 + ["0", "0.00", None, ""] + ["0"] * 7, asked("2024-03-05", at=NOON))
    assert [row["hour"] for row in rows] == list(range(13)), "12:00 has begun, 13:00 has not"


@pytest.mark.parametrize("value", ["0.01", "-0.01"])
def test_energy_of_the_future_is_refused(value: str) -> None:
    with pytest.raises(RefusedError, match="not begun"):
        rows_of("hourly", ["1"] * 13 + [value] + ["0"] * 10, asked("2024-03-05", at=NOON))


def test_our_clock_may_lie_a_little_behind() -> None:
    just_before = datetime(2024, 3, 5, 11, 50, tzinfo=UTC)
    assert len(rows_of("hourly", ["1"] * 14 + ["0"] * 10, asked("2024-03-05", at=just_before))) == 14


def test_more_entries_than_a_day_in_course_has_are_refused() -> None:
    with pytest.raises(RefusedError):
        rows_of("hourly", ["0"] * 25, asked("2024-03-05", at=NOON))


def test_the_day_is_open_until_its_own_midnight() -> None:
    last_second = datetime(2024, 3, 5, 22, 59, 59, tzinfo=UTC)
    assert len(rows_of("hourly", ["1"] * 23, asked("2024-03-05", at=last_second))) == 23
    with pytest.raises(RefusedError):
        rows_of("hourly", ["1"] * 23, asked("2024-03-05", at=last_second + timedelta(seconds=1)))
    tokyo = asked("2024-03-05", at=last_second, zone_name="Asia/Tokyo")
    with pytest.raises(RefusedError):
        rows_of("hourly", ["1"] * 23, tokyo)


def test_a_month_in_course_is_short_and_its_last_days_are_provisional() -> None:
    call = asked("2024-03", "daily", at=datetime(2024, 3, 20, 12, tzinfo=UTC))
    rows = rows_of("daily", ["1"] * 20, call)
    assert [row["date"].day for row in rows if not row["is_final"]] == [15, 16, 17, 18, 19, 20]
    with pytest.raises(RefusedError):
        rows_of("daily", ["1"] * 21, call)
    assert len(rows_of("daily", ["1"] * 20 + ["0"] * 11, call)) == 20


@pytest.mark.parametrize(("after", "final"), [(timedelta(), True), (timedelta(microseconds=-1), False)])
def test_final_begins_when_the_revision_days_have_ended(after: timedelta, final: bool) -> None:
    end_and_five_days = datetime(2024, 4, 5, 22, 0, tzinfo=UTC)  # Paris is at +2 in April
    rows = rows_of("daily", ["1"] * 31, asked("2024-03", "daily", at=end_and_five_days + after))
    assert rows[-1]["is_final"] is final and all(row["is_final"] for row in rows[:-1])


def test_a_year_in_course() -> None:
    call = asked("2024", "monthly", at=datetime(2024, 3, 20, 12, tzinfo=UTC))
    rows = rows_of("monthly", ["5", "6", "7"], call)
    assert [row["month"] for row in rows] == [date(2024, month, 1) for month in (1, 2, 3)]
    assert [row["is_final"] for row in rows] == [True, True, False]
    assert len(rows_of("monthly", ["5", "6", "7", *["0"] * 9], call)) == 3


def test_years_are_counted_from_registration() -> None:
    rows = rows_of(
        "yearly", ["1", "2", "3", "4", "5"], asked("", "yearly", at=LONG_AFTER + timedelta(days=20))
    )
    assert [row["year"] for row in rows] == [2022, 2023, 2024, 2025, 2026]
    assert [row["is_final"] for row in rows] == [True, True, True, True, False]
    assert values(rows) == [1, 2, 3, 4, 5]


def test_years_before_registration_are_read_from_the_end_of_the_list() -> None:
    call = asked("", "yearly", at=datetime(2026, 11, 27, tzinfo=UTC))
    rows = rows_of("yearly", ["0", "7", "1", "2", "3", "4", "5"], call)
    assert [row["year"] for row in rows] == list(range(2020, 2027))
    assert values(rows) == [0, 7, 1, 2, 3, 4, 5]
    assert len(rows_of("yearly", ["1"] * 18, call)) == 18  # since 2009
    for wrong in (3, 4, 19, 61):
        with pytest.raises(RefusedError, match=f"{wrong} entries where 5 belong"):
            rows_of("yearly", ["1"] * wrong, call)


@pytest.mark.parametrize(
    ("at", "last", "is_taken"),
    [
        (datetime(2025, 12, 31, 12, tzinfo=UTC), "900", True),
        (datetime(2025, 12, 31, 12, tzinfo=UTC), "0.3", False),  # the server may be in the next year
        (datetime(2026, 1, 2, 12, tzinfo=UTC), "0.3", True),
        (datetime(2026, 1, 2, 12, tzinfo=UTC), "900", False),  # the server may still show the last one
        (datetime(2026, 1, 5, 12, tzinfo=UTC), "900", True),
    ],
)
def test_about_new_year_a_longer_list_must_show_how_it_ends(at: datetime, last: str, is_taken: bool) -> None:
    entries, call = ["1000"] * 6 + [last], asked("", "yearly", at=at)
    if is_taken:
        assert [row["year"] for row in rows_of("yearly", entries, call)][-1] == at.year
    else:
        with pytest.raises(RefusedError, match="may end with the year"):
            rows_of("yearly", entries, call)


def test_years_without_a_registration_are_refused() -> None:
    with pytest.raises(RefusedError, match="create_date"):
        rows_of("yearly", ["1"], asked("", "yearly", created=None))


@pytest.mark.parametrize(
    ("at", "lengths"),
    [
        (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), {4, 5}),
        (datetime(2026, 1, 3, 12, 0, tzinfo=UTC), {4, 5}),
        (datetime(2026, 1, 4, 12, 0, tzinfo=UTC), {5}),
        (datetime(2025, 12, 28, 12, 0, tzinfo=UTC), {4}),
        (datetime(2025, 12, 31, 22, 0, tzinfo=UTC), {4}),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), {4, 5}),
    ],
)
def test_the_new_year_may_be_missing_in_its_first_days(at: datetime, lengths: set[int]) -> None:
    taken = set()
    for length in range(6 if at < datetime(2026, 1, 4, tzinfo=UTC) and lengths != {4} else max(lengths) + 1):
        try:
            rows = rows_of("yearly", ["1"] * length, asked("", "yearly", at=at))
        except RefusedError:
            continue
        assert [row["year"] for row in rows] == list(range(2022, 2022 + length))
        taken.add(length)
    assert taken == lengths


def test_the_hours_of_a_day_of_clock_change() -> None:
    spring = rows_of("hourly", DAY, asked("2024-03-31"))
    lasting = [(row["end_utc"] - row["start_utc"]) / timedelta(hours=1) for row in spring]
    assert lasting == [1, 1, 0, *[1] * 21]
    autumn = rows_of("hourly", DAY, asked("2024-10-27"))
    lasting = [(row["end_utc"] - row["start_utc"]) / timedelta(hours=1) for row in autumn]
    assert lasting == [1, 1, 2, *[1] * 21]
    for rows in (spring, autumn):
        assert values(rows) == [float(text) for text in DAY], "the values stay where they stand"


@pytest.mark.parametrize("bad", ["x", "nan", True, ["1"], {"v": 1}, "1_0", " 1", "1e999"])
@pytest.mark.parametrize("place", [0, 12, 23])
def test_one_bad_entry_refuses_the_list(bad: Any, place: int) -> None:
    entries: list[Any] = list(DAY)
    entries[place] = bad
    with pytest.raises(RefusedError, match=rf"data\[{place}\] is"):
        rows_of("hourly", entries, asked("2024-03-05"))


def test_numbers_may_be_numbers() -> None:
    assert values(rows_of("hourly", [1, 2.5, 0, 1e-3, *DAY[4:]], asked("2024-03-05")))[:4] == [
        1,
        2.5,
        0,
        0.001,
    ]
