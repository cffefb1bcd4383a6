"""Reserving, finishing and reading calls."""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aps_pipeline.ledger import owners
from aps_pipeline.ledger.quota import Account, Quota, quota_month, resets_utc
from aps_pipeline.ledger.records import GOOD, CallState, Finish, Held
from aps_pipeline.ledger.schema import bodies, calls, facts, open_engine, quotas
from aps_pipeline.question import Question

_CHUNK = 500
_QUOTA_CODE = 2005


class LedgerError(OSError):
    """The ledger cannot be opened, read or written."""


class LedgerBusyError(LedgerError):
    """Another process has kept the ledger locked for a minute."""


class MixedDataError(ValueError):
    """A simulated answer for a ledger of real data, or the other way round."""


class QuotaExhaustedError(Exception):
    """No call may be made in this quota month any more."""

    def __init__(self, quota: Quota) -> None:
        super().__init__(f"{quota.used} of {quota.limit} calls used in {quota.month}")
        self.quota = quota


class InFlightError(Exception):
    """Another process is asking the same question right now."""


class AlreadyAnsweredError(Exception):
    """A good answer has come since the caller looked."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
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
        except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
            shown = url if "://" not in url else sa.make_url(url).render_as_string(hide_password=True)
            raise LedgerError(f"cannot open the ledger {shown}: {_first_line(error)}") from error

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise _ledger_error(error) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        try:
            with self._one_writer, self._write_engine.begin() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            raise _ledger_error(error) from error

    # Calls

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
                    raise InFlightError(str(question))
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
        insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
        tx.execute(insert(quotas).values(account=account.app_id, month=month, used=0).on_conflict_do_nothing())
        refused_at = quotas.c.refused_at_monthly_calls
        spent = tx.execute(
            sa.update(quotas)
            .where(quotas.c.account == account.app_id, quotas.c.month == month)
            .where(quotas.c.used < account.limit)
            .where(sa.or_(refused_at.is_(None), refused_at < account.monthly_calls))
            .values(used=quotas.c.used + 1)
        )
        if spent.rowcount == 0:
            raise QuotaExhaustedError(_quota(tx, account, now))

    def finish(self, call_id: int, end: Finish, monthly_calls: int = 0) -> None:
        """Write how a call ended, with its body, in one transaction.

        A code 2005 closes the account's quota month to every process (until `monthly_calls` is raised); an
        unsent call is given back. Raises MixedDataError, and keeps no body then.
        """
        body = None if end.body is None else end.body.encode("utf-8", "replace")
        simulated = end.simulated
        mixed = end.state in GOOD and not self._fits(simulated=end.simulated)
        if mixed:
            end, body = Finish(CallState.DENIED, end.http_status, end.code, "simulated and real data"), None
        with self._writing() as tx:
            row = tx.execute(sa.select(calls.c.account, calls.c.quota_month).where(calls.c.call_id == call_id)).one()
            in_month = (quotas.c.account == row.account, quotas.c.month == row.quota_month)
            _set(
                tx,
                call_id,
                state=end.state,
                finished_utc=self.now(),
                http_status=end.http_status,
                code=end.code,
                error=end.error,
                body_bytes=None if body is None else len(body),
            )
            if body is not None:
                tx.execute(sa.insert(bodies).values(call_id=call_id, body=zlib.compress(body, 6)))
            if end.code == _QUOTA_CODE:
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
                known = tx.execute(sa.select(facts.c.value).where(facts.c.name == "simulated")).scalar()
                if known is None:
                    known = str(simulated)
                    tx.execute(sa.insert(facts).values(name="simulated", value=known))
            self._simulated = known == str(True)
        return self._simulated == simulated

    def mark(self, call_id: int, state: CallState, error: str = "") -> None:
        """Judge a kept body anew: a parser took it now, or refuses it now."""
        with self._writing() as tx:
            _set(tx, call_id, state=state, error=error)

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

    # Questions to the ledger

    def held(self, endpoint: str, level: str, periods: tuple[str, str] | None = None) -> dict[tuple[str, str, str], Held]:
        """What is held for each (system_id, device_id, period key) of one endpoint and level.

        `periods` bounds the period keys, both included.
        """

        def newest(*states: CallState, of: sa.ColumnElement[Any] = calls.c.call_id) -> sa.ColumnElement[Any]:
            return sa.func.max(sa.case((calls.c.state.in_(states), of)), type_=of.type)

        key = (calls.c.system_id, calls.c.device_id, calls.c.period)
        wanted = [calls.c.endpoint == endpoint, calls.c.level == level]
        if periods:
            wanted.append(calls.c.period.between(*periods))
        query = (
            sa.select(
                *key,
                newest(CallState.ANSWERED),
                newest(CallState.NO_DATA),
                newest(CallState.REFUSED),
                newest(CallState.ANSWERED, of=calls.c.sent_utc),
                newest(*GOOD, of=calls.c.sent_utc),
            )
            .where(*wanted, calls.c.state.in_((*GOOD, CallState.REFUSED)))
            .group_by(*key)
        )
        with self._reading() as connection:
            return {
                (s, d, p): Held(answered or 0, no_data or 0, refused or 0, answered_utc, asked_utc)
                for s, d, p, answered, no_data, refused, answered_utc, asked_utc in connection.execute(query)
            }

    def good_calls(self, endpoint: str) -> list[tuple[int, Question, CallState, datetime]]:
        """Every good call of an endpoint in order: call_id, question, state, when it was sent.

        For endpoints without a period, whose whole history matters (inventory).
        """
        columns = (calls.c.call_id, calls.c.level, calls.c.system_id, calls.c.device_id)
        query = (
            sa.select(*columns, calls.c.state, calls.c.sent_utc)
            .where(calls.c.endpoint == endpoint, calls.c.state.in_(GOOD))
            .order_by(calls.c.call_id)
        )
        with self._reading() as connection:
            return [
                (row.call_id, Question(endpoint, row.level, row.system_id, row.device_id), CallState(row.state), row.sent_utc)
                for row in connection.execute(query)
            ]

    def bodies(self, call_ids: Iterable[int]) -> dict[int, str]:
        """The bodies of calls as text, by call_id; calls without a body are left out."""
        wanted = sorted(set(call_ids))
        found: dict[int, str] = {}
        with self._reading() as connection:
            for start in range(0, len(wanted), _CHUNK):
                some = wanted[start : start + _CHUNK]
                for call_id, body in connection.execute(sa.select(bodies).where(bodies.c.call_id.in_(some))):
                    found[call_id] = zlib.decompress(body).decode("utf-8")
        return found

    def sent(self, call_id: int) -> datetime:
        """When a call was sent. Raises LedgerError for an unknown call."""
        with self._reading() as connection:
            found = connection.execute(sa.select(calls.c.sent_utc).where(calls.c.call_id == call_id)).scalar_one()
        assert isinstance(found, datetime)  # noqa: S101 - the column is not null
        return found

    def quota(self, account: Account) -> Quota:
        """Where the account stands now."""
        with self._reading() as connection:
            return _quota(connection, account, self.now())

    def overview(self) -> list[tuple[str, str, CallState, int, str, str]]:
        """Calls by endpoint, level and state: their number, and the first and last period asked for."""
        kind = (calls.c.endpoint, calls.c.level, calls.c.state)
        periods = (sa.func.min(calls.c.period), sa.func.max(calls.c.period))
        query = sa.select(*kind, sa.func.count(), *periods).group_by(*kind).order_by(*kind)
        with self._reading() as connection:
            return [(e, lv, CallState(st), n, first, last) for e, lv, st, n, first, last in connection.execute(query)]

    def rows(self) -> Iterator[Sequence[dict[str, Any]]]:
        """Every call without its body, oldest first, in portions of dictionaries."""
        with self._reading() as connection:
            result = connection.execute(sa.select(calls).order_by(calls.c.call_id)).mappings()
            for portion in result.partitions(10_000):
                yield [dict(row) for row in portion]

    def is_simulated(self) -> bool | None:
        """Whether the answers come from a simulator; None before the first one."""
        with self._reading() as connection:
            value = connection.execute(sa.select(facts.c.value).where(facts.c.name == "simulated")).scalar()
        return None if value is None else value == str(True)


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


def _quota(connection: sa.Connection, account: Account, now: datetime) -> Quota:
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


def _ledger_error(error: sa.exc.SQLAlchemyError) -> LedgerError:
    if "locked" in str(getattr(error, "orig", "")):
        return LedgerBusyError("another process keeps the ledger locked; try again when it has ended")
    return LedgerError(f"ledger: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0][:200]
