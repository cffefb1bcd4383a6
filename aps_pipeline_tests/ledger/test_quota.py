"""The quota: exact, by the month of China, closed by a code 2005."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aps_pipeline.ledger import (
    CallEnd,
    CallState,
    Ledger,
    QuotaAccount,
    QuotaExhaustedError,
    quota_month,
    resets_utc,
)
from aps_pipeline.periods import zone
from aps_pipeline_tests.clocks import Clock
from aps_pipeline_tests.ledger.helpers import answered, ended, request, states


def use_up(ledger: Ledger, account: QuotaAccount) -> None:
    for day in range(1, account.limit + 1):
        answered(ledger, account, request(day))


def refuse(ledger: Ledger, account: QuotaAccount, day: int = 1) -> None:
    """The API says 2005."""
    call_id = ledger.reserve(request(day), account).call_id
    ledger.finish(call_id, CallEnd(CallState.DENIED, 200, 2005), account.monthly_calls)


def test_the_limit_is_exact(ledger: Ledger, account: QuotaAccount) -> None:
    use_up(ledger, account)
    with pytest.raises(QuotaExhaustedError, match="10 of 10 calls used in 2024-03") as caught:
        ledger.reserve(request(20), account)
    assert caught.value.quota.left == 0
    assert len(states(ledger)) == 10 == ledger.get_quota(account).used


def test_reserved_calls_are_left_for_others(account: QuotaAccount) -> None:
    assert account.limit == 10
    assert replace(account, reserved=20).limit == 0


def test_an_account_that_may_spend_nothing_makes_no_call(ledger: Ledger, account: QuotaAccount) -> None:
    with pytest.raises(QuotaExhaustedError):
        ledger.reserve(request(), replace(account, monthly_calls=0))


def test_every_attempt_counts_but_an_unsent_one(ledger: Ledger, account: QuotaAccount) -> None:
    for state in (CallState.FAILED, CallState.DENIED, CallState.LOST, CallState.REFUSED):
        ended(ledger, account, request(), state)
    assert ledger.get_quota(account).used == 4
    ended(ledger, account, request(), CallState.UNSENT)
    assert ledger.get_quota(account).used == 4 and ledger.get_quota(account).left == 6


def test_accounts_do_not_share_a_quota(ledger: Ledger, account: QuotaAccount) -> None:
    use_up(ledger, account)
    other = replace(account, app_id="other")
    ledger.reserve(request(20), other)
    assert ledger.get_quota(other).used == 1


def test_the_month_turns_at_midnight_in_china(ledger: Ledger, account: QuotaAccount, clock: Clock) -> None:
    use_up(ledger, account)
    clock.instant = datetime(2024, 3, 31, 15, 59, 59, 999_999, tzinfo=UTC)
    assert ledger.get_quota(account).month == "2024-03"
    assert ledger.get_quota(account).resets_utc == datetime(2024, 3, 31, 16, tzinfo=UTC)
    with pytest.raises(QuotaExhaustedError):
        ledger.reserve(request(20), account)
    clock.instant = datetime(2024, 3, 31, 16, tzinfo=UTC)
    assert ledger.get_quota(account).month == "2024-04" and ledger.get_quota(account).left == 10
    ledger.reserve(request(20), account)
    assert ledger.get_quota(account).used == 1


def test_a_call_counts_in_the_month_in_which_it_was_sent(
    ledger: Ledger, account: QuotaAccount, clock: Clock
) -> None:
    clock.instant = datetime(2024, 3, 31, 15, 59, 59, tzinfo=UTC)
    call_id = ledger.reserve(request(), account).call_id
    clock.turn(seconds=2)
    ledger.finish(call_id, CallEnd(CallState.UNSENT))
    assert ledger.get_quota(account).used == 0, "April"
    refused = ledger.reserve(request(2), account).call_id
    assert ledger.get_quota(account).used == 1
    clock.turn(days=30)
    ledger.finish(refused, CallEnd(CallState.DENIED, 200, 2005), account.monthly_calls)
    assert not ledger.get_quota(account).refused_by_api, "it was April's quota that was used up"


def test_a_refusal_closes_the_month_for_every_process(
    open_ledger: Callable[[], Ledger], account: QuotaAccount, clock: Clock
) -> None:
    refuse(open_ledger(), account)
    other = open_ledger()
    assert other.get_quota(account).refused_by_api and other.get_quota(account).left == 0
    with pytest.raises(QuotaExhaustedError):
        other.reserve(request(2), account)
    with pytest.raises(QuotaExhaustedError):
        other.reserve(request(2), replace(account, monthly_calls=5, reserved=0))
    other.reserve(request(2), replace(account, app_id="another"))
    clock.turn(days=20)
    other.reserve(request(3), account)
    assert not other.get_quota(account).refused_by_api


def test_a_refusal_ends_when_the_plan_is_raised(ledger: Ledger, account: QuotaAccount) -> None:
    refuse(ledger, account)
    larger = replace(account, monthly_calls=13)
    assert not ledger.get_quota(larger).refused_by_api
    refuse(ledger, larger, day=2)
    with pytest.raises(QuotaExhaustedError):
        ledger.reserve(request(3), larger)
    assert ledger.get_quota(replace(account, monthly_calls=14)).left == 10


def test_the_quota_month_of_other_zones() -> None:
    instant = datetime(2024, 12, 31, 16, tzinfo=UTC)
    assert quota_month(instant, zone("Asia/Shanghai")) == "2025-01"
    assert quota_month(instant, zone("UTC")) == "2024-12"
    assert resets_utc(instant, zone("UTC")) == datetime(2025, 1, 1, tzinfo=UTC)
    assert resets_utc(instant, zone("America/New_York")) == datetime(2025, 1, 1, 5, tzinfo=UTC)
