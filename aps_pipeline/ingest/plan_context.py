"""What planning knows before it decides: kept energies, claims, and requests that rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from aps_pipeline.api import Scope, error_of
from aps_pipeline.endpoints import LEVEL_GRAIN
from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest.borders import Lit, read_history
from aps_pipeline.ingest.figures import read_figures
from aps_pipeline.ledger import Attempt, CallState, Ledger
from aps_pipeline.periods import Grain, Period, local_day
from aps_pipeline.planning import (
    LONGEST_DENIAL,
    REMEMBERED,
    Answers,
    Evidence,
    Kind,
    Rest,
    Retention,
    SkipRules,
    System,
    daily_figures,
    driving_kinds,
    kinds_of,
    kinds_worth_a_probe,
    next_attempt_day,
    resting_until,
)
from aps_pipeline.request import Request
from aps_pipeline.tables import Table

Days = tuple[date, date, Collection[str]]
"""The first and the last day, and the systems."""

Rests = dict[tuple[str, ...], Rest]
"""Rests by the parts of a request, or by endpoint and system."""

_OK = 0


def get_rests(ledger: Ledger, now: datetime, zone: ZoneInfo) -> Rests:
    """List what no run asks: endpoints denied for a system, rejected requests, refused bodies.

    A good answer that came later ends the rest of an endpoint. Raises LedgerError.
    """
    attempts = ledger.list_failures(now - REMEMBERED)
    return _without_ended(ledger, _rests(attempts, now, zone, with_failures=False))


def get_rests_with_failures(ledger: Ledger, now: datetime, zone: ZoneInfo) -> Rests:
    """List the same and what failed, for runs that spend calls unattended. Raises LedgerError."""
    attempts = ledger.list_failures(now - REMEMBERED)
    return _without_ended(ledger, _rests(attempts, now, zone, with_failures=True))


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
            found[key] = Rest(until, newest.call_id, newest.error, _kind_of(key, newest))
    return found


def _resting_until(
    key: tuple[str, ...], attempts: Sequence[Attempt], today: date, zone: ZoneInfo, *, is_unattended: bool
) -> date | None:
    """Find the day until which a request or an endpoint rests; None if it may be asked."""
    days = [local_day(attempt.sent_utc, zone) for attempt in attempts]
    if len(key) == 2:
        return resting_until(days, today, LONGEST_DENIAL)
    if is_unattended:
        return resting_until(days, today)
    if len(attempts) == 1:
        return None  # what is wrong with one request may pass: the next run asks once more
    again = next_attempt_day(len(attempts) - 1, max(days))
    return again if again > today else None


def _kind_of(key: tuple[str, ...], attempt: Attempt) -> FailureKind:
    if attempt.state is CallState.FAILED:
        return FailureKind.REMOTE
    return FailureKind.ACCOUNT if len(key) == 2 else FailureKind.REFUSED


def _key(attempt: Attempt) -> tuple[str, ...] | None:
    """Find what a failed attempt speaks for: its endpoint and system, its request, or nothing that rests."""
    whole = (attempt.endpoint, attempt.level, attempt.system_id, attempt.device_id, attempt.period)
    if attempt.state is CallState.REFUSED:
        return whole if attempt.code == _OK else None  # cut off on the way: asked again as what failed
    if attempt.state is CallState.DENIED and attempt.code is None:
        is_page = attempt.http_status is not None and 400 <= attempt.http_status < 500
        return (attempt.endpoint, attempt.system_id) if is_page else None
    scope = error_of(attempt.code).scope if attempt.code and error_of(attempt.code) else Scope.REQUEST  # type: ignore[union-attr]
    if scope is Scope.ENDPOINT:
        return attempt.endpoint, attempt.system_id
    return whole if scope is Scope.REQUEST else None


def _without_ended(ledger: Ledger, rests: Rests) -> Rests:
    """Without the rests of endpoints that have answered for the system since."""
    return {
        key: rest
        for key, rest in rests.items()
        if len(key) > 2 or (ledger.get_newest_good_call(key[0], key[1]) or -1) < rest.call_id
    }


@dataclass(frozen=True)
class PlanContext:
    """Held answers of the days that are planned, and what they tell.

    `read_history` reads what was answered of some kinds on any day, and the days on which systems produced.
    """

    systems: Mapping[str, System] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)
    skip_rules: SkipRules = field(default_factory=SkipRules)
    read_history: Callable[[frozenset[Kind]], tuple[Lit, Answers]] = lambda _: ({}, Answers({}))

    @property
    def answers(self) -> Answers:
        """The answers that are held."""
        return self.evidence.answers

    def get_retention(self, due: Collection[Request], now: datetime) -> Retention:
        """Get what tells where the memory of the server ends, for kinds with many due requests."""
        kinds = frozenset(kinds_worth_a_probe(due))
        lit, answers = self.read_history(kinds) if kinds else ({}, Answers({}))
        known = {key: border for key, border in self.skip_rules.borders.items() if key[:2] not in kinds}
        return Retention(self.systems, lit, answers, now, due, known)


def get_plan_context(
    ledger: Ledger,
    systems: Mapping[str, System],
    tables: Iterable[Table],
    wanted: Days,
    revision_window: timedelta,
    skip_rules: SkipRules,
) -> PlanContext:
    """Read what is held of the tables, and of the series that show what has changed. Raises LedgerError.

    `wanted` are the first and last day that are planned, and whose systems. Partitions hold all systems, so
    what is held of them is read of all.
    """
    tables, (first, last, system_ids) = list(tables), wanted
    own = dict.fromkeys(kind for table in tables for kind in kinds_of(table, systems.values()))
    kinds = dict.fromkeys((*own, *(kind for table in tables for kind in driving_kinds(table))))
    spans = {kind: _keys_between(LEVEL_GRAIN[kind[1]], first, last) for kind in kinds}
    some = {sid: systems[sid] for sid in system_ids if sid in systems}
    only = None if len(some) == len(systems) else some
    held = {kind: ledger.entries(*kind, span, None if kind in own else only) for kind, span in spans.items()}
    figures = read_figures(ledger, some, kinds, revision_window, spans, only)
    evidence = Evidence(figures, Answers.from_entries(held))

    @cache
    def read_all(kinds: frozenset[Kind]) -> tuple[Lit, Answers]:
        return read_history(ledger, systems, sorted(kinds), revision_window)

    if any(table.partition_grain is Grain.DAY for table in tables):
        skip_rules = replace(skip_rules, idle=daily_figures(evidence, some, revision_window)[1])
    return PlanContext(systems, evidence, skip_rules, read_all)


def _keys_between(grain: Grain, first: date, last: date) -> tuple[str, str]:
    """Find the keys of the periods that hold two days."""
    return Period.containing(grain, first).key, Period.containing(grain, last).key
