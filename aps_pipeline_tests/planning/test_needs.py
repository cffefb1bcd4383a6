"""Exactly the calls that are needed: nothing that is known is asked, and nothing that is not is left out."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import Grain, day_end_utc, local_day
from aps_pipeline.planning import (
    LATE_DATA,
    Evidence,
    PartitionPlan,
    equal_request,
    periods_of,
    plan_partitions,
)
from aps_pipeline.request import LedgerEntry, Request
from aps_pipeline_tests.planning.fleets import FIRST, LAST, REVISION, Case, cases


def needs(case: Case) -> list[PartitionPlan]:
    periods = periods_of(case.table, FIRST, LAST)
    return list(plan_partitions(case.table, periods, [case.system], case.evidence, case.policy, case.known))


def best(case: Case, request: Request) -> LedgerEntry:
    """What is held of a request, or of the one to the system where that answers it better."""
    own = case.answers.entry_of(request)
    other = equal_request(request, case.system)
    its = case.answers.entry_of(other) if other else own
    if bool(own.answered) != bool(its.answered):
        return own if own.answered else its
    if own.good_utc is None or its.good_utc is None:
        return own if own.good_utc else its
    zone = case.system.zone
    return its if local_day(its.good_utc, zone) > local_day(own.good_utc, zone) else own


def is_spared(case: Case, day: date) -> bool:
    source = (*case.table.source.kind, "S1")
    is_dark = day in case.known.idle["S1"] and case.table.is_sub_day and case.table.group != "meter"
    return is_dark or (source in case.known.borders and day <= case.known.borders[source].last)


@given(cases())
def test_nothing_is_asked_that_need_not_be(case: Case) -> None:
    now, system = case.policy.now, case.system
    today = local_day(now, system.zone)
    for each in needs(case):
        for request, (_, held) in each.due.items():
            period = request.period
            assert held == case.answers.entry_of(request)
            assert period.first <= today, "the future"
            assert system.create_date is None or period.last >= system.create_date, "before installation"
            kind = ENDPOINTS[request.endpoint].device
            if kind != "system":
                (device,) = [d for d in system.devices(kind) if d.device_id == request.device_id]
                assert device.first_day is None or device.first_day <= period.last
                assert device.last_day is None or period.first <= device.last_day, "after removal"
            if held.asked_utc is None:
                assert period.grain is not Grain.DAY or not is_spared(case, period.first)
                continue
            assert local_day(held.asked_utc, system.zone) < today, "once a day at most"
            if period.grain is not Grain.LIFETIME:
                end = day_end_utc(period.last, system.zone)
                is_list = request.endpoint == "system_energy" and request.level in ("daily", "monthly")
                limit = end + REVISION + timedelta(days=1) if case.policy.recheck else end
                may_be_late = case.policy.recheck and is_list and now - end <= LATE_DATA
                assert held.asked_utc < limit or may_be_late, "a final answer"
                is_slots = case.table.is_five_minute
                assert not is_slots or held.asked_utc < end, "slots follow the energies"


@given(cases())
def test_whatever_is_missing_is_asked(case: Case) -> None:
    today = local_day(case.policy.now, case.system.zone)
    for each in needs(case):
        for part in each.parts:
            request, held = part.request, best(case, part.request)
            ask = equal_request(request, case.system) or request
            if held.good:
                continue
            assert (ask in each.due) != (request in each.skipped), "asked, or there is a reason"
            if request in each.skipped:
                assert is_spared(case, request.period.first) and each.skipped[request].call_id in (91, 92)
        period = each.period
        exists = case.system.create_date is None or period.last >= case.system.create_date
        kind = ENDPOINTS[case.table.source.endpoint].device
        there = [d for d in case.system.devices(kind) if d.was_there(period)]
        wanted = len(there) if exists and period.first <= today else 0
        assert len(each.parts) == wanted, "one question a device that was there"


@given(cases())
def test_once_all_is_answered_nothing_is_left(case: Case) -> None:
    """Answers given now satisfy every need until another day."""
    now = case.policy.now
    found = {kind: {key: dict(held) for key, held in by.items()} for kind, by in case.answers.by_kind.items()}
    for each in needs(case):
        for request in each.due:
            kind = found.setdefault((request.endpoint, request.level), {})
            mine = kind.setdefault(request.period.key, {})
            mine[request.system_id, request.device_id] = LedgerEntry(99, answered_utc=now, asked_utc=now)
    answered = type(case.answers)(found)
    periods = periods_of(case.table, FIRST, LAST)
    again = plan_partitions(
        case.table, periods, [case.system], Evidence(answers=answered), case.policy, case.known
    )
    assert not [request for each in again for request in each.due]
