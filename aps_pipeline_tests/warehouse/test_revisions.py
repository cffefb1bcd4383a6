"""`meta.revisions` and the check on what was lost, from comparisons in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aps_pipeline import warehouse
from aps_pipeline.ledger import AnswerDiff, CallEnd, CallState
from aps_pipeline.periods import Grain, Period
from aps_pipeline.request import Request
from aps_pipeline.warehouse import CheckResult
from aps_pipeline_tests.warehouse.conftest import LATE, Plant
from aps_pipeline_tests.warehouse.lean import check_alone, only_marts

DAY = Period(Grain.DAY, date(2024, 3, 5))
SAME = AnswerDiff(
    call_id=0, table_name="ecu_hourly_energy", previous_call_id=0, was_over=True,
    rows_before=24, rows_after=24, rows_new=0, rows_gone=0,
    numbers_before=24, numbers_after=24, numbers_changed=0, numbers_gone=0, numbers_missing=0,
    energy_before_kwh=6.1, energy_after_kwh=6.1,
)  # fmt: skip
CHANGED = replace(SAME, numbers_changed=2, energy_after_kwh=6.3)
LESS = replace(SAME, numbers_after=22, numbers_gone=2, numbers_missing=2, energy_after_kwh=5.9)
LESS_STILL = replace(SAME, numbers_before=22, numbers_after=22, numbers_missing=2)
BETTER = replace(LESS_STILL, numbers_after=23, numbers_missing=1)
WHOLE_AGAIN = replace(LESS, numbers_before=22, numbers_after=24, numbers_gone=0, numbers_missing=0)
NOTHING = replace(
    SAME, rows_after=0, rows_gone=24, numbers_after=0, numbers_gone=24, numbers_missing=24,
    energy_after_kwh=None,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts():
        yield


def revise(plant: Plant, device_id: str, *found: AnswerDiff) -> list[int]:
    """Answers to one request, a day apart, with the comparison of each but the first; their call_ids."""
    request = Request("ecu_energy", "hourly", "S1", device_id, DAY)
    ids: list[int] = []
    for position in range(len(found) + 1):
        plant.now = LATE + timedelta(days=position)
        ids.append(plant.ledger.reserve(request, plant.account, ids[-1] if ids else 0).call_id)
        is_none = position > 0 and not found[position - 1].rows_after
        state = CallState.NO_DATA if is_none else CallState.ANSWERED
        plant.ledger.finish(ids[-1], CallEnd(state, 200, 1001 if is_none else 0, body="{}", simulated=True))
    plant.ledger.keep_diffs(
        replace(each, call_id=call_id, previous_call_id=previous)
        for each, previous, call_id in zip(found, ids, ids[1:], strict=False)
    )
    return ids


def check(plant: Plant) -> CheckResult:
    with warehouse.open_warehouse(plant.path) as connection:
        return check_alone(connection, "lost_in_revision")


def test_a_difference_is_shown_with_when_and_by_how_much(plant: Plant) -> None:
    first, second = revise(plant, "E1", CHANGED)
    plant.build()
    assert plant.query("FROM meta.revisions") == [
        {
            "table_name": "ecu_hourly_energy",
            "system_id": "S1",
            "device_id": "E1",
            "period": "2024-03-05",
            "call_id": second,
            "previous_call_id": first,
            "revised_utc": datetime(2025, 6, 2, tzinfo=UTC),
            "previous_utc": LATE,
            "was_over": True,
            "rows_before": 24,
            "rows_after": 24,
            "rows_new": 0,
            "rows_gone": 0,
            "numbers_before": 24,
            "numbers_after": 24,
            "numbers_changed": 2,
            "numbers_gone": 0,
            "numbers_missing": 0,
            "energy_before_kwh": 6.1,
            "energy_after_kwh": 6.3,
            "change_kwh": 0.2,
            "is_shown": True,
        }
    ]


@pytest.mark.parametrize(
    "found",
    [
        CHANGED,
        LESS,
        NOTHING,
        replace(SAME, rows_new=1),
        replace(SAME, rows_gone=1),
        replace(SAME, numbers_after=25),
    ],
)
def test_any_difference_is_shown_and_equal_answers_are_not(plant: Plant, found: AnswerDiff) -> None:
    ids = revise(plant, "E1", SAME, found, SAME)
    plant.build()
    assert plant.query("SELECT call_id FROM meta.revisions") == [{"call_id": ids[2]}]


def test_the_change_is_absent_where_one_side_has_no_number(plant: Plant) -> None:
    revise(
        plant, "E1", NOTHING, replace(NOTHING, energy_before_kwh=None, energy_after_kwh=6.1, rows_after=24)
    )
    plant.build()
    assert plant.query("SELECT DISTINCT change_kwh FROM meta.revisions") == [{"change_kwh": None}]


def test_readers_see_the_newest_difference_with_data(plant: Plant) -> None:
    revise(plant, "E1", CHANGED, LESS, NOTHING)
    revise(plant, "E2", CHANGED, SAME, SAME)
    revise(plant, "E3", NOTHING)
    plant.build()
    shown = plant.query("SELECT device_id, is_shown FROM meta.revisions ORDER BY call_id")
    assert [(row["device_id"], row["is_shown"]) for row in shown] == [
        ("E1", False), ("E1", True), ("E1", False), ("E2", True), ("E3", False),
    ], "an equal answer after it shows the same"  # fmt: skip


LOST: dict[str, tuple[list[AnswerDiff], int | None]] = {
    "changed": ([CHANGED], None),
    "less": ([LESS], 0),
    "less and so again": ([LESS, LESS_STILL, LESS_STILL], 0),
    "less and then repaired": ([LESS, WHOLE_AGAIN, SAME], None),
    "less and partly repaired": ([LESS, BETTER, SAME], 1),
    "nothing": ([NOTHING], 0),
    "nothing and then all again": ([NOTHING, replace(WHOLE_AGAIN, rows_new=24)], None),
    "repaired and lost again": ([LESS, WHOLE_AGAIN, LESS], 2),
    "lost while others came": ([replace(LESS, rows_new=5, numbers_after=30, was_over=False)], 0),
}
"""Comparisons one after the other, and which of them the check is to name."""


@pytest.fixture(scope="module")
def lost(shared_plant: Plant) -> dict[str, list[int]]:
    """The calls of each of these stories, told by an ECU of its own."""
    ids = {name: revise(shared_plant, f"E{n}", *found) for n, (name, (found, _)) in enumerate(LOST.items())}
    shared_plant.build()
    return ids


def test_the_check_names_what_is_lost_and_not_repaired(
    shared_plant: Plant, lost: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warehouse.checks, "_SAMPLE", 1000)
    result = check(shared_plant)
    named = {row["call_id"] for row in result.sample}
    wanted = {lost[name][at + 1] for name, (_, at) in LOST.items() if at is not None}
    assert (result.severity, result.failing, named) == ("warning", len(wanted), wanted)
    assert result.meaning and result.advice


def test_each_table_of_an_answer_is_judged_by_itself(plant: Plant) -> None:
    first, second = revise(plant, "E1", LESS)
    other: dict[str, Any] = {"table_name": "ecu_power", "call_id": second, "previous_call_id": first}
    plant.ledger.keep_diffs([replace(CHANGED, **other)])
    plant.build()
    assert [row["table_name"] for row in check(plant).sample] == ["ecu_hourly_energy"]


def test_without_comparisons_there_is_nothing_to_see(plant: Plant) -> None:
    plant.build()
    assert plant.query("FROM meta.revisions") == [] and check(plant).passed
