"""Reserve and finish calls: the checkpoints that every run resumes from."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from aps_pipeline.ledger import leases, opening
from aps_pipeline.ledger.bodies import digest, pack
from aps_pipeline.ledger.calls import LedgerWriter, insert_into, printable, set_call
from aps_pipeline.ledger.errors import (
    AlreadyAnsweredError,
    InFlightError,
    LedgerBusyError,
    LedgerError,
    MixedDataError,
    QuotaExhaustedError,
    first_line,
    is_locked,
)
from aps_pipeline.ledger.quota import QuotaAccount, RestingAccounts, quota_month, read_quota
from aps_pipeline.ledger.records import QUOTA_CODE, SUCCESSFUL, CallEnd, CallState, ReservedCall
from aps_pipeline.ledger.schema import bodies, calls, facts, is_any_of, quotas
from aps_pipeline.request import Request


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger(LedgerWriter, RestingAccounts):
    """The calls, their bodies and the quota, in one SQL database.

    Args:
        url: any SQLAlchemy URL of SQLite or PostgreSQL.
        now: the clock, for tests.
        accepts_simulated: whether answers of a simulator may be kept here at all.
        patience: seconds to wait for another process that keeps the database locked.
        before_first: told the address before a ledger without calls is made or used; may raise LedgerError.

    Raises LedgerError from every method when the database cannot be used.
    """

    def __init__(
        self,
        url: str,
        now: Callable[[], datetime] = _utc_now,
        *,
        accepts_simulated: bool = True,
        patience: float | None = None,
        before_first: Callable[[str], None] = opening.allow_new,
    ) -> None:
        self.now = now
        self._accepts_simulated = accepts_simulated
        self._simulated: bool | None = None
        self._one_writer = threading.Lock()  # threads queue here instead of polling SQLite's lock
        self._patience = opening.PATIENCE_SECONDS if patience is None else patience
        self._heart = leases.Heartbeat(self._beat)
        self._announcer = leases.LeaseLog()
        try:
            self._engine = opening.open_engine(url, self._patience, before_first)
            self._write_engine = self._engine.execution_options(writes=True)
        except LedgerError:
            raise
        except (sa.exc.SQLAlchemyError, OSError, ImportError, ValueError, NotImplementedError) as error:
            if is_locked(error):
                raise LedgerBusyError(
                    f"another process keeps the ledger {_without_password(url)} locked; "
                    "try again when it has ended"
                ) from error
            raise LedgerError(
                f"cannot open the ledger {_without_password(url)}: {first_line(error)}"
            ) from error

    @property
    def url(self) -> str:
        """The address, with what it takes to open it again."""
        return self._engine.url.render_as_string(hide_password=False)

    def close(self) -> None:
        """Let go of the database."""
        self._heart.stop()
        self._engine.dispose()

    def _beat(self) -> None:
        with self._writing() as tx:
            leases.write_beat(tx, self.now())

    def reserve(self, request: Request, account: QuotaAccount, after: int | None = None) -> ReservedCall:
        """Write the row of a call about to be sent, take it from the quota, and return it.

        `after` is the newest good call that the caller knows of, None if it knows of none. All in one
        transaction, so that any number of processes together never exceed the quota and never ask one
        request twice.
        Raises QuotaExhaustedError, InFlightError, AlreadyAnsweredError.
        """
        now = self.now()
        month = quota_month(now, account.zone)
        with self._writing() as tx:
            # First, for its row lock puts PostgreSQL's processes in line.
            self._spend_quota(tx, account, month, now)
            self._check_rivals(tx, request, after, now)
            if not self._heart.is_beating:
                leases.write_beat(tx, now)
            row = tx.execute(
                _BEGIN_CALL,
                {
                    "account": account.app_id,
                    "quota_month": month,
                    **_key_of(request),
                    "state": CallState.IN_FLIGHT,
                    "sent_utc": now,
                    "owner": leases.this_process(),
                },
            ).inserted_primary_key
        assert row is not None  # noqa: S101 - an insert has a key
        self._heart.start(call_id := int(row[0]))
        return ReservedCall(call_id, now)

    def _check_rivals(self, tx: sa.Connection, request: Request, after: int | None, now: datetime) -> None:
        """Make sure that nobody else has asked or is asking; calls of processes that are gone are closed."""
        rivals = tx.execute(_FIND_RIVALS, {**_key_of(request), "after": after or 0})
        for rival in rivals:
            if rival.state != CallState.IN_FLIGHT:
                raise AlreadyAnsweredError(str(request))
            database_now = leases.database_time(tx, now)
            if not leases.is_gone(rival.owner, rival.sent_utc, rival.beat_utc, now, database_now):
                self._announcer.log_waiting(rival.owner, request)
                raise InFlightError(request, rival.sent_utc)
            set_call(tx, rival.call_id, state=CallState.LOST, finished_utc=now)
            self._announcer.log_taken_over(rival.owner, 1)

    def _spend_quota(self, tx: sa.Connection, account: QuotaAccount, month: str, now: datetime) -> None:
        spending = {
            "of_account": account.app_id,
            "of_month": month,
            "limit": account.limit,
            "monthly_calls": account.monthly_calls,
        }
        if tx.execute(_SPEND, spending).rowcount:
            return
        first = insert_into(tx, quotas).values(account=account.app_id, month=month, used=0)
        tx.execute(first.on_conflict_do_nothing())
        if not tx.execute(_SPEND, spending).rowcount:
            raise QuotaExhaustedError(read_quota(tx, account, now))

    def finish(self, call_id: int, end: CallEnd, monthly_calls: int = 0) -> None:
        """Write how a call ended, with its body, in one transaction.

        A code 2005 closes the account's quota month to every process (until `monthly_calls` is raised); an
        unsent call is given back. Raises MixedDataError, and keeps no body then.
        """
        body = None if end.body is None else end.body.encode("utf-8", "replace")
        simulated = end.simulated
        is_answer = end.state in SUCCESSFUL or (end.state is CallState.REFUSED and end.code is not None)
        mixed = is_answer and not self._is_of_same_origin(simulated=end.simulated)
        if mixed:
            end, body = CallEnd(CallState.DENIED, end.http_status, end.code, "simulated and real data"), None
        with self._writing() as tx:
            ended = tx.execute(
                _END_CALL,
                {
                    "ended": call_id,
                    "state": end.state,
                    "finished_utc": self.now(),
                    "http_status": end.http_status,
                    "code": end.code,
                    "error": printable(end.error),
                    "body_bytes": None if body is None else len(body),
                    "body_sha256": None if body is None else digest(body),
                    "server_utc": end.server_utc,
                },
            )
            if not ended.rowcount:
                raise LedgerError(f"call {call_id} was never reserved")
            if body is not None:
                tx.execute(_KEEP_BODY, {"call_id": call_id, "body": pack(body)})
            if end.code == QUOTA_CODE or end.state is CallState.UNSENT:
                self._correct_quota(tx, call_id, end, monthly_calls)
        self._heart.end(call_id)
        if mixed:
            raise MixedDataError(
                "simulated and real data never mix: set APS_DATA_DIR to another directory "
                f"for {'simulated' if simulated else 'real'} data"
            )

    def _correct_quota(self, tx: sa.Connection, call_id: int, end: CallEnd, monthly_calls: int) -> None:
        """Give an unsent call back, or close the quota month that the server says is used up."""
        of_call = sa.select(calls.c.account, calls.c.quota_month).where(calls.c.call_id == call_id)
        account, month = tx.execute(of_call).one()
        values: dict[str, Any] = {"refused_at_monthly_calls": monthly_calls}
        if end.state is CallState.UNSENT:
            values = {"used": quotas.c.used - 1}
        in_month = (quotas.c.account == account, quotas.c.month == month)
        tx.execute(sa.update(quotas).where(*in_month).values(**values))

    def _is_of_same_origin(self, *, simulated: bool) -> bool:
        """Tell whether answers of this origin belong into this ledger; the first answer decides."""
        if simulated and not self._accepts_simulated:
            return False
        if self._simulated is None:
            with self._writing() as tx:
                fact = insert_into(tx, facts).values(name="simulated", value=str(simulated))
                tx.execute(fact.on_conflict_do_nothing())
                known = tx.execute(sa.select(facts.c.value).where(facts.c.name == "simulated")).scalar_one()
            self._simulated = known == str(True)
        return self._simulated == simulated

    def close_lost_calls(self) -> dict[str, int]:
        """Close the calls in flight whose process is gone, as lost but counted; how many of each process.

        Says so in the log, once for each process.
        """
        now = self.now()
        with self._reading() as connection:
            flying = connection.execute(leases.in_flight_query(calls.c.state == CallState.IN_FLIGHT)).all()
            database_now = leases.database_time(connection, now) if flying else now
        gone = {
            row.call_id: row.owner
            for row in flying
            if leases.is_gone(row.owner, row.sent_utc, row.beat_utc, now, database_now)
        }
        if gone:
            with self._writing() as tx:
                tx.execute(
                    sa.update(calls)
                    .where(calls.c.call_id.in_(gone), calls.c.state == CallState.IN_FLIGHT)
                    .values(state=CallState.LOST, finished_utc=now)
                )
        taken_over = Counter(gone.values())
        for owner, count in taken_over.items():
            self._announcer.log_taken_over(owner, count)
        return dict(taken_over)


_KEY = ("endpoint", "level", "system_id", "device_id", "period")

# Built once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_SPEND = (
    sa.update(quotas)
    .where(quotas.c.account == sa.bindparam("of_account"), quotas.c.month == sa.bindparam("of_month"))
    .where(quotas.c.used < sa.bindparam("limit"))
    .where(
        sa.or_(
            quotas.c.refused_at_monthly_calls.is_(None),
            quotas.c.refused_at_monthly_calls < sa.bindparam("monthly_calls"),
        )
    )
    .values(used=quotas.c.used + 1)
)
_FIND_RIVALS = leases.in_flight_query(
    *(calls.c[name] == sa.bindparam(name) for name in _KEY),
    sa.or_(
        calls.c.state == CallState.IN_FLIGHT,
        sa.and_(is_any_of(*SUCCESSFUL), calls.c.call_id > sa.bindparam("after")),
    ),
)
_BEGIN_CALL = sa.insert(calls)
_END_CALL = (
    sa.update(calls)
    .where(calls.c.call_id == sa.bindparam("ended"))
    .values(
        {
            name: sa.bindparam(name)
            for name in (
                "state",
                "finished_utc",
                "http_status",
                "code",
                "error",
                "body_bytes",
                "body_sha256",
                "server_utc",
            )
        }
    )
)
_KEEP_BODY = sa.insert(bodies)


def _key_of(request: Request) -> dict[str, str]:
    values = (request.endpoint, request.level, request.system_id, request.device_id, request.period.key)
    return dict(zip(_KEY, values, strict=True))


def _without_password(url: str) -> str:
    """Write the address without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except (sa.exc.SQLAlchemyError, ValueError):
        return "of APS_LEDGER_URL"
