"""One state for every period, with the call that proves it; and it agrees with what would be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aps_pipeline.periods import local_day, periods_between, zone
from aps_pipeline.planning import (
    Answers,
    Border,
    Device,
    Outlook,
    SkipRules,
    State,
    System,
    coverage,
    merge_states,
    plan_partitions,
)
from aps_pipeline.request import LedgerEntry
from aps_pipeline.tables import get_table
from aps_pipeline_tests.planning.fleets import REVISION, Case, cases
from aps_pipeline_tests.planning.period_states import (
    PeriodState,
    an_awkward_history,
    entries_of,
    expand,
    period_states,
    reference,
)

KINDS = ("system", "ecu", "inverter", "meter")
NAMED_BY = {("S1", kind): 55 for kind in KINDS}
HOURS, ENERGY, METER = map(
    get_table, ("system_hourly_energy", "inverter_batch_energy", "meter_hourly_energy")
)
DAY, NOON = date(2024, 3, 5), datetime(2024, 3, 10, 12, tzinfo=UTC)
SYSTEM = System("S1", zone("Europe/Madrid"), DAY, (Device("E1"), Device("E2")))
LATER, DURING = datetime(2024, 3, 7, tzinfo=UTC), datetime(2024, 3, 5, 12, tzinfo=UTC)


def good(call_id: int = 1, sent: datetime = LATER) -> LedgerEntry:
    return LedgerEntry(answered=call_id, answered_utc=sent, asked_utc=sent)


def none(call_id: int = 2) -> LedgerEntry:
    return LedgerEntry(no_data=call_id, asked_utc=LATER)


def of_day(
    held: dict[str, LedgerEntry], known: SkipRules | None = None, day: date = DAY, table: str = ENERGY.name
) -> PeriodState:
    """How a day of panels stands, whose two ECUs have answered so."""
    chosen = get_table(table)
    found = {("S1", name, day.isoformat()): each for name, each in held.items()}
    answers = Answers.from_entries({(chosen.source.endpoint, chosen.source.level): found})
    outlook = Outlook(known or SkipRules(), NAMED_BY, NOON, REVISION)
    (one,) = [each for each in period_states([chosen], SYSTEM, answers, outlook) if each.period.first == day]
    return one


@pytest.mark.parametrize(
    ("held", "state", "call_id"),
    [
        ({}, State.NOT_ASKED, None),
        ({"E1": good(1), "E2": good(3)}, State.PRESENT, 3),
        ({"E1": good(1), "E2": none(2)}, State.PRESENT, 2),
        ({"E1": none(2), "E2": none(4)}, State.NO_DATA, 4),
        ({"E1": good(1)}, State.PARTIAL, 1),
        ({"E1": good(1), "E2": LedgerEntry(refused=9)}, State.PARTIAL, 9),
        ({"E1": good(1, DURING), "E2": good(3)}, State.PARTIAL, 3),
        ({"E1": none(2)}, State.PARTIAL, 2),
        ({"E1": LedgerEntry(refused=9), "E2": LedgerEntry(failed=8)}, State.REFUSED, 9),
        ({"E1": LedgerEntry(failed=8)}, State.FAILED, 8),
    ],
)
def test_of_what_was_answered(held: dict[str, LedgerEntry], state: State, call_id: int | None) -> None:
    found = of_day(held)
    assert (found.state, found.call_id, found.parts) == (state, call_id, 2)
    assert found.with_data == sum(bool(h.answered) for h in held.values())


def test_beyond_retention_is_proved_by_the_call_that_showed_it() -> None:
    known = SkipRules(borders={("inverter_batch", "energy", "S1"): Border(DAY, (75, 77), NOON)})
    assert (of_day({}, known).state, of_day({}, known).call_id) == (State.BEYOND, 77)
    asked = of_day({"E1": none(2), "E2": none(4)}, known)
    assert (asked.state, asked.call_id) == (State.BEYOND, 4), "its own answer proves it better"
    assert of_day({"E1": good(1), "E2": good(3)}, known).state is State.PRESENT


def test_an_idle_day_is_not_applicable_to_its_parts() -> None:
    idle = SkipRules(idle={"S1": {DAY: 66}})
    found = of_day({}, idle, table=HOURS.name)
    assert (found.state, found.call_id) == (State.NOT_APPLICABLE, 66)
    assert of_day({}, idle).state is State.NOT_ASKED, "energy by day is no part of a day"


def test_no_meter_no_measure() -> None:
    found = of_day({}, table=METER.name)
    assert (found.state, found.call_id, found.parts) == (State.NOT_APPLICABLE, 55, 0)


def test_a_day_in_course_is_not_due() -> None:
    assert of_day({}, day=NOON.date()).state is State.NOT_DUE
    assert of_day({"E1": good(1, NOON), "E2": good(3, NOON)}, day=NOON.date()).state is State.PARTIAL


def test_devices_that_nobody_has_named_are_not_asked() -> None:
    outlook = Outlook(SkipRules(), {}, NOON, REVISION)
    states = {each.state for each in coverage([ENERGY], replace(SYSTEM, ecus=()), {}, outlook)}
    assert states == {State.NOT_ASKED, State.NOT_DUE}


@pytest.mark.parametrize(("sent", "is_final"), [(LATER, False), (datetime(2024, 3, 9, 1, tzinfo=UTC), True)])
def test_final_is_what_was_asked_after_the_revision_days(sent: datetime, is_final: bool) -> None:
    assert of_day({"E1": good(1, sent), "E2": good(3, sent)}).is_final is is_final


@pytest.mark.parametrize("first_part", ["E1", "E2"])
def test_a_day_is_final_only_when_each_of_its_parts_is(first_part: str) -> None:
    late = {name: good(3, datetime(2024, 3, 9, 1, tzinfo=UTC)) for name in ("E1", "E2")}
    assert of_day(late).is_final is True
    assert of_day(late | {first_part: good(1, LATER)}).is_final is False


def covered(case: Case) -> list[PeriodState]:
    outlook = Outlook(case.known, NAMED_BY, case.policy.now, REVISION)
    return period_states([case.table], case.system, case.answers, outlook)


@given(cases(revises=False))
def test_what_is_not_there_is_what_would_be_asked(case: Case) -> None:
    found = {each.period: each for each in covered(case)}
    periods = list(found)
    needs = plan_partitions(case.table, periods, [case.system], case.evidence, case.policy, case.known)
    today = local_day(case.policy.now, case.system.zone)
    missing = {State.NOT_ASKED, State.REFUSED, State.FAILED}
    for each in needs:
        state = found[each.period].state
        if each.period.last < today and each.due:
            assert state in missing | {State.PARTIAL}
        if state in missing:
            assert each.due, "what is missing can be asked for"
        if state in (State.PRESENT, State.NO_DATA) and each.period.key and each.period.last < today:
            assert not each.due
        assert found[each.period].parts == len(each.parts)


@given(cases())
def test_every_period_since_registration_has_one_state(case: Case) -> None:
    first, today = case.system.create_date, local_day(case.policy.now, case.system.zone)
    if first is not None and first <= today:
        periods = [each.period for each in covered(case)]
        assert periods == periods_between(case.table.partition_grain, first, today)


@given(cases())
def test_whatever_claims_an_answer_names_its_call(case: Case) -> None:
    for each in covered(case):
        assert bool(each.call_id) == (each.state not in (State.NOT_ASKED, State.NOT_DUE))


P, N, B, A, D = State.PRESENT, State.NO_DATA, State.BEYOND, State.NOT_ASKED, State.NOT_DUE


@pytest.mark.parametrize(
    ("states", "one"),
    [
        ([], None),
        ([P, P], P),
        ([P, D], P),
        ([P, N], P),
        ([P, A], State.PARTIAL),
        ([P, B], State.PARTIAL),
        ([N, B], B),
        ([D, State.NOT_APPLICABLE], D),
        ([State.NOT_APPLICABLE, P], P),
        ([P, State.FAILED, A], State.FAILED),
        ([State.FAILED, State.REFUSED], State.REFUSED),
    ],
)
def test_a_month_shows_what_needs_attention_first(states: Sequence[State], one: State | None) -> None:
    assert merge_states(states) is one


@settings(max_examples=3 * settings.default.max_examples)
@given(cases(), st.sets(st.sampled_from(KINDS)), st.sampled_from((0, 40, 400)))
def test_spans_expand_to_what_a_look_at_each_period_gives(case: Case, named: set[str], sooner: int) -> None:
    created = case.system.create_date
    since = created - timedelta(days=sooner) if created else None
    system = replace(case.system, create_date=since)
    outlook = Outlook(case.known, {("S1", kind): 55 for kind in named}, case.policy.now, REVISION)
    found = list(coverage([case.table], system, entries_of("S1", case.answers), outlook))
    assert list(expand(found)) == list(reference([case.table], system, case.answers, outlook))
    assert all(one.standing != other.standing for one, other in pairwise(found)), "one for each stretch"


def test_a_table_that_nobody_collects_is_one_span_and_today() -> None:
    old = replace(SYSTEM, create_date=date(2014, 3, 5))
    outlook = Outlook(SkipRules(), NAMED_BY, NOON, REVISION)
    found = list(coverage([ENERGY], old, {}, outlook))
    assert [(each.state, len(each)) for each in found] == [(State.NOT_ASKED, 3658), (State.NOT_DUE, 1)]


def test_so_they_do_over_years_in_which_little_was_asked() -> None:
    spans, periods = an_awkward_history()
    assert list(expand(spans)) == periods
    assert {each.state for each in spans} == set(State)
    assert any(each.call_ids == (91, 91, 93) for each in spans), "two days that one call proves, then another"
    assert len(spans) < len(periods) / 500
