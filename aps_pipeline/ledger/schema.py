"""The ledger's SQL tables, and the engine that opens them the same way on SQLite and PostgreSQL."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.engine.interfaces import Dialect


class UtcInstant(sa.types.TypeDecorator[datetime]):
    """An aware UTC instant; SQLite keeps it without a zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware in, UTC out."""
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Always aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


_PATIENCE = 60.0
"""Seconds to wait for another process that writes."""

_MAKING_TABLES = 20_240_305
"""The number of a PostgreSQL advisory lock; any that nobody else uses."""

metadata = sa.MetaData()
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

calls = sa.Table(
    "calls",
    metadata,
    sa.Column("call_id", _Id, primary_key=True, autoincrement=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("quota_month", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("system_id", sa.Text, nullable=False),
    sa.Column("device_id", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("sent_utc", UtcInstant, nullable=False),
    sa.Column("finished_utc", UtcInstant),
    sa.Column("http_status", sa.Integer),
    sa.Column("code", sa.Integer),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("body_bytes", sa.Integer),
    sa.Column("body_sha256", sa.Text),
    sa.Column("server_utc", UtcInstant),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Index("calls_question", "endpoint", "level", "system_id", "device_id", "period", "state"),
    sa.Index("calls_state", "state"),
    sqlite_autoincrement=True,
)

answered_utc = sa.func.coalesce(calls.c.server_utc, calls.c.sent_utc, type_=UtcInstant())
"""The instant that a call speaks of: by the server's clock, where ours is known to be wrong."""

bodies = sa.Table(
    "bodies",
    metadata,
    sa.Column("call_id", _Id, sa.ForeignKey("calls.call_id"), primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

quotas = sa.Table(
    "quotas",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("month", sa.Text, primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Column("refused_at_monthly_calls", sa.Integer),
)

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

news = sa.Table(
    "news",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("call_id", _Id, sa.ForeignKey("calls.call_id"), nullable=False),
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("call_id", _Id, sa.ForeignKey("calls.call_id"), primary_key=True, autoincrement=False),
    sa.Column("table_name", sa.Text, primary_key=True),
    sa.Column("previous_call_id", _Id, sa.ForeignKey("calls.call_id"), nullable=False),
    sa.Column("was_over", sa.Boolean, nullable=False),
    sa.Column("rows_before", sa.Integer, nullable=False),
    sa.Column("rows_after", sa.Integer, nullable=False),
    sa.Column("rows_new", sa.Integer, nullable=False),
    sa.Column("rows_gone", sa.Integer, nullable=False),
    sa.Column("numbers_before", sa.Integer, nullable=False),
    sa.Column("numbers_after", sa.Integer, nullable=False),
    sa.Column("numbers_changed", sa.Integer, nullable=False),
    sa.Column("numbers_gone", sa.Integer, nullable=False),
    sa.Column("numbers_missing", sa.Integer, nullable=False),
    sa.Column("energy_before_kwh", sa.Double),
    sa.Column("energy_after_kwh", sa.Double),
)
"""Derived from the bodies, so it may be forgotten and made again; `records.Revision` says what it holds."""

figures = sa.Table(
    "figures",
    metadata,
    sa.Column("call_id", _Id, sa.ForeignKey("calls.call_id"), primary_key=True, autoincrement=False),
    sa.Column("period", sa.Text, primary_key=True),
    sa.Column("energy_kwh", sa.Double),
    sa.Column("slack_kwh", sa.Double, nullable=False),
)
"""What an answer says of the energy of a day, month or year, where it differs from the answer before.

Derived from the bodies, so it may be forgotten and made again. An empty period marks an answer that was read.
"""

processes = sa.Table(
    "processes",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("beat_utc", UtcInstant, nullable=False),
)
"""When each process that holds calls in flight last said that it lives."""

account_rests = sa.Table(
    "account_rests",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("until_utc", UtcInstant, nullable=False),
    sa.Column("failed_runs", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
"""Until when an account, or a kind of its calls, makes none: after `Retry-After`, or after mere failures."""


def open_engine(url: str) -> sa.Engine:
    """An engine with the tables made. Raises sqlalchemy.exc.SQLAlchemyError or OSError."""
    address = sa.make_url(url)
    # SQLite's timeout does not cover the switch to WAL: processes that open a new ledger together would fail.
    alone: AbstractContextManager[object] = nullcontext()
    if address.get_backend_name() != "sqlite":
        engine = sa.create_engine(address, pool_pre_ping=True)
    else:
        if address.database and address.database != ":memory:":
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
            alone = FileLock(f"{address.database}.lock", timeout=_PATIENCE)
        engine = sa.create_engine(address, connect_args={"timeout": _PATIENCE})
        sa.event.listen(engine, "connect", _configure_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    with alone, engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":  # where two processes would both make the tables
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING_TABLES)))
        metadata.create_all(connection)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A write takes the lock at once: two readers that both turn writers would fail instead of waiting.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
