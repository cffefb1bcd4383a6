"""Which of two answers serves, where a system and its only ECU say the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from aps_pipeline.periods import Grain, Period, zone
from aps_pipeline.planning import (
    Answers,
    Device,
    DuePolicy,
    Evidence,
    SkipRules,
    System,
    plan_partitions,
    requests_with_entry,
)
from aps_pipeline.request import LedgerEntry
from aps_pipeline.tables import get_table

HOURS = get_table("ecu_hourly_energy")
DAY = Period(Grain.DAY, date(2024, 3, 5))
NOON, EVENING = datetime(2024, 3, 5, 11, tzinfo=UTC), datetime(2024, 3, 5, 19, tzinfo=UTC)
NEXT_DAY, LATER = datetime(2024, 3, 6, 9, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
ECU = Device("E1")
SYSTEM = System(
    "S1", zone("Europe/Madrid"), None, (ECU,), every_ecu=(ECU,), equal=frozenset({("E1", "hourly")})
)


def data(call_id: int, sent: datetime) -> LedgerEntry:
    return LedgerEntry(answered=call_id, answered_utc=sent, asked_utc=sent)


def none(call_id: int, sent: datetime) -> LedgerEntry:
    return LedgerEntry(no_data=call_id, asked_utc=sent)


def answers(own: LedgerEntry | None, its: LedgerEntry | None) -> Answers:
    key = DAY.key
    return Answers.from_entries({
        ("ecu_energy", "hourly"): {("S1", "E1", key): own} if own else {},
        ("system_energy", "hourly"): {("S1", "", key): its} if its else {},
    })  # fmt: skip


def held(own: LedgerEntry | None, its: LedgerEntry | None) -> Evidence:
    return Evidence(answers=answers(own, its))


@pytest.mark.parametrize(
    ("own", "its", "serves"),
    [
        (data(1, NOON), None, 1),
        (None, data(2, NOON), 2),
        (data(1, NOON), data(2, EVENING), 1),
        (data(1, NOON), data(2, NEXT_DAY), 2),
        (data(1, NEXT_DAY), data(2, NOON), 1),
        (none(1, NEXT_DAY), data(2, NOON), 2),
        (data(1, NOON), none(2, NEXT_DAY), 1),
    ],
    ids=["own", "its", "same day", "later day", "earlier day", "data", "own data"],
)
def test_data_first_then_a_later_day_then_the_own(
    own: LedgerEntry | None, its: LedgerEntry | None, serves: int
) -> None:
    (found,) = requests_with_entry(HOURS, DAY, {"S1": SYSTEM}, answers(own, its))
    _, device_id, request, held = found
    assert (held.good, device_id) == (serves, "E1")
    assert request.endpoint == ("ecu_energy" if serves == 1 else "system_energy")


def test_what_is_due_is_asked_of_the_system() -> None:
    policy = DuePolicy(LATER, timedelta(days=3), DAY.last)
    (needs,) = plan_partitions(HOURS, [DAY], [SYSTEM], held(data(1, NOON), None), policy, SkipRules())
    (asked,) = needs.due
    assert (asked.endpoint, asked.device_id) == ("system_energy", "")


def test_a_day_that_was_begun_is_finished_even_if_it_was_idle() -> None:
    policy = DuePolicy(LATER, timedelta(days=3), DAY.last)
    idle = SkipRules(idle={"S1": {DAY.first: 9}})
    (begun,) = plan_partitions(HOURS, [DAY], [SYSTEM], held(data(1, NOON), None), policy, idle)
    assert begun.due and not begun.skipped
    (never,) = plan_partitions(HOURS, [DAY], [SYSTEM], held(None, None), policy, idle)
    assert never.skipped and not never.due
