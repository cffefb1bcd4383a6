"""Partitions are periods: the same keys, over everywhere, without gaps where none are."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from aps_pipeline.orchestration.partitions import Calendar, contiguous_ranges, last_day_of_run
from aps_pipeline.periods import Grain, Period, periods_between

NOON = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("grain", "last"),
    [(Grain.DAY, date(2024, 2, 29)), (Grain.MONTH, date(2024, 3, 1)), (Grain.YEAR, date(2024, 3, 1))],
)
def test_keys_are_those_of_periods(grain: Grain, last: date) -> None:
    partitions = Calendar(date(2022, 11, 20)).of(grain)
    assert partitions is not None
    expected = [period.key for period in periods_between(grain, date(2022, 11, 20), last)]
    assert partitions.get_partition_keys(current_time=NOON) == expected


def test_the_last_day_is_the_last_partition() -> None:
    calendar = Calendar(date(2022, 11, 20))
    partitions = calendar.of(Grain.DAY)
    assert partitions is not None
    for hour in (0, 11, 12, 23):
        now = NOON.replace(hour=hour)
        assert str(calendar.last_day(now)) == partitions.get_partition_keys(current_time=now)[-1]
    assert calendar.last_day(datetime(2022, 11, 20, 12, tzinfo=UTC)) is None


def test_a_lifetime_has_no_partitions() -> None:
    assert Calendar(date(2024, 1, 1)).of(Grain.LIFETIME) is None


def test_stretches() -> None:
    def keys(grain: Grain, *keys: str) -> list[str]:
        return [f"{a.key}/{b.key}" for a, b in contiguous_ranges(Period.parse(grain, key) for key in keys)]

    assert keys(Grain.DAY) == []
    assert keys(Grain.DAY, "2024-03-02", "2024-02-28", "2024-03-01", "2024-02-29", "2024-03-05") == [
        "2024-02-28/2024-03-02",
        "2024-03-05/2024-03-05",
    ]
    assert keys(Grain.MONTH, "2023-12", "2024-01", "2024-03") == ["2023-12/2024-01", "2024-03/2024-03"]
    assert keys(Grain.YEAR, "2024", "2023") == ["2023/2024"]


def test_what_a_run_is_about() -> None:
    assert last_day_of_run({"dagster/asset_partition_range_end": "2024-02"}) == date(2024, 2, 29)
    assert last_day_of_run({"dagster/partition": "2024"}) == date(2024, 12, 31)
    assert last_day_of_run({"dagster/partition": "2024-02-03"}) == date(2024, 2, 3)
    assert last_day_of_run({}) is None
