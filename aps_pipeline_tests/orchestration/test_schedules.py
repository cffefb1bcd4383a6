"""The daily refresh: which runs a tick asks for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from aps_pipeline.config import Settings
from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.resources import ApsResource
from aps_pipeline.tables import PROFILES

BOTH = ("system", "meter")


def tick(when: datetime, start: date = date(2020, 1, 1), **settings: Any) -> dg.ScheduleExecutionData | Any:
    chosen = Settings(_env_file=None, **settings)  # type: ignore[call-arg]
    defs = build_definitions(start, ApsResource(lambda: chosen), PROFILES[chosen.profile])
    schedule = defs.resolve_schedule_def("daily_refresh")
    context = dg.build_schedule_context(
        scheduled_execution_time=when, repository_def=defs.get_repository_def()
    )
    return schedule.evaluate_tick(context)


def ranges(when: datetime, **settings: Any) -> list[tuple[list[str], str | None, str | None]]:
    return [
        (
            [key.path[-1] for key in request.asset_selection],
            request.tags.get("dagster/asset_partition_range_start"),
            request.tags.get("dagster/asset_partition_range_end"),
        )
        for request in tick(when, **settings).run_requests
    ]


def test_yesterday_and_the_revision_window_in_one_run_for_each_length() -> None:
    assert ranges(datetime(2026, 3, 4, 12, 30, tzinfo=UTC)) == [
        (["systems", "system_capacity", "ecus", "inverters", "meters"], None, None),
        ([f"{of}_{by}_energy" for of in BOTH for by in ("monthly", "yearly")], "2026", "2026"),
        ([f"{of}_daily_energy" for of in BOTH], "2026-02", "2026-03"),
        (
            [
                "system_hourly_energy",
                "inverter_batch_energy",
                "meter_hourly_energy",
                "inverter_batch_power",
            ],
            "2026-02-26",
            "2026-03-03",
        ),
    ]


def test_a_lean_profile_leaves_hours_and_power_out() -> None:
    runs = ranges(datetime(2026, 3, 4, 12, 30, tzinfo=UTC), profile="lean")
    assert runs[-1] == (["inverter_batch_energy"], "2026-02-26", "2026-03-03")


def test_the_new_year() -> None:
    found = ranges(datetime(2026, 1, 1, 12, 30, tzinfo=UTC), revision_days=2)
    assert [each[1:] for each in found[1:]] == [
        ("2025", "2025"),
        ("2025-12", "2025-12"),
        ("2025-12-29", "2025-12-31"),
    ]


def test_yesterday_is_over_everywhere() -> None:
    assert ranges(datetime(2026, 3, 4, 11, 59, tzinfo=UTC))[-1][2] == "2026-03-02"
    assert ranges(datetime(2026, 3, 4, 12, 0, tzinfo=UTC))[-1][2] == "2026-03-03"


def test_every_run_is_a_refresh_and_asked_for_once_a_day() -> None:
    requests = tick(datetime(2026, 3, 4, 12, 30, tzinfo=UTC)).run_requests
    assert {request.tags["aps/revise"] for request in requests} == {"true"}
    assert len({request.run_key for request in requests}) == 4
    again = tick(datetime(2026, 3, 4, 15, 0, tzinfo=UTC)).run_requests
    assert [request.run_key for request in again] == [request.run_key for request in requests]


def test_nothing_before_the_first_partition() -> None:
    begun = ranges(datetime(2026, 3, 4, 12, 30, tzinfo=UTC), start=date(2026, 3, 2))
    assert begun[-1][1:] == ("2026-03-02", "2026-03-03")
    data = tick(datetime(2026, 3, 4, 12, 30, tzinfo=UTC), start=date(2026, 3, 4))
    assert not data.run_requests
    assert "2026-03-04" in data.skip_message


@pytest.mark.parametrize(
    "when", [datetime(2026, 3, 4, 12, 30, tzinfo=UTC), datetime(2024, 12, 31, 23, tzinfo=UTC)]
)
def test_every_range_is_of_partitions_that_there_are(when: datetime) -> None:
    graph = build_definitions(date(2020, 1, 1), ApsResource()).resolve_asset_graph()
    for names, first, last in ranges(when):
        for name in names:
            partitions = graph.get(dg.AssetKey(["core", name])).partitions_def
            if partitions is not None:
                keys = partitions.get_partition_keys(current_time=when)
                assert {first, last} <= set(keys)
