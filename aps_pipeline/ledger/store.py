"""Reserving and finishing calls."""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import sqlalchemy as sa

from aps_pipeline.ledger import owners
from aps_pipeline.ledger.errors import (
    AlreadyAnsweredError,
    InFlightError,
    LedgerError,
    MixedDataError,
    QuotaExhaustedError,
    first_line,
    ledger_error,
)
from aps_pipeline.ledger.quota import Account, quota_month
from aps_pipeline.ledger.reading import LedgerReader, quota_of
from aps_pipeline.ledger.records import GOOD, QUOTA_CODE, CallState, Finish, News, Revision
from aps_pipeline.ledger.rests import RestingAccounts
from aps_pipeline.ledger.revisions import forget_from
from aps_pipeline.ledger.schema import bodies, calls, facts, news, open_engine, quotas, revisions
from aps_pipeline.question import Question

_LONGEST_ERROR = 1000


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger(LedgerReader, RestingAccounts):
    """The calls, their bodies and the quota, in one SQL database.

    Args:
        url: any SQLAlchemy URL of SQLite or PostgreSQL.
        now: the clock, for tests.
        accepts_simulated: whether answers of a simulator may be kept here at all.

    Raises LedgerError from every method when the database cannot be used.
    """

    def __init__(
        self, url: str, now: Callable[[], datetime] = _utc_now, *, accepts_simulated: bool = True
    ) -> None:
        self.now = now
        self._accepts_simulated = accepts_simulated
        self._simulated: bool | None = None
        self._one_writer = threading.Lock()  # threads queue here instead of polling SQLite's lock
        try:
            self._engine = open_engine(url)
            self._write_engine = self._engine.execution_options(writes=True)
        except (sa.exc.SQLAlchemyError, OSError, ImportError, ValueError, NotImplementedError) as error:
            raise LedgerError(f"cannot open the ledger {_shown(url)}: {first_line(error)}") from error

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._one_writer, self._write_engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise ledger_error(error) from error

    def reserve(self, question: Question, account: Account, after: int = 0) -> int:
        """Write the row of a call about to be sent, take it from the quota, and return its call_id.

        `after` is the newest good call that the caller knows of. All in one transaction, so that any number
        of processes together never exceed the quota and never ask one question twice.
        Raises QuotaExhaustedError, InFlightError, AlreadyAnsweredError.
        """
        now = self.now()
        month = quota_month(now, account.zone)
        with self._writing() as tx:
            self._spend(tx, account, month, now)  # first: its row lock puts PostgreSQL's processes in line
            rivals = tx.execute(
                sa.select(calls.c.call_id, calls.c.state, calls.c.owner, calls.c.sent_utc).where(
                    *_same(question),
                    sa.or_(
                        calls.c.state == CallState.IN_FLIGHT,
                        sa.and_(calls.c.state.in_(GOOD), calls.c.call_id > after),
                    ),
                )
            ).all()
            for rival in rivals:
                if rival.state != CallState.IN_FLIGHT:
                    raise AlreadyAnsweredError(str(question))
                if not owners.is_gone(rival.owner, rival.sent_utc, now):
                    raise InFlightError(question, rival.sent_utc)
                _set(tx, rival.call_id, state=CallState.LOST, finished_utc=now)
            row = tx.execute(
                sa.insert(calls).values(
                    account=account.app_id,
                    quota_month=month,
                    endpoint=question.endpoint,
                    level=question.level,
                    system_id=question.system_id,
                    device_id=question.device_id,
                    period=question.period.key,
                    state=CallState.IN_FLIGHT,
                    sent_utc=now,
                    owner=owners.this_process(),
                )
            ).inserted_primary_key
        assert row is not None  # noqa: S101 - an insert has a key
        return int(row[0])

    def _spend(self, tx: sa.Connection, account: Account, month: str, now: datetime) -> None:
        refused_at = quotas.c.refused_at_monthly_calls
        spend = (
            sa.update(quotas)
            .where(quotas.c.account == account.app_id, quotas.c.month == month)
            .where(quotas.c.used < account.limit)
            .where(sa.or_(refused_at.is_(None), refused_at < account.monthly_calls))
            .values(used=quotas.c.used + 1)
        )
        if tx.execute(spend).rowcount:
            return
        first = _insert(tx, quotas).values(account=account.app_id, month=month, used=0)
        tx.execute(first.on_conflict_do_nothing())
        if not tx.execute(spend).rowcount:
            raise QuotaExhaustedError(quota_of(tx, account, now))

    def finish(self, call_id: int, end: Finish, monthly_calls: int = 0) -> None:
        """Write how a call ended, with its body, in one transaction.

        A code 2005 closes the account's quota month to every process (until `monthly_calls` is raised); an
        unsent call is given back. Raises MixedDataError, and keeps no body then.
        """
        body = None if end.body is None else end.body.encode("utf-8", "replace")
        simulated = end.simulated
        is_answer = end.state in GOOD or (end.state is CallState.REFUSED and end.code is not None)
        mixed = is_answer and not self._fits(simulated=end.simulated)
        if mixed:
            end, body = Finish(CallState.DENIED, end.http_status, end.code, "simulated and real data"), None
        with self._writing() as tx:
            row = tx.execute(
                sa.select(calls.c.account, calls.c.quota_month).where(calls.c.call_id == call_id)
            ).one()
            in_month = (quotas.c.account == row.account, quotas.c.month == row.quota_month)
            _set(
                tx,
                call_id,
                state=end.state,
                finished_utc=self.now(),
                http_status=end.http_status,
                code=end.code,
                server_utc=end.server_utc,
                error=_printable(end.error),
                body_bytes=None if body is None else len(body),
            )
            if body is not None:
                tx.execute(sa.insert(bodies).values(call_id=call_id, body=zlib.compress(body, 6)))
            if end.code == QUOTA_CODE:
                tx.execute(sa.update(quotas).where(*in_month).values(refused_at_monthly_calls=monthly_calls))
            if end.state is CallState.UNSENT:
                tx.execute(sa.update(quotas).where(*in_month).values(used=quotas.c.used - 1))
        if mixed:
            raise MixedDataError(
                "simulated and real data never mix: set APS_DATA_DIR to another directory "
                f"for {'simulated' if simulated else 'real'} data"
            )

    def _fits(self, *, simulated: bool) -> bool:
        """Whether answers of this origin belong into this ledger; the first answer decides."""
        if simulated and not self._accepts_simulated:
            return False
        if self._simulated is None:
            with self._writing() as tx:
                fact = _insert(tx, facts).values(name="simulated", value=str(simulated))
                tx.execute(fact.on_conflict_do_nothing())
                known = tx.execute(sa.select(facts.c.value).where(facts.c.name == "simulated")).scalar_one()
            self._simulated = known == str(True)
        return self._simulated == simulated

    def keep_server_time(self, call_id: int, server_utc: datetime) -> None:
        """Keep when a call was answered by the server's clock, where ours is known to be wrong."""
        with self._writing() as tx:
            _set(tx, call_id, server_utc=server_utc)

    def mark(self, call_id: int, state: CallState, error: str = "") -> None:
        """Judge a kept body anew: a parser took it now, or refuses it now. Its comparisons are forgotten."""
        with self._writing() as tx:
            _set(tx, call_id, state=state, error=_printable(error))
            forget_from(tx, call_id)

    def keep_revisions(self, found: Iterable[Revision]) -> None:
        """Keep comparisons of successive answers; those already kept stay."""
        rows = [asdict(each) for each in found]
        if rows:
            with self._writing() as tx:
                tx.execute(_insert(tx, revisions).on_conflict_do_nothing(), rows)

    def forget_revisions(self) -> None:
        """Forget every comparison, so that all are made again."""
        with self._writing() as tx:
            tx.execute(sa.delete(revisions))

    def note(self, found: Iterable[News]) -> list[News]:
        """Keep what an answer named and nobody knew; return what is said for the first time."""
        with self._writing() as tx:
            return [
                each
                for each in found
                if tx.execute(_insert(tx, news).values(**asdict(each)).on_conflict_do_nothing()).rowcount
            ]

    def settle(self) -> int:
        """Close the calls in flight whose process is gone, as lost but counted; return how many."""
        now = self.now()
        with self._reading() as connection:
            flying = connection.execute(
                sa.select(calls.c.call_id, calls.c.owner, calls.c.sent_utc).where(
                    calls.c.state == CallState.IN_FLIGHT
                )
            ).all()
        gone = [row.call_id for row in flying if owners.is_gone(row.owner, row.sent_utc, now)]
        if gone:
            with self._writing() as tx:
                tx.execute(
                    sa.update(calls)
                    .where(calls.c.call_id.in_(gone), calls.c.state == CallState.IN_FLIGHT)
                    .values(state=CallState.LOST, finished_utc=now)
                )
        return len(gone)


def _same(question: Question) -> list[sa.ColumnElement[bool]]:
    return [
        calls.c.endpoint == question.endpoint,
        calls.c.level == question.level,
        calls.c.system_id == question.system_id,
        calls.c.device_id == question.device_id,
        calls.c.period == question.period.key,
    ]


def _set(tx: sa.Connection, call_id: int, **values: object) -> None:
    tx.execute(sa.update(calls).where(calls.c.call_id == call_id).values(**values))


def _insert(tx: sa.Connection, table: sa.Table) -> Any:
    """An insert that can leave alone what is there, from the one dialect in use: importing one takes long."""
    return import_module(f"sqlalchemy.dialects.{tx.dialect.name}").insert(table)


def _printable(text: str) -> str:
    """A message as any database takes it: a server may send control characters and halves of pairs."""
    return "".join(c if c.isprintable() else " " for c in text[:_LONGEST_ERROR])


def _shown(url: str) -> str:
    """The address without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except (sa.exc.SQLAlchemyError, ValueError):
        return "of APS_LEDGER_URL"
