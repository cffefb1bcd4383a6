"""Which answers are still to be compared, and what is kept of those that were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from aps_pipeline.ledger import AnswerDiff, AnswerPair, CallState, GoodCall, Ledger, LedgerError, QuotaAccount
from aps_pipeline.periods import zone
from aps_pipeline_tests.clocks import NOW, Clock
from aps_pipeline_tests.ledger.helpers import answered, ended, make_as_released, request

HOURS = {("system_energy", "hourly")}
RICH = QuotaAccount("rich", 5000, 0, zone("UTC"))
GOOD_STATES = (CallState.ANSWERED, CallState.NO_DATA)


def asked(ledger: Ledger, *states: CallState, day: int = 1) -> list[int]:
    """Calls that ended so, one after the other; their call_ids."""
    found: list[int] = []
    newest = 0
    for state in states:
        found.append(ended(ledger, RICH, request(day), state, after=newest))
        newest = found[-1] if state in GOOD_STATES else newest
    return found


def kept(call_id: int, previous: int, missing: int = 0, table: str = "system_hourly_energy") -> AnswerDiff:
    return AnswerDiff(
        call_id=call_id, table_name=table, previous_call_id=previous, was_over=True,
        rows_before=24, rows_after=24, rows_new=0, rows_gone=0, numbers_before=24,
        numbers_after=24 - missing, numbers_changed=1, numbers_gone=missing, numbers_missing=missing,
        energy_before_kwh=3.25, energy_after_kwh=None,
    )  # fmt: skip


def pairs(ledger: Ledger) -> list[tuple[int, int]]:
    return [(each.previous.call_id, each.call.call_id) for each in ledger.list_uncompared(HOURS)]


def test_successive_good_calls_of_a_question_are_to_be_compared(ledger: Ledger, clock: Clock) -> None:
    first = answered(ledger, RICH, request(5, "S1", "E-1"))
    answered(ledger, RICH, request(6, "S1", "E-1"))
    answered(ledger, RICH, request(5, "S1", "E-2"))
    clock.turn(days=1)
    second = ended(ledger, RICH, request(5, "S1", "E-1"), CallState.NO_DATA, after=first)
    assert ledger.list_uncompared(HOURS) == [
        AnswerPair(
            request(5, "S1", "E-1"),
            GoodCall(first, NOW, True),
            GoodCall(second, NOW + timedelta(days=1), False),
            looks_back=False,
        )
    ]


def test_calls_without_a_good_answer_are_passed_over(ledger: Ledger) -> None:
    a, _, _, d, _ = asked(
        ledger,
        CallState.ANSWERED,
        CallState.FAILED,
        CallState.REFUSED,
        CallState.ANSWERED,
        CallState.LOST,
    )
    assert pairs(ledger) == [(a, d)]


def test_no_data_after_no_data_is_nothing_to_compare(ledger: Ledger) -> None:
    none, data = CallState.NO_DATA, CallState.ANSWERED
    a, b, c, d, e = asked(ledger, none, none, data, none, none)
    assert pairs(ledger) == [(b, c), (c, d)]
    assert a < b and e > d


def test_only_the_endpoints_and_levels_asked_for_are_told(ledger: Ledger) -> None:
    asked(ledger, *[CallState.ANSWERED] * 2)
    assert ledger.list_uncompared({("system_energy", "daily"), ("ecu_energy", "hourly")}) == []
    assert len(ledger.list_uncompared(HOURS | {("ecu_energy", "hourly")})) == 1


def test_what_is_kept_is_not_told_again_and_comes_back_as_it_was(ledger: Ledger) -> None:
    a, b, c = asked(ledger, *[CallState.ANSWERED] * 3)
    assert pairs(ledger) == [(a, b), (b, c)]
    found = [kept(b, a), kept(b, a, table="other"), replace(kept(c, b, missing=2), was_over=False)]
    ledger.keep_diffs(reversed(found[:2]))
    assert pairs(ledger) == [(b, c)]
    ledger.keep_diffs([found[2]])
    assert pairs(ledger) == []
    assert ledger.list_diffs() == sorted(found, key=lambda each: (each.call_id, each.table_name))


def test_a_comparison_kept_twice_stays_the_first(ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
    a, b = asked(ledger, *[CallState.ANSWERED] * 2)
    ledger.keep_diffs([kept(b, a)])
    open_ledger().keep_diffs([kept(b, a, missing=3)])
    ledger.keep_diffs([])
    assert ledger.list_diffs() == [kept(b, a)]


def test_one_looks_back_where_the_previous_answer_may_lack_numbers(ledger: Ledger) -> None:
    data = CallState.ANSWERED
    a, b, c, d = asked(ledger, data, data, CallState.NO_DATA, data)

    def looking() -> dict[int, bool]:
        return {each.call.call_id: each.looks_back for each in ledger.list_uncompared(HOURS)}

    assert looking() == {b: False, c: True, d: True}, "before b there is only a"
    ledger.keep_diffs([kept(b, a)])
    assert looking() == {c: False, d: True}, "b lacks nothing"
    ledger.keep_diffs([kept(c, b, missing=1), kept(c, b, table="other")])
    assert looking() == {d: True}, "c lacks something in one table"
    assert ledger.list_answers_before(d) == [GoodCall(a, NOW, True), GoodCall(b, NOW, True)]


def test_answers_before_a_call_are_of_its_question(ledger: Ledger) -> None:
    a, refused, b = asked(ledger, CallState.ANSWERED, CallState.REFUSED, CallState.ANSWERED)
    asked(ledger, CallState.ANSWERED, day=2)
    assert [each.call_id for each in ledger.list_answers_before(b)] == [a]
    assert ledger.list_answers_before(a) == [] == ledger.list_answers_before(10**6)
    assert refused


def test_a_call_judged_anew_is_compared_anew_with_all_that_follow(ledger: Ledger) -> None:
    a, b, c, d = asked(ledger, *[CallState.ANSWERED] * 4)
    other, another = asked(ledger, *[CallState.ANSWERED] * 2, day=2)
    everything = [kept(b, a), kept(c, b), kept(d, c), kept(another, other)]
    ledger.keep_diffs(everything)
    ledger.set_state(c, CallState.REFUSED, "seen to be wrong")
    assert ledger.list_diffs() == [kept(b, a), kept(another, other)]
    assert pairs(ledger) == [(b, d)]
    ledger.keep_diffs([kept(d, b)])
    ledger.set_state(c, CallState.ANSWERED)
    assert ledger.list_diffs() == [kept(b, a), kept(another, other)], "d is no longer the one after b"
    assert pairs(ledger) == [(b, c), (c, d)]


def test_all_are_forgotten_at_once(ledger: Ledger) -> None:
    a, b = asked(ledger, *[CallState.ANSWERED] * 2)
    ledger.keep_diffs([kept(b, a)])
    ledger.forget_derived()
    assert ledger.list_diffs() == [] and pairs(ledger) == [(a, b)]


def test_a_comparison_of_calls_that_are_not_there_is_not_kept(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.keep_diffs([kept(8, 7)])
    assert ledger.list_diffs() == []


def test_a_ledger_made_before_there_were_comparisons_gets_them(
    ledger_url: str, open_ledger: Callable[[], Ledger]
) -> None:
    a, b = asked(open_ledger(), *[CallState.ANSWERED] * 2)
    make_as_released(ledger_url, "DROP TABLE revisions")
    later = open_ledger()
    assert pairs(later) == [(a, b)]
    later.keep_diffs([kept(b, a)])
    assert later.list_diffs() == [kept(b, a)]
