"""Which answers took the place of others: the queries behind the comparisons that the ledger keeps."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from aps_pipeline.endpoints import LEVEL_GRAIN
from aps_pipeline.ledger.records import GOOD, CallState, GoodCall, Revision, Succession
from aps_pipeline.ledger.schema import answered_utc, calls, figures, revisions
from aps_pipeline.periods import Period
from aps_pipeline.question import Question

_QUESTION = (calls.c.endpoint, calls.c.level, calls.c.system_id, calls.c.device_id, calls.c.period)


def uncompared(connection: sa.Connection, sources: Collection[tuple[str, str]]) -> list[Succession]:
    """Successive good calls of one question that have no comparison yet, question by question in order.

    `sources` are the endpoints and levels wanted. Two answers of 'no data' have nothing to compare.
    """
    good = _successive(sources).subquery()
    missing = sa.select(sa.func.max(revisions.c.numbers_missing)).where(
        revisions.c.call_id == good.c.previous_call_id
    )
    query = (
        sa.select(good, missing.scalar_subquery().label("previous_missing"))
        .where(good.c.previous_call_id.is_not(None))
        .where(sa.or_(good.c.state == CallState.ANSWERED, good.c.previous_state == CallState.ANSWERED))
        .where(~sa.exists().where(revisions.c.call_id == good.c.call_id))
        .order_by(*(good.c[column.name] for column in _QUESTION), good.c.call_id)
    )
    return [_succession(row) for row in connection.execute(query)]


def _successive(sources: Collection[tuple[str, str]]) -> sa.Select[Any]:
    """Every good call beside the good call of the same question before it."""

    def previous(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
        lagged = sa.func.lag(column, type_=column.type)
        return lagged.over(partition_by=_QUESTION, order_by=calls.c.call_id).label(name)

    has_data = sa.case((calls.c.state == CallState.ANSWERED, 1))
    before_both = sa.func.count(has_data).over(
        partition_by=_QUESTION, order_by=calls.c.call_id, rows=(None, -2)
    )
    return sa.select(
        *_QUESTION,
        calls.c.call_id,
        calls.c.state,
        answered_utc.label("sent_utc"),
        previous(calls.c.call_id, "previous_call_id"),
        previous(calls.c.state, "previous_state"),
        previous(answered_utc, "previous_utc"),
        before_both.label("earlier"),
    ).where(calls.c.state.in_(GOOD), sa.tuple_(calls.c.endpoint, calls.c.level).in_(sorted(sources)))


def _succession(row: sa.Row[Any]) -> Succession:
    period = Period.parse(LEVEL_GRAIN[row.level], row.period)
    return Succession(
        Question(row.endpoint, row.level, row.system_id, row.device_id, period),
        GoodCall(row.previous_call_id, row.previous_utc, row.previous_state == CallState.ANSWERED),
        GoodCall(row.call_id, row.sent_utc, row.state == CallState.ANSWERED),
        looks_back=bool(row.earlier) and row.previous_missing != 0,
    )


def answers_before(connection: sa.Connection, call_id: int) -> list[GoodCall]:
    """The answers with data to the question of a call that came before it, oldest first."""
    query = (
        sa.select(calls.c.call_id, answered_utc.label("sent_utc"))
        .where(_same_question(call_id), calls.c.call_id < call_id, calls.c.state == CallState.ANSWERED)
        .order_by(calls.c.call_id)
    )
    return [GoodCall(row.call_id, row.sent_utc, has_data=True) for row in connection.execute(query)]


def kept(connection: sa.Connection) -> list[Revision]:
    """Every comparison, in the order of the calls."""
    query = sa.select(revisions).order_by(revisions.c.call_id, revisions.c.table_name)
    return [Revision(**row) for row in connection.execute(query).mappings()]


def forget_from(tx: sa.Connection, call_id: int) -> None:
    """Forget what is derived from a call and from later ones of its question: each builds on those before."""
    touched = sa.select(calls.c.call_id).where(_same_question(call_id), calls.c.call_id >= call_id)
    for derived in (revisions, figures):
        tx.execute(sa.delete(derived).where(derived.c.call_id.in_(touched)))


def _same_question(call_id: int) -> sa.ColumnElement[bool]:
    that = calls.alias()
    columns = (that.c[column.name] for column in _QUESTION)
    return sa.tuple_(*_QUESTION).in_(sa.select(*columns).where(that.c.call_id == call_id))
