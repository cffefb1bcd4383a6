"""Days without production and days without an answer are different things."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aps_pipeline.ledger import CallEnd, CallState
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import State
from aps_pipeline.request import Request
from aps_pipeline.tables import TABLES
from aps_pipeline_tests.planning.period_states import PeriodState
from aps_pipeline_tests.warehouse.conftest import LATE, Plant
from aps_pipeline_tests.warehouse.lean import only_marts

FIRST = date(2024, 3, 1)
SOON = datetime(2024, 3, 4, tzinfo=UTC)
EVERY_CALL = 1_000_000
"""Answers up to this one are known to the caller, so the request may be asked again."""
ONE, NONE = {"E1/I1/1": 0.4, "E1/I2/1": 0.0}, {"E1/I1/1": 0.0, "E1/I2/1": 0.0}


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts("outages"):
        yield


def day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


def produce(plant: Plant, system_id: str, *numbers: int) -> None:
    for number in numbers:
        plant.panels(day(number), ONE, system_id=system_id)


def ask(
    plant: Plant,
    system_id: str,
    number: int,
    state: CallState,
    code: int | None = None,
    sent: datetime = LATE,
    ecu_id: str = "E1",
) -> int:
    """A call about the panels of an ECU on one day; its number."""
    plant.now = sent
    request = Request("inverter_batch", "energy", system_id, ecu_id, Period(Grain.DAY, day(number)))
    call_id = plant.ledger.reserve(request, plant.account, after=EVERY_CALL).call_id
    body = '{"code":0}' if state is CallState.ANSWERED else None
    plant.ledger.finish(call_id, CallEnd(state, 200, code, body=body, simulated=True))
    return call_id


def cover(plant: Plant, system_id: str, number: int, state: State, call_id: int = 0) -> None:
    table = TABLES["inverter_batch_energy"]
    plant.covered.append(
        PeriodState(system_id, table, Period(Grain.DAY, day(number)), state, call_id=call_id)
    )


def outages(plant: Plant) -> list[dict[str, Any]]:
    plant.build()
    return plant.query("FROM mart.outages")


def said(plant: Plant) -> list[tuple[str, str, int, int]]:
    """Kind, state, first day and length of each."""
    return [
        (row["kind"], row["state"], row["first_date"].day, row["days"])
        for row in outages(plant)
        if row["last_date"] - row["first_date"] == timedelta(days=row["days"] - 1)
    ]


def test_days_of_measured_zero_are_a_production_gap(plant: Plant) -> None:
    plant.system()
    produce(plant, "S1", 1, 5)
    for number in (2, 3, 4):
        plant.panels(day(number), NONE)
    assert outages(plant) == [
        {
            "system_id": "S1",
            "ecu_id": "E1",
            "kind": "production gap",
            "state": "zero",
            "first_date": day(2),
            "last_date": day(4),
            "days": 3,
            "is_ongoing": False,
            "call_id": plant.call("energy", endpoint="inverter_batch"),
        }
    ]


def test_days_with_production_and_what_has_no_end_are_no_outage(plant: Plant) -> None:
    plant.panels(day(1), NONE)
    produce(plant, "S1", 2, 3)
    plant.panels(day(4), NONE)
    ask(plant, "S1", 5, CallState.NO_DATA)
    assert outages(plant) == []


def test_every_way_of_not_knowing_has_its_name(plant: Plant) -> None:
    produce(plant, "S1", 1, 3, 5, 7, 9, 11, 13)
    calls = [
        ask(plant, "S1", 2, CallState.NO_DATA, 1001),
        ask(plant, "S1", 4, CallState.REFUSED, 0),
        ask(plant, "S1", 6, CallState.FAILED),
        ask(plant, "S1", 8, CallState.DENIED, 4001),
    ]
    ask(plant, "S1", 10, CallState.DENIED, 2005)
    cover(plant, "S1", 12, State.BEYOND, calls[0])
    rows = outages(plant)
    assert {row["kind"] for row in rows} == {"telemetry gap"}
    assert [(row["first_date"].day, row["state"], row["call_id"]) for row in rows] == [
        (2, "no data", calls[0]),
        (4, "refused", calls[1]),
        (6, "failed", calls[2]),
        (8, "failed", calls[3]),
        (10, "not asked", None),
        (12, "beyond retention", calls[0]),
    ]


def test_an_answer_counts_before_a_refusal_and_that_before_a_failure(plant: Plant) -> None:
    produce(plant, "S1", 1, 5)
    answered, _ = ask(plant, "S1", 2, CallState.ANSWERED, 0), ask(plant, "S1", 2, CallState.NO_DATA)
    nothing, _ = ask(plant, "S1", 3, CallState.NO_DATA), ask(plant, "S1", 3, CallState.REFUSED)
    refused, _ = ask(plant, "S1", 4, CallState.REFUSED), ask(plant, "S1", 4, CallState.FAILED)
    assert [(row["kind"], row["state"], row["call_id"]) for row in outages(plant)] == [
        ("production gap", "no numbers", answered),
        ("telemetry gap", "no data", nothing),
        ("telemetry gap", "refused", refused),
    ]


def test_a_day_that_may_still_change_is_no_production_gap(plant: Plant) -> None:
    produce(plant, "S1", 1, 4)
    plant.panels(day(2), NONE, SOON)
    ask(plant, "S1", 3, CallState.ANSWERED, 0, SOON)
    assert outages(plant) == []


def test_a_day_is_final_by_the_clock_of_the_system(plant: Plant) -> None:
    """In Madrid the day ends at 23:00 UTC; five revision days later it is final."""
    plant.system()
    produce(plant, "S1", 1, 5)
    plant.panels(day(2), NONE, datetime(2024, 3, 7, 22, 59, tzinfo=UTC))
    plant.panels(day(4), NONE, datetime(2024, 3, 9, 23, tzinfo=UTC))
    ask(plant, "S1", 3, CallState.ANSWERED, 0, datetime(2024, 3, 8, 23, tzinfo=UTC))
    assert said(plant) == [("production gap", "no numbers", 3, 1), ("production gap", "zero", 4, 1)]


def test_panels_are_not_asked_where_the_system_gave_nothing(plant: Plant) -> None:
    """The second day is a final 0; on the third there was no device to ask."""
    produce(plant, "S1", 1, 4)
    plant.total("daily", day(2), 0.0)
    zero = plant.call("daily")
    for number in (2, 3):
        cover(plant, "S1", number, State.NOT_APPLICABLE, zero)
    (row,) = outages(plant)
    assert (row["kind"], row["state"], row["call_id"]) == ("production gap", "system at zero", zero)
    assert (row["first_date"], row["days"]) == (day(2), 1)


def test_a_stretch_ends_where_its_state_changes(plant: Plant) -> None:
    produce(plant, "S1", 1, 6, 10)
    for number in (2, 3, 5, 8):
        ask(plant, "S1", number, CallState.NO_DATA)
    ask(plant, "S1", 4, CallState.FAILED)
    plant.panels(day(9), NONE)
    assert said(plant) == [
        ("telemetry gap", "no data", 2, 2),
        ("telemetry gap", "failed", 4, 1),
        ("telemetry gap", "no data", 5, 1),
        ("telemetry gap", "not asked", 7, 1),
        ("telemetry gap", "no data", 8, 1),
        ("production gap", "zero", 9, 1),
    ]


def test_each_ecu_of_each_system_has_its_own(plant: Plant) -> None:
    """Both of S1 are silent for the same two days; of S2 one gives 0, and nobody knows of an ECU E2."""
    for system_id in ("S1", "S2"):
        produce(plant, system_id, 1, 4)
    for number in (1, 4):
        plant.panels(day(number), {"E2/I9/1": 1.0})
    for number in (2, 3):
        plant.panels(day(number), {"E1/I1/1": 0.0}, system_id="S2")
        for system_id, ecu_id in (("S1", "E1"), ("S1", "E2"), ("S2", "E2")):
            ask(plant, system_id, number, CallState.NO_DATA, ecu_id=ecu_id)
    assert [(row["system_id"], row["ecu_id"], row["state"], row["days"]) for row in outages(plant)] == [
        ("S1", "E1", "no data", 2),
        ("S1", "E2", "no data", 2),
        ("S2", "E1", "zero", 2),
    ]


@pytest.mark.parametrize("last", [date(2024, 3, 31), date(2024, 2, 29)])
def test_stretches_run_over_the_end_of_a_month_and_a_change_of_clocks(plant: Plant, last: date) -> None:
    plant.system()
    for each, energies in ((last - timedelta(days=2), ONE), (last + timedelta(days=2), ONE)):
        plant.panels(each, energies)
    for days in (-1, 0, 1):
        plant.panels(last + timedelta(days=days), NONE)
    (row,) = outages(plant)
    assert (row["first_date"], row["days"]) == (last - timedelta(days=1), 3)


def test_what_goes_on_is_told_while_the_inventory_lists_the_ecu(plant: Plant) -> None:
    """Up to the newest day asked about once it was over; the day after it was asked while it ran."""
    plant.system()
    for system_id in ("S1", "S2", "S3"):
        produce(plant, system_id, 1)
        plant.panels(day(2), {"E1/I1/1": 0.0}, system_id=system_id)
        ask(plant, system_id, 4, CallState.NO_DATA)
        ask(plant, system_id, 5, CallState.NO_DATA, sent=datetime(2024, 3, 5, 12, tzinfo=UTC))
    plant.inverter("I1", system_id="S1")
    plant.inverter("I1", system_id="S2")
    plant.rows["inverters"][-1]["gone_utc"] = LATE
    rows = outages(plant)
    assert [(row["system_id"], row["state"], row["first_date"].day, row["is_ongoing"]) for row in rows] == [
        ("S1", "zero", 2, True),
        ("S1", "not asked", 3, True),
        ("S1", "no data", 4, True),
    ]


def test_an_outage_that_ended_no_longer_goes_on(plant: Plant) -> None:
    plant.inverter("I1")
    produce(plant, "S1", 1, 3)
    ask(plant, "S1", 2, CallState.NO_DATA)
    ask(plant, "S1", 4, CallState.NO_DATA)
    assert [(row["first_date"].day, row["is_ongoing"]) for row in outages(plant)] == [(2, False), (4, True)]


def test_days_on_which_the_whole_system_gave_a_final_zero_go_on(plant: Plant) -> None:
    plant.inverter("I1")
    produce(plant, "S1", 1)
    for number in (2, 3):
        plant.total("daily", day(number), 0.0)
        cover(plant, "S1", number, State.NOT_APPLICABLE, plant.call("daily"))
    (row,) = outages(plant)
    assert (row["state"], row["days"], row["is_ongoing"]) == ("system at zero", 2, True)
