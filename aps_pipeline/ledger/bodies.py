"""Bodies as the ledger keeps them: compressed, with a digest, and never trusted unread."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aps_pipeline.endpoints import LEVEL_GRAIN
from aps_pipeline.ledger.records import SUCCESSFUL, CallState
from aps_pipeline.ledger.schema import bodies, calls, refusals
from aps_pipeline.periods import Period
from aps_pipeline.request import Request


@dataclass(frozen=True, slots=True)
class BodyFault:
    """A kept body that is gone or garbled: its call, what it had answered, and what is wrong with it.

    `is_open` where rows are missing for it: it held data, and no newer good answer has taken its place.
    """

    call_id: int
    request: Request
    reason: str
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused answer whose body is kept, and which reader refused it; empty where that is not known."""

    call_id: int
    request: Request
    sent_utc: datetime
    reader: str


@dataclass(frozen=True, slots=True)
class CheckedBodies:
    """A portion of the bodies, read: how many, the faults, and digests of those that had none."""

    count: int
    faults: list[BodyFault]
    digests: dict[int, str]


class GarbledError(ValueError):
    """A kept body that cannot be what came; the message says why."""


def pack(body: bytes) -> bytes:
    """Compress a body as it is kept."""
    return zlib.compress(body, 6)


def digest(body: bytes) -> str:
    """Digest a body, for `unpack` to hold it against."""
    return hashlib.sha256(body).hexdigest()


def unpack(kept: bytes, sha256: str | None) -> tuple[str, str]:
    """Read the text of a kept body, and its digest. Raises GarbledError."""
    try:
        body = zlib.decompress(kept)
        found = digest(body)
        if sha256 is not None and found != sha256:
            raise GarbledError("is not the one that came: its digest differs")
        return body.decode("utf-8"), found
    except zlib.error:
        raise GarbledError("cannot be decompressed") from None
    except UnicodeDecodeError:
        raise GarbledError("is no text") from None


def check_bodies(connection: sa.Connection, after: int, most: int) -> tuple[CheckedBodies, int | None]:
    """Read a portion of the bodies of the calls after a number; and the last number, None at the end."""
    found = connection.execute(_bodies_query(after, most)).all()
    faults: list[BodyFault] = []
    digests: dict[int, str] = {}
    for row in found:
        try:
            if row.body is None:
                raise GarbledError("is gone")
            digests[row.call_id] = unpack(row.body, row.body_sha256)[1]
        except GarbledError as error:
            is_read = row.state == CallState.ANSWERED  # the others say all with their code
            faults.append(BodyFault(row.call_id, _request(row), str(error), is_open=is_read))
        if row.body_sha256 is not None:
            digests.pop(row.call_id, None)
    return CheckedBodies(len(found), faults, digests), found[-1].call_id if len(found) == most else None


_REQUEST_KEY = (calls.c.endpoint, calls.c.level, calls.c.system_id, calls.c.device_id, calls.c.period)


def has_body() -> sa.ColumnElement[bool]:
    """Tell whether a call has a body to be read: one that was found damaged is no longer expected to."""
    expected = sa.or_(calls.c.body_bytes.is_not(None), calls.c.state == CallState.ANSWERED)
    return sa.and_(expected, calls.c.state != CallState.DAMAGED)


def _bodies_query(after: int, most: int) -> sa.Select[Any]:
    columns = (calls.c.call_id, calls.c.state, calls.c.body_sha256, *_REQUEST_KEY, bodies.c.body)
    both = calls.outerjoin(bodies, bodies.c.call_id == calls.c.call_id)
    query = sa.select(*columns).select_from(both).where(calls.c.call_id > after, has_body())
    return query.order_by(calls.c.call_id).limit(most)


def list_damaged(connection: sa.Connection) -> Iterator[BodyFault]:
    """List the answers found damaged that no newer one has replaced, in the order of the calls."""
    query = sa.select(calls.c.call_id, calls.c.error, *_REQUEST_KEY)
    for row in connection.execute(_only_unreplaced(query, CallState.DAMAGED)):
        yield BodyFault(row.call_id, _request(row), row.error)


def list_refused(connection: sa.Connection) -> Iterator[Refusal]:
    """List the refused answers that no good one has replaced, in the order of the calls."""
    query = sa.select(calls.c.call_id, calls.c.sent_utc, *_REQUEST_KEY, refusals.c.reader).select_from(
        calls.outerjoin(refusals, refusals.c.call_id == calls.c.call_id)
    )
    for row in connection.execute(_only_unreplaced(query, CallState.REFUSED)):
        yield Refusal(row.call_id, _request(row), row.sent_utc, row.reader or "")


def _only_unreplaced(query: sa.Select[Any], state: CallState) -> sa.Select[Any]:
    newer = calls.alias()
    same = (newer.c[column.name] == column for column in _REQUEST_KEY)
    replaced = sa.exists().where(*same, newer.c.call_id > calls.c.call_id, newer.c.state.in_(SUCCESSFUL))
    return query.where(calls.c.state == state, ~replaced).order_by(calls.c.call_id)


def _request(row: sa.Row[Any]) -> Request:
    period = Period.parse(LEVEL_GRAIN[row.level], row.period)
    return Request(row.endpoint, row.level, row.system_id, row.device_id, period)
