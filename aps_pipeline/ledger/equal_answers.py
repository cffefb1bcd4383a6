"""What inventory answers say, kept as stretches of equal answers: one that says the same adds no row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from aps_pipeline.endpoints import device_of_call
from aps_pipeline.ledger.records import SUCCESSFUL, CallState, EqualAnswers
from aps_pipeline.ledger.schema import answered_utc, calls, equal_answers
from aps_pipeline.request import Request


def list_equal_answers(connection: sa.Connection, endpoint: str) -> dict[str, list[EqualAnswers]]:
    """List what is kept of an endpoint by system, in the order of the calls."""
    key = (equal_answers.c.system_id, equal_answers.c.first_call_id)
    query = sa.select(equal_answers).where(equal_answers.c.endpoint == endpoint).order_by(*key)
    found: dict[str, list[EqualAnswers]] = {}
    for _, system_id, first, last, first_utc, last_utc, state, answers in connection.execute(query):
        each = EqualAnswers(first, last, first_utc, last_utc, CallState(state), answers)
        found.setdefault(system_id, []).append(each)
    return found


def list_good_calls(
    connection: sa.Connection, endpoint: str, system_id: str | None, after: int
) -> list[tuple[int, Request, CallState, datetime]]:
    """List the good calls of an endpoint without level and period, perhaps of one system, in order."""
    wanted = [calls.c.endpoint == endpoint, calls.c.level == "", calls.c.state.in_(SUCCESSFUL)]
    wanted += [calls.c.system_id == system_id] if system_id is not None else []
    query = (
        sa.select(calls.c.call_id, calls.c.system_id, calls.c.device_id, calls.c.state, answered_utc)
        .where(*wanted, calls.c.call_id + 0 > after)  # or SQLite goes through every later call of the state
        .order_by(calls.c.call_id)
    )
    return [
        (call_id, Request(endpoint, "", sid, device_of_call(endpoint, device_id)), CallState(state), at)
        for call_id, sid, device_id, state, at in connection.execute(query)
    ]


def count_good_calls(connection: sa.Connection, endpoint: str) -> dict[str, tuple[int, int]]:
    """Count the good calls of an endpoint without periods by system, and find the newest of each."""
    query = (
        sa.select(calls.c.system_id, sa.func.count(), sa.func.max(calls.c.call_id))
        .where(calls.c.endpoint == endpoint, calls.c.level == "", calls.c.state.in_(SUCCESSFUL))
        .group_by(calls.c.system_id)
    )
    return {system_id: (count, newest) for system_id, count, newest in connection.execute(query)}


def replace_equal_answers(
    tx: sa.Connection, endpoint: str, by_system: Mapping[str, Iterable[EqualAnswers]]
) -> None:
    """Keep what the answers of some systems say, instead of what was kept of them."""
    theirs = sa.and_(
        equal_answers.c.endpoint == endpoint, equal_answers.c.system_id == sa.bindparam("of_system")
    )
    rows = [
        {"endpoint": endpoint, "system_id": system_id, **asdict(each)}
        for system_id, kept in by_system.items()
        for each in kept
    ]
    tx.execute(sa.delete(equal_answers).where(theirs), [{"of_system": each} for each in by_system])
    if rows:
        tx.execute(sa.insert(equal_answers), rows)


def forget_equal_answers(tx: sa.Connection, call_id: int) -> None:
    """Forget what the answers to the request of a call say, if it is one of the inventory."""
    same = sa.select(calls.c.endpoint, calls.c.system_id).where(calls.c.call_id == call_id)
    key = sa.tuple_(equal_answers.c.endpoint, equal_answers.c.system_id)
    tx.execute(sa.delete(equal_answers).where(key.in_(same)))
