"""Questions to the ledger: what is held, the bodies, the quota, and the calls themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from aps_pipeline.endpoints import device_asked
from aps_pipeline.ledger import figures, revisions
from aps_pipeline.ledger.bodies import BodyFault, GarbledError, Refusal, damaged, has_body, refused, unpack
from aps_pipeline.ledger.errors import ledger_error
from aps_pipeline.ledger.quota import Account, Quota, quota_month, resets_utc
from aps_pipeline.ledger.records import (
    GOOD,
    QUOTA_CODE,
    UNREAD,
    VAIN,
    Attempt,
    CallState,
    GoodCall,
    News,
    NewsKind,
    Revision,
    Succession,
)
from aps_pipeline.ledger.schema import answered_utc, bodies, calls, facts, news, quotas
from aps_pipeline.question import Held, Question

_CHUNK = 500


class LedgerReader:
    """The reading half of `Ledger`. Every method raises LedgerError when the database cannot be used."""

    now: Callable[[], datetime]
    _engine: sa.Engine

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise ledger_error(error) from error

    def held(
        self, endpoint: str, level: str, periods: tuple[str, str] | None = None
    ) -> dict[tuple[str, str, str], Held]:
        """What is held for each (system_id, device_id, period key) of one endpoint and level.

        `periods` bounds the period keys, both included. A device that was asked in two spellings is one.
        """
        held: dict[tuple[str, str, str], Held] = {}
        bounds = dict(zip(("first", "last"), periods, strict=True)) if periods else {}
        asked = {"endpoint": endpoint, "level": level, **bounds}
        with self._reading() as connection:
            found = connection.execute(_held_query(bool(periods)), asked).all()
            for s, d, p, a, no, refused, failed, a_utc, asked_utc, ids, n in found:
                key = s, device_asked(endpoint, d), p
                each = Held(a or 0, no or 0, refused or 0, failed or 0, a_utc, asked_utc, ids or "", n)
                held[key] = held[key].joined(each) if key in held else each
        return held

    def good_calls(self, endpoint: str) -> list[tuple[int, Question, CallState, datetime]]:
        """Every good call of an endpoint in order: call_id, question, state, when it was sent.

        For endpoints without a period, whose whole history matters (inventory).
        """
        columns = (calls.c.call_id, calls.c.level, calls.c.system_id, calls.c.device_id)
        query = (
            sa.select(*columns, calls.c.state, answered_utc.label("sent_utc"))
            .where(calls.c.endpoint == endpoint, calls.c.state.in_(GOOD))
            .order_by(calls.c.call_id)
        )
        with self._reading() as connection:
            return [
                (
                    row.call_id,
                    Question(endpoint, row.level, row.system_id, device_asked(endpoint, row.device_id)),
                    CallState(row.state),
                    row.sent_utc,
                )
                for row in connection.execute(query)
            ]

    def failures(self, since: datetime) -> list[Attempt]:
        """The calls sent since then that brought no good answer, in order."""
        key = (calls.c.endpoint, calls.c.level, calls.c.system_id, calls.c.device_id, calls.c.period)
        query = (
            sa.select(
                *key,
                calls.c.code,
                calls.c.sent_utc,
                calls.c.state,
                calls.c.http_status,
                calls.c.call_id,
                calls.c.error,
            )
            .where(calls.c.state.in_(VAIN), calls.c.sent_utc >= since)
            .order_by(calls.c.call_id)
        )
        with self._reading() as connection:
            return [
                Attempt(e, lv, s, d, p, code, sent, CallState(state), http_status, call_id, error)
                for e, lv, s, d, p, code, sent, state, http_status, call_id, error in connection.execute(
                    query
                )
            ]

    def newest_good(self, endpoint: str, system_id: str) -> int:
        """The newest good call of an endpoint and system; 0 if there is none."""
        query = sa.select(sa.func.max(calls.c.call_id)).where(
            calls.c.endpoint == endpoint, calls.c.system_id == system_id, calls.c.state.in_(GOOD)
        )
        with self._reading() as connection:
            return connection.execute(query).scalar() or 0

    def bodies(self, call_ids: Iterable[int]) -> dict[int, str]:
        """The bodies of calls as text, by call_id; left out is one that never came, is gone or is garbled."""
        wanted = sorted(set(call_ids))
        found: dict[int, str] = {}
        kept = sa.select(bodies, calls.c.body_sha256).join(calls, calls.c.call_id == bodies.c.call_id)
        with self._reading() as connection:
            for start in range(0, len(wanted), _CHUNK):
                some = wanted[start : start + _CHUNK]
                for call_id, body, sha256 in connection.execute(kept.where(bodies.c.call_id.in_(some))):
                    with contextlib.suppress(GarbledError):  # `check_bodies` says why
                        found[call_id] = unpack(body, sha256)[0]
        return found

    def damaged(self) -> list[BodyFault]:
        """The answers that were found damaged and are not replaced yet, in the order of the calls."""
        with self._reading() as connection:
            return list(damaged(connection))

    def kept_bodies(self) -> int:
        """How many bodies there are to be checked."""
        with self._reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(has_body())).scalar_one())

    def refusals(self) -> list[Refusal]:
        """The refused answers that no good one has replaced, in the order of the calls."""
        with self._reading() as connection:
            return list(refused(connection))

    def sent(self, call_id: int) -> datetime:
        """When a call was sent, by the server's clock where ours is known to be wrong.

        Raises LedgerError for an unknown call.
        """
        with self._reading() as connection:
            found = connection.execute(sa.select(answered_utc).where(calls.c.call_id == call_id)).scalar_one()
        assert isinstance(found, datetime)  # noqa: S101 - the column is not null
        return found

    def newest_sent(self) -> datetime | None:
        """When the newest call was sent; None before the first."""
        with self._reading() as connection:
            return connection.execute(sa.select(calls.c.sent_utc).order_by(calls.c.call_id.desc())).scalar()

    def quota(self, account: Account) -> Quota:
        """Where the account stands now."""
        with self._reading() as connection:
            return quota_of(connection, account, self.now())

    def overview(self) -> list[tuple[str, str, CallState, int, str, str]]:
        """Calls by endpoint, level and state: their number, and the first and last period asked for."""
        kind = (calls.c.endpoint, calls.c.level, calls.c.state)
        periods = (sa.func.min(calls.c.period), sa.func.max(calls.c.period))
        query = sa.select(*kind, sa.func.count(), *periods).group_by(*kind).order_by(*kind)
        with self._reading() as connection:
            return [
                (e, lv, CallState(st), n, first, last)
                for e, lv, st, n, first, last in connection.execute(query)
            ]

    def tally(self) -> list[tuple[CallState, int, int, datetime | None]]:
        """Calls by state: their number, the newest call_id, the newest finish. Every call changes it."""
        newest = (sa.func.max(calls.c.call_id), sa.func.max(calls.c.finished_utc))
        query = sa.select(calls.c.state, sa.func.count(), *newest).group_by(calls.c.state)
        with self._reading() as connection:
            return sorted((CallState(st), n, last, end) for st, n, last, end in connection.execute(query))

    def rows(self) -> Iterator[Sequence[dict[str, Any]]]:
        """Every call without its body, oldest first, in portions of dictionaries."""
        with self._reading() as connection:
            result = connection.execute(sa.select(calls).order_by(calls.c.call_id)).mappings()
            for portion in result.partitions(10_000):
                yield [dict(row) for row in portion]

    def news(self) -> list[News]:
        """Everything unknown that answers have named, in the order of the calls."""
        query = sa.select(news).order_by(news.c.call_id, news.c.kind, news.c.subject, news.c.name)
        with self._reading() as connection:
            return [
                News(NewsKind(row.kind), row.subject, row.name, row.call_id)
                for row in connection.execute(query)
            ]

    def uncompared(self, sources: Collection[tuple[str, str]]) -> list[Succession]:
        """Successive good calls of one question that are not compared yet, question by question in order.

        `sources` are endpoints and levels. Left out is 'no data' after 'no data'.
        """
        with self._reading() as connection:
            return revisions.uncompared(connection, sources)

    def answers_before(self, call_id: int) -> list[GoodCall]:
        """The answers with data to the question of a call that came before it, oldest first."""
        with self._reading() as connection:
            return revisions.answers_before(connection, call_id)

    def revisions(self) -> list[Revision]:
        """Every comparison of two successive answers, in the order of the calls."""
        with self._reading() as connection:
            return revisions.kept(connection)

    def stored_figures(
        self, endpoint: str, level: str, periods: tuple[str, str] | None = None
    ) -> list[figures.StoredFigure]:
        """The energies taken from the answers of one endpoint and level, in the order of the calls.

        `periods` bounds the periods that were asked for, both included.
        """
        with self._reading() as connection:
            return figures.stored_figures(connection, endpoint, level, periods)

    def figure_reader(self, endpoint: str, level: str) -> str | None:
        """The reader that took the figures of an endpoint and level; None before the first."""
        name = figures.figure_reader_name(endpoint, level)
        with self._reading() as connection:
            return connection.execute(sa.select(facts.c.value).where(facts.c.name == name)).scalar()

    def unread_answers(
        self, endpoint: str, level: str, periods: tuple[str, str] | None = None
    ) -> list[figures.UnreadAnswer]:
        """The answers of one endpoint and level whose energies are not taken yet, oldest first."""
        with self._reading() as connection:
            return figures.unread_answers(connection, endpoint, level, periods)

    def is_simulated(self) -> bool | None:
        """Whether the answers come from a simulator; None before the first one."""
        with self._reading() as connection:
            value = connection.execute(sa.select(facts.c.value).where(facts.c.name == "simulated")).scalar()
        return None if value is None else value == str(True)


@cache
def _held_query(is_bounded: bool) -> sa.Select[Any]:
    """Written once: a run asks it for every partition."""

    def newest(*states: CallState, of: sa.ColumnElement[Any] = calls.c.call_id) -> sa.ColumnElement[Any]:
        return sa.func.max(sa.case((calls.c.state.in_(states), of)), type_=of.type)

    is_lost = newest(CallState.DAMAGED) > sa.func.coalesce(newest(*GOOD), 0)
    key = (calls.c.system_id, calls.c.device_id, calls.c.period)
    is_good = calls.c.state.in_(GOOD)
    wanted = [calls.c.endpoint == sa.bindparam("endpoint"), calls.c.level == sa.bindparam("level")]
    if is_bounded:
        wanted.append(calls.c.period.between(sa.bindparam("first"), sa.bindparam("last")))
    return (
        sa.select(
            *key,
            newest(CallState.ANSWERED),
            newest(CallState.NO_DATA),
            newest(CallState.REFUSED),
            newest(*UNREAD),
            newest(CallState.ANSWERED, of=answered_utc),
            # What was asked and then lost is to be asked again, whatever an older answer says.
            sa.case((is_lost, None), else_=newest(*GOOD, of=answered_utc)),
            sa.func.aggregate_strings(sa.case((is_good, sa.cast(calls.c.call_id, sa.Text))), " "),
            sa.func.count(sa.case((calls.c.state == CallState.NO_DATA, 1))),
        )
        .where(*wanted, calls.c.state.in_((*GOOD, CallState.REFUSED, *UNREAD)))
        .where(sa.or_(calls.c.code.is_(None), calls.c.code != QUOTA_CODE))
        .group_by(*key)
    )


def quota_of(connection: sa.Connection, account: Account, now: datetime) -> Quota:
    """Where an account stands, within a transaction."""
    month = quota_month(now, account.zone)
    row = connection.execute(
        sa.select(quotas).where(quotas.c.account == account.app_id, quotas.c.month == month)
    ).first()
    refused_at = row.refused_at_monthly_calls if row else None
    return Quota(
        month=month,
        used=row.used if row else 0,
        limit=account.limit,
        refused_by_api=refused_at is not None and refused_at >= account.monthly_calls,
        resets_utc=resets_utc(now, account.zone),
    )
