"""The ledger's SQL tables at the newest version of the schema, the same on SQLite and PostgreSQL.

A change here needs a step in `migrations/versions` and a number at the end of `VERSIONS`; a test holds that a
ledger made new and one that was migrated have the same schema.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
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


VERSIONS = ("0001", "0002")
"""Every version of the schema, oldest first; a new ledger is made at the last."""

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
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("body_sha256", sa.Text),
    sa.Column("server_utc", UtcInstant),
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

Derived from the bodies, so it may be forgotten and made again. An empty period marks an answer as read.
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

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("call_id", _Id, sa.ForeignKey("calls.call_id"), primary_key=True, autoincrement=False),
    sa.Column("reader", sa.Text, nullable=False),
)
"""Which reader refused a kept body last: another one may take it, the same one need not try again."""

schema_version = sa.Table(
    "alembic_version", metadata, sa.Column("version_num", sa.String(32), primary_key=True)
)
"""Alembic's own table, of one row."""
