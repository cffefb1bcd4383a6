"""What is worth most comes first, and when it will be done."""

from __future__ import annotations

from datetime import date

import pytest

from aps_pipeline.periods import Grain, Period, zone
from aps_pipeline.planning import PartitionPlan, RequestPart, System, by_priority, forecast, phases
from aps_pipeline.request import NO_ENTRY, Request
from aps_pipeline.tables import FETCHED, get_table

HOURS, POWER = get_table("system_hourly_energy"), get_table("inverter_batch_power")
SYSTEMS = [System(name, zone("Europe/Paris"), None) for name in ("S1", "S2", "S3")]


def needs(name: str, day: int) -> PartitionPlan:
    """One day of a table for three systems, nothing held."""
    table = get_table(name)
    period = Period(Grain.DAY, date(2026, 3, day))
    parts = tuple(
        RequestPart(Request(table.source.endpoint, table.source.level, each.system_id, "", period), each)
        for each in SYSTEMS
    )
    return PartitionPlan(table, period, parts, {part.request: (part, NO_ENTRY) for part in parts})


def order_of(requests: list[Request]) -> list[tuple[str, int, str]]:
    return [(each.level, each.period.first.day, each.system_id) for each in requests]


def test_newest_first_and_systems_take_turns() -> None:
    found = order_of(by_priority([needs(HOURS.name, day) for day in range(1, 10)], date(2026, 3, 9)))
    assert [day for _, day, _ in found] == [day for day in range(9, 0, -1) for _ in SYSTEMS]
    assert [sid for _, _, sid in found[:6]] == ["S1", "S2", "S3"] * 2


def test_yesterday_then_what_expires_then_the_rest() -> None:
    wanted = [needs(name, day) for name in (HOURS.name, POWER.name) for day in range(1, 6)]
    found = order_of(by_priority(wanted, date(2026, 3, 4), {("inverter_batch", "power")}))
    kinds = list(dict.fromkeys((level, day) for level, day, _ in found))
    assert kinds == [
        ("hourly", 4), ("power", 4),
        ("power", 1), ("power", 2), ("power", 3), ("power", 5),
        ("hourly", 5), ("hourly", 3), ("hourly", 2), ("hourly", 1),
    ]  # fmt: skip


def test_a_question_of_two_tables_stands_once() -> None:
    both = [needs(name, 1) for name in ("inverter_dc_telemetry", "inverter_ac_telemetry")]
    assert len(by_priority(both, date(2026, 3, 9))) == len(SYSTEMS)


def test_coarse_before_fine() -> None:
    lengths = [{table.partition_grain for table in phase} for phase in phases(FETCHED)]
    assert lengths == [{"lifetime"}, {"year"}, {"month"}, {"day"}]


@pytest.mark.parametrize(
    ("calls", "left", "monthly", "reserved", "months"),
    [
        (0, 0, 1000, 100, 0),
        (900, 900, 1000, 100, 0),
        (901, 900, 1000, 100, 1),
        (1800, 900, 1000, 100, 1),
        (1801, 900, 1000, 100, 2),
        (10, 0, 1000, 1000, None),
        (10, 0, 1000, 2000, None),
    ],
)
def test_when_it_will_be_done(calls: int, left: int, monthly: int, reserved: int, months: int | None) -> None:
    assert forecast(calls, left, monthly, reserved).months == months
