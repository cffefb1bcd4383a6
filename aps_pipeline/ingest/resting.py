"""What was asked in vain of late and is left alone for some days, read from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from aps_pipeline.api import Scope, error_of
from aps_pipeline.ledger import Attempt, CallState, Ledger
from aps_pipeline.periods import local_day
from aps_pipeline.planning import LONGEST_DENIAL, REMEMBERED, Rest, next_attempt_day, resting_until

Rests = dict[tuple[str, ...], Rest]
"""Rests by the parts of a request, or by endpoint and system."""

_OK = 0


def rests_of_denied(ledger: Ledger, now: datetime, zone: ZoneInfo) -> Rests:
    """What no run asks: endpoints denied for a system, requests that the API does not accept, refused bodies.

    A good answer that came later ends the rest of an endpoint. Raises LedgerError.
    """
    attempts = ledger.failures(now - REMEMBERED)
    return _ended_by_answers(ledger, _rests(attempts, now, zone, with_failures=False))


def rests_of_failed(ledger: Ledger, now: datetime, zone: ZoneInfo) -> Rests:
    """The same, and what failed: for who spends calls unattended. Raises LedgerError."""
    attempts = ledger.failures(now - REMEMBERED)
    return _ended_by_answers(ledger, _rests(attempts, now, zone, with_failures=True))


def _rests(attempts: Iterable[Attempt], now: datetime, zone: ZoneInfo, *, with_failures: bool) -> Rests:
    tried: dict[tuple[str, ...], list[Attempt]] = {}
    for attempt in attempts:
        key = _key(attempt)
        if key is not None and (with_failures or attempt.state is not CallState.FAILED):
            tried.setdefault(key, []).append(attempt)
    today = local_day(now, zone)
    found: Rests = {}
    for key, some in tried.items():
        newest = some[-1]
        until = _resting_until(key, some, today, zone, is_unattended=with_failures)
        if until is not None:
            found[key] = Rest(until, newest.call_id, newest.error, _trouble_of(key, newest))
    return found


def _resting_until(
    key: tuple[str, ...], attempts: Sequence[Attempt], today: date, zone: ZoneInfo, *, is_unattended: bool
) -> date | None:
    """The day until which a request or an endpoint rests; None if it may be asked."""
    days = [local_day(attempt.sent_utc, zone) for attempt in attempts]
    if len(key) == 2:
        return resting_until(days, today, LONGEST_DENIAL)
    if is_unattended:
        return resting_until(days, today)
    if len(attempts) == 1:
        return None  # what is wrong with one request may pass: the next run asks once more
    again = next_attempt_day(len(attempts) - 1, max(days))
    return again if again > today else None


def _trouble_of(key: tuple[str, ...], attempt: Attempt) -> str:
    if attempt.state is CallState.FAILED:
        return "remote"
    return "account" if len(key) == 2 else "refused"


def _key(attempt: Attempt) -> tuple[str, ...] | None:
    """What a vain attempt speaks for: its endpoint and system, its request, or nothing that rests."""
    whole = (attempt.endpoint, attempt.level, attempt.system_id, attempt.device_id, attempt.period)
    if attempt.state is CallState.REFUSED:
        return whole if attempt.code == _OK else None  # cut off on the way: asked again as what failed
    if attempt.state is CallState.DENIED and attempt.code is None:
        is_page = attempt.http_status is not None and 400 <= attempt.http_status < 500
        return (attempt.endpoint, attempt.system_id) if is_page else None
    scope = error_of(attempt.code).scope if attempt.code and error_of(attempt.code) else Scope.QUESTION  # type: ignore[union-attr]
    if scope is Scope.ENDPOINT:
        return attempt.endpoint, attempt.system_id
    return whole if scope is Scope.QUESTION else None


def _ended_by_answers(ledger: Ledger, rests: Rests) -> Rests:
    """Without the rests of endpoints that have answered for the system since."""
    return {
        key: rest
        for key, rest in rests.items()
        if len(key) > 2 or ledger.newest_good(key[0], key[1]) < rest.call_id
    }
