"""What the ledger holds of each request, put together from its calls."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from aps_pipeline.endpoints import device_of_call
from aps_pipeline.ledger.records import QUOTA_CODE, SUCCESSFUL, WITHOUT_BODY, CallState
from aps_pipeline.ledger.schema import answered_utc, calls, is_any_of
from aps_pipeline.periods import Period
from aps_pipeline.request import LedgerEntry, get_newest

_PORTION = 10_000
"""Rows fetched together."""

_ANSWERED = CallState.ANSWERED

_Call = tuple[CallState, int, datetime]
"""State, call_id, and the moment that the call speaks of."""


def read_entries(
    connection: sa.Connection,
    endpoint: str,
    level: str,
    periods: tuple[str, str] | None = None,
    system_ids: Collection[str] | None = None,
) -> dict[tuple[str, str, str], LedgerEntry]:
    """Read what is held for each (system_id, device_id, period key) of one endpoint and level.

    The calls are put together here and not by the database, which takes longer to group them: most requests
    were made once. A device that was asked in two spellings is one.
    """
    asked: dict[str, Any] = {"endpoint": endpoint, "level": level}
    asked |= dict(zip(("first", "last"), periods, strict=True)) if periods else {}
    asked |= {"system_ids": list(system_ids)} if system_ids is not None else {}
    by_request: dict[tuple[str, str, str], list[_Call]] = {}
    query = _calls_query(periods is not None, system_ids is not None)
    for portion in connection.execute(query, asked).partitions(_PORTION):
        for system_id, device_id, period, state, call_id, at in portion:
            by_request.setdefault((system_id, device_id, period), []).append((state, call_id, at))
    held: dict[tuple[str, str, str], LedgerEntry] = {}
    for (system_id, device_id, period), made in by_request.items():
        key, entry = (system_id, device_of_call(endpoint, device_id), period), _entry_of(made)
        held[key] = held[key].merge(entry) if key in held else entry
    return held


def find_newest_answers(
    connection: sa.Connection, endpoint: str, level: str, period: Period, system_ids: Sequence[str]
) -> dict[str, tuple[int, datetime]]:
    """Find the newest call that was answered with data for each system, and the moment it speaks of."""
    newest = (
        sa.select(sa.func.max(calls.c.call_id).label("call_id"))
        .where(calls.c.endpoint == endpoint, calls.c.level == level, calls.c.system_id.in_(system_ids))
        .where(calls.c.device_id == "", calls.c.period == period.key, calls.c.state == _ANSWERED)
        .group_by(calls.c.system_id)
        .subquery()
    )
    query = sa.select(calls.c.system_id, calls.c.call_id, answered_utc).join(
        newest, newest.c.call_id == calls.c.call_id
    )
    return {system_id: (call_id, at) for system_id, call_id, at in connection.execute(query)}


@cache
def _calls_query(has_periods: bool, has_systems: bool) -> sa.Select[Any]:
    """Written once: a run asks it for every partition."""
    wanted = [calls.c.endpoint == sa.bindparam("endpoint"), calls.c.level == sa.bindparam("level")]
    if has_periods:
        wanted.append(calls.c.period.between(sa.bindparam("first"), sa.bindparam("last")))
    if has_systems:
        wanted.append(calls.c.system_id.in_(sa.bindparam("system_ids", expanding=True)))
    return (
        sa.select(
            calls.c.system_id, calls.c.device_id, calls.c.period, calls.c.state, calls.c.call_id, answered_utc
        )
        .where(*wanted, is_any_of(*SUCCESSFUL, CallState.REFUSED, *WITHOUT_BODY))
        .where(sa.or_(calls.c.code.is_(None), calls.c.code != QUOTA_CODE))
        .order_by(calls.c.system_id, calls.c.device_id, calls.c.period)
    )


def _entry_of(made: Sequence[_Call]) -> LedgerEntry:
    """Put the calls of one request together."""
    if len(made) == 1 and made[0][0] == _ANSWERED:  # as nearly all
        _, call_id, at = made[0]
        return LedgerEntry(call_id, None, None, None, at, at, str(call_id))
    answered = [(call_id, at) for state, call_id, at in made if state == _ANSWERED]
    no_data = [(call_id, at) for state, call_id, at in made if state == CallState.NO_DATA]
    good = sorted((*answered, *no_data))
    damaged = [call_id for state, call_id, _ in made if state == CallState.DAMAGED]
    # What was asked and then lost is to be asked again, whatever an older answer says.
    is_lost = max(damaged, default=0) > max((call_id for call_id, _ in good), default=0)
    return LedgerEntry(
        answered=get_newest(*(call_id for call_id, _ in answered)),
        no_data=get_newest(*(call_id for call_id, _ in no_data)),
        refused=get_newest(*(call_id for state, call_id, _ in made if state == CallState.REFUSED)),
        failed=get_newest(*(call_id for state, call_id, _ in made if state in WITHOUT_BODY)),
        answered_utc=max((at for _, at in answered), default=None),
        asked_utc=None if is_lost else max((at for _, at in good), default=None),
        good_ids=" ".join(str(call_id) for call_id, _ in good),
        no_data_count=len(no_data),
    )
