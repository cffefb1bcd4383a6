"""The ledger's SQL tables at the newest version of the schema, the same on SQLite and PostgreSQL.

A change here needs a migration: a step in `migrations/versions`, and a number at the end of `VERSIONS`; a
test holds that a new ledger and a migrated one have the same schema. The warehouse shows the columns with
a `doc` in its schema `meta`, with that meaning.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from aps_pipeline.ledger.records import DriftKind
from aps_pipeline.tables import Column
from aps_pipeline.tables.columns import INSTANT


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
        """Return an aware instant always."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


VERSIONS = ("0001", "0002", "0003")
"""Every version of the schema, oldest first; a new ledger is made at the last."""

metadata = sa.MetaData()
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_UNIT = "unit"
_STATE = (
    "answered, no_data (code 1001), refused (body not as promised), failed, denied, lost (its process "
    "died), damaged (answered, but the kept body is gone or garbled), unsent (not counted) or in_flight"
)
_ENERGY = "Sum of the first column in kWh of the table, of a meter what was produced; null without a number"
_MISSING = (
    "Measures that any earlier answer to the question gave and the newer one lacks; 0 once all are back"
)
_WAS_OVER = (
    "Whether the period was over when the previous call was sent: a real revision; otherwise the period "
    "was still growing, as all time always is"
)


def _column(name: str, kind: Any, meaning: str, *, nullable: bool = False, unit: str = "") -> sa.Column[Any]:
    """Declare a column that the warehouse shows with this meaning and unit."""
    return sa.Column(name, kind, nullable=nullable, doc=meaning, info={_UNIT: unit})


def _call_id(meaning: str, *, is_key: bool = False, name: str = "call_id") -> sa.Column[Any]:
    key: dict[str, Any] = {"primary_key": True, "autoincrement": False} if is_key else {"nullable": False}
    return sa.Column(name, _Id, sa.ForeignKey("calls.call_id"), doc=meaning, **key)


calls = sa.Table(
    "calls",
    metadata,
    sa.Column(
        "call_id",
        _Id,
        primary_key=True,
        autoincrement=True,
        doc="Number of the call; the last column of every fact table refers to it",
    ),
    _column("account", sa.Text, "App Id whose quota paid for it"),
    _column("quota_month", sa.Text, "Quota month that it counts in, such as 2026-11"),
    _column("endpoint", sa.Text, "What was asked"),
    _column("level", sa.Text, "hourly, daily, monthly, yearly, energy …; empty for details"),
    _column("system_id", sa.Text, "System that was asked about"),
    _column("device_id", sa.Text, "ECU, inverter or meter; empty for the system itself"),
    _column("period", sa.Text, "Local day, month or year that was asked for; empty for all time"),
    _column("state", sa.Text, _STATE),
    _column("sent_utc", UtcInstant, "When it was sent"),
    _column("finished_utc", UtcInstant, "When its outcome was known", nullable=True),
    _column(
        "http_status", sa.Integer, "HTTP status; the API gives 200 for its own errors too", nullable=True
    ),
    _column(
        "code", sa.Integer, "Code of the answer: 0 good, 1001 no data, others manual Annex 1", nullable=True
    ),
    sa.Column(
        "error", sa.Text, nullable=False, server_default="", doc="What went wrong; empty if nothing did"
    ),
    _column("body_bytes", sa.Integer, "Length of the kept body", nullable=True, unit="B"),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("body_sha256", sa.Text),
    sa.Column("server_utc", UtcInstant),
    sa.Index("calls_question", "endpoint", "level", "system_id", "device_id", "period", "state"),
    sa.Index("calls_period", "endpoint", "level", "period"),
    sa.Index("calls_state", "state"),
    sqlite_autoincrement=True,
)

answered_utc = sa.func.coalesce(calls.c.server_utc, calls.c.sent_utc, type_=UtcInstant())
"""The instant that a call speaks of: by the server's clock, where ours is known to be wrong."""


def is_any_of(*states: str) -> sa.ColumnElement[bool]:
    """Tell whether a call is in one of some states; spelt out, for IN is expanded at each execution."""
    return sa.or_(*(calls.c.state == state for state in states))


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
    sa.Column("kind", sa.Text, primary_key=True, doc=" or ".join(kind.value for kind in DriftKind)),
    sa.Column(
        "subject",
        sa.Text,
        primary_key=True,
        doc="Endpoint and level whose answer named it, or the system of an inverter",
    ),
    sa.Column("name", sa.Text, primary_key=True, doc="The field, the value or the inverter"),
    _call_id("The first call that named it: meta.calls"),
)

revisions = sa.Table(
    "revisions",
    metadata,
    _call_id("The call with the newer answer: meta.calls", is_key=True),
    sa.Column("table_name", sa.Text, primary_key=True, doc="Table of core that the answer feeds"),
    _call_id("The good call of the same question before it: meta.calls", name="previous_call_id"),
    _column("was_over", sa.Boolean, _WAS_OVER),
    _column("rows_before", sa.Integer, "Rows of the previous answer; 0 for no data (1001)"),
    _column("rows_after", sa.Integer, "Rows of the newer answer; 0 for no data (1001)"),
    _column("rows_new", sa.Integer, "Rows of the newer answer whose key the previous one lacks"),
    _column("rows_gone", sa.Integer, "Rows of the previous answer whose key the newer one lacks"),
    _column("numbers_before", sa.Integer, "Measures of the previous answer that are not null"),
    _column("numbers_after", sa.Integer, "Measures of the newer answer that are not null"),
    _column("numbers_changed", sa.Integer, "Measures that both give, with another number"),
    _column(
        "numbers_gone", sa.Integer, "Measures that only the previous answer gives, their row gone or not"
    ),
    _column("numbers_missing", sa.Integer, _MISSING),
    _column("energy_before_kwh", sa.Double, _ENERGY, nullable=True, unit="kWh"),
    _column("energy_after_kwh", sa.Double, "The same sum of the newer answer", nullable=True, unit="kWh"),
)
"""Derived from the bodies, so it may be forgotten and made again; `records.AnswerDiff` is a row of it."""

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

equal_answers = sa.Table(
    "equal_answers",
    metadata,
    sa.Column("endpoint", sa.Text, primary_key=True),
    sa.Column("system_id", sa.Text, primary_key=True),
    sa.Column("first_call_id", _Id, sa.ForeignKey("calls.call_id"), primary_key=True, autoincrement=False),
    sa.Column("last_call_id", _Id, sa.ForeignKey("calls.call_id"), nullable=False),
    sa.Column("first_utc", UtcInstant, nullable=False),
    sa.Column("last_utc", UtcInstant, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("answers", sa.Integer, nullable=False),
)
"""Inventory answers of a system that say the same, one after the other: `records.EqualAnswers`.

Derived from the bodies, so it may be forgotten and made again.
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


def _shown_columns(table: sa.Table) -> tuple[Column, ...]:
    """List the columns of a table that the warehouse shows: those that are declared with a meaning."""
    return tuple(
        Column(each.name, _arrow_type(each.type), each.doc, each.info.get(_UNIT, ""), bool(each.nullable))
        for each in table.columns
        if each.doc
    )


def _arrow_type(kind: sa.types.TypeEngine[Any]) -> pa.DataType:
    known = {
        sa.Text: pa.string(),
        sa.Integer: pa.int32(),
        sa.BigInteger: pa.int64(),
        sa.Boolean: pa.bool_(),
        sa.Double: pa.float64(),
        UtcInstant: INSTANT,
    }
    return known[type(kind)]


CALL_COLUMNS, DRIFT_COLUMNS, DIFF_COLUMNS = map(_shown_columns, (calls, news, revisions))
"""What the warehouse shows of calls, of schema drift and of the differences between answers."""
