"""What is derived from answers: how each differs from the one before it, and its energies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aps_pipeline.endpoints import LEVEL_GRAIN, device_of_call
from aps_pipeline.ledger.equal_answers import forget_equal_answers
from aps_pipeline.ledger.records import SUCCESSFUL, AnswerDiff, AnswerPair, CallState, GoodCall
from aps_pipeline.ledger.schema import answered_utc, calls, figures, revisions
from aps_pipeline.periods import Period
from aps_pipeline.request import Request

_REQUEST_KEY = (calls.c.endpoint, calls.c.level, calls.c.system_id, calls.c.device_id, calls.c.period)


def list_uncompared(connection: sa.Connection, sources: Collection[tuple[str, str]]) -> list[AnswerPair]:
    """List successive good calls of one request that have no comparison yet, request by request in order.

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
        .order_by(*(good.c[column.name] for column in _REQUEST_KEY), good.c.call_id)
    )
    return [_succession(row) for row in connection.execute(query)]


def _successive(sources: Collection[tuple[str, str]]) -> sa.Select[Any]:
    """List every good call beside the good call of the same request before it."""

    def previous(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
        lagged = sa.func.lag(column, type_=column.type)
        return lagged.over(partition_by=_REQUEST_KEY, order_by=calls.c.call_id).label(name)

    has_data = sa.case((calls.c.state == CallState.ANSWERED, 1))
    before_both = sa.func.count(has_data).over(
        partition_by=_REQUEST_KEY, order_by=calls.c.call_id, rows=(None, -2)
    )
    return sa.select(
        *_REQUEST_KEY,
        calls.c.call_id,
        calls.c.state,
        answered_utc.label("sent_utc"),
        previous(calls.c.call_id, "previous_call_id"),
        previous(calls.c.state, "previous_state"),
        previous(answered_utc, "previous_utc"),
        before_both.label("earlier"),
    ).where(calls.c.state.in_(SUCCESSFUL), sa.tuple_(calls.c.endpoint, calls.c.level).in_(sorted(sources)))


def _succession(row: sa.Row[Any]) -> AnswerPair:
    period = Period.parse(LEVEL_GRAIN[row.level], row.period)
    return AnswerPair(
        Request(row.endpoint, row.level, row.system_id, row.device_id, period),
        GoodCall(row.previous_call_id, row.previous_utc, row.previous_state == CallState.ANSWERED),
        GoodCall(row.call_id, row.sent_utc, row.state == CallState.ANSWERED),
        looks_back=bool(row.earlier) and row.previous_missing != 0,
    )


def list_answers_before(connection: sa.Connection, call_id: int) -> list[GoodCall]:
    """List the answers with data to the request of a call that came before it, oldest first."""
    query = (
        sa.select(calls.c.call_id, answered_utc.label("sent_utc"))
        .where(_is_same_request(call_id), calls.c.call_id < call_id, calls.c.state == CallState.ANSWERED)
        .order_by(calls.c.call_id)
    )
    return [GoodCall(row.call_id, row.sent_utc, has_data=True) for row in connection.execute(query)]


def list_diffs(connection: sa.Connection) -> list[AnswerDiff]:
    """List every comparison, in the order of the calls."""
    query = sa.select(revisions).order_by(revisions.c.call_id, revisions.c.table_name)
    return [AnswerDiff(**row) for row in connection.execute(query).mappings()]


def forget_derived(tx: sa.Connection, call_id: int) -> None:
    """Forget what is derived from a call and from later ones of its request: each builds on those before."""
    touched = sa.select(calls.c.call_id).where(_is_same_request(call_id), calls.c.call_id >= call_id)
    for derived in (revisions, figures):
        tx.execute(sa.delete(derived).where(derived.c.call_id.in_(touched)))
    forget_equal_answers(tx, call_id)


def _is_same_request(call_id: int) -> sa.ColumnElement[bool]:
    that = calls.alias()
    columns = (that.c[column.name] for column in _REQUEST_KEY)
    return sa.tuple_(*_REQUEST_KEY).in_(sa.select(*columns).where(that.c.call_id == call_id))


@dataclass(frozen=True, slots=True)
class FigureRow:
    """What the answer of a call says of a day, month or year: kWh (None: absent), and what rounding may hide.

    An empty `period` says only that the answer was read.
    """

    call_id: int
    period: str
    energy_kwh: float | None = None
    slack_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class StoredFigure:
    """A figure with the request that it answers and the moment of the answer."""

    system_id: str
    device_id: str
    request_period: str
    answered_utc: datetime
    row: FigureRow


@dataclass(frozen=True, slots=True)
class UnreadAnswer:
    """An answer with data that no figure was taken from yet."""

    call_id: int
    system_id: str
    device_id: str
    period: str
    answered_utc: datetime


def list_figures(
    connection: sa.Connection,
    endpoint: str,
    level: str,
    periods: tuple[str, str] | None,
    system_ids: Collection[str] | None,
) -> list[StoredFigure]:
    """List every figure of one endpoint and level, in the order of the calls."""
    query = (
        sa.select(
            calls.c.system_id,
            calls.c.device_id,
            calls.c.period.label("request_period"),
            answered_utc.label("at"),
            figures,
        )
        .join(calls, calls.c.call_id == figures.c.call_id)
        .where(*_of_kind(endpoint, level, periods, system_ids))
        .order_by(figures.c.call_id)
    )
    return [
        StoredFigure(
            row.system_id,
            device_of_call(endpoint, row.device_id),
            row.request_period,
            row.at,
            FigureRow(row.call_id, row.period, row.energy_kwh, row.slack_kwh),
        )
        for row in connection.execute(query)
    ]


def list_unread_answers(
    connection: sa.Connection,
    endpoint: str,
    level: str,
    periods: tuple[str, str] | None,
    system_ids: Collection[str] | None,
) -> list[UnreadAnswer]:
    """List the answers of one endpoint and level without a figure, in the order of the calls."""
    query = (
        sa.select(
            calls.c.call_id, calls.c.system_id, calls.c.device_id, calls.c.period, answered_utc.label("at")
        )
        .where(*_of_kind(endpoint, level, periods, system_ids))
        .where(~sa.exists().where(figures.c.call_id == calls.c.call_id))
    )
    found = [
        UnreadAnswer(row.call_id, row.system_id, device_of_call(endpoint, row.device_id), row.period, row.at)
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda each: each.call_id)  # SQLite would go through every answer for the order


def insert_figures(tx: sa.Connection, insert: Any, rows: Iterable[FigureRow]) -> None:
    """Keep figures; those already kept stay."""
    found = [asdict(row) for row in rows]
    if found:
        tx.execute(insert.on_conflict_do_nothing(), found)


def _of_kind(
    endpoint: str, level: str, periods: tuple[str, str] | None, system_ids: Collection[str] | None
) -> list[sa.ColumnElement[bool]]:
    # As an expression, so that SQLite does not take the index of states, by which nearly every call is found.
    is_answered = sa.func.coalesce(calls.c.state, "") == CallState.ANSWERED
    wanted = [calls.c.endpoint == endpoint, calls.c.level == level, is_answered]
    wanted += [calls.c.period.between(*periods)] if periods else []
    return wanted + ([calls.c.system_id.in_(system_ids)] if system_ids is not None else [])
