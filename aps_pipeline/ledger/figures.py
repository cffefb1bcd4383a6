"""The energies that answers give, kept beside the calls: the queries behind `planning.evidence`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aps_pipeline.endpoints import device_asked
from aps_pipeline.ledger.records import CallState
from aps_pipeline.ledger.schema import answered_utc, calls, figures


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


def stored_figures(
    connection: sa.Connection, endpoint: str, level: str, periods: tuple[str, str] | None
) -> list[StoredFigure]:
    """Every figure of one endpoint and level, in the order of the calls."""
    query = (
        sa.select(
            calls.c.system_id,
            calls.c.device_id,
            calls.c.period.label("request_period"),
            answered_utc.label("at"),
            figures,
        )
        .join(calls, calls.c.call_id == figures.c.call_id)
        .where(*_of_kind(endpoint, level, periods))
        .order_by(figures.c.call_id)
    )
    return [
        StoredFigure(
            row.system_id,
            device_asked(endpoint, row.device_id),
            row.request_period,
            row.at,
            FigureRow(row.call_id, row.period, row.energy_kwh, row.slack_kwh),
        )
        for row in connection.execute(query)
    ]


def unread_answers(
    connection: sa.Connection, endpoint: str, level: str, periods: tuple[str, str] | None
) -> list[UnreadAnswer]:
    """The answers of one endpoint and level without a figure, in the order of the calls."""
    query = (
        sa.select(
            calls.c.call_id, calls.c.system_id, calls.c.device_id, calls.c.period, answered_utc.label("at")
        )
        .where(*_of_kind(endpoint, level, periods))
        .where(~sa.exists().where(figures.c.call_id == calls.c.call_id))
        .order_by(calls.c.call_id)
    )
    return [
        UnreadAnswer(row.call_id, row.system_id, device_asked(endpoint, row.device_id), row.period, row.at)
        for row in connection.execute(query)
    ]


def figure_reader_name(endpoint: str, level: str) -> str:
    """The name of the fact that says which reader took the figures of an endpoint and level."""
    return f"figures of {endpoint} {level}"


def insert_figures(tx: sa.Connection, insert: Any, rows: Iterable[FigureRow]) -> None:
    """Keep figures; those already kept stay."""
    found = [asdict(row) for row in rows]
    if found:
        tx.execute(insert.on_conflict_do_nothing(), found)


def _of_kind(endpoint: str, level: str, periods: tuple[str, str] | None) -> list[sa.ColumnElement[bool]]:
    wanted = [calls.c.endpoint == endpoint, calls.c.level == level, calls.c.state == CallState.ANSWERED]
    return [*wanted, calls.c.period.between(*periods)] if periods else wanted
