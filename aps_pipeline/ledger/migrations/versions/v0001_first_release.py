"""The schema of the first release, whose ledgers bear no number. Makes what such a ledger lacks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables that are not there."""
    op.create_table(
        "calls",
        sa.Column("call_id", _Id, primary_key=True, autoincrement=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("quota_month", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("system_id", sa.Text, nullable=False),
        sa.Column("device_id", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sent_utc", _Instant, nullable=False),
        sa.Column("finished_utc", _Instant),
        sa.Column("http_status", sa.Integer),
        sa.Column("code", sa.Integer),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("body_bytes", sa.Integer),
        sa.Column("owner", sa.Text, nullable=False),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    question = ["endpoint", "level", "system_id", "device_id", "period", "state"]
    op.create_index("calls_question", "calls", question, if_not_exists=True)
    op.create_index("calls_state", "calls", ["state"], if_not_exists=True)
    op.create_table("bodies", _call(), sa.Column("body", sa.LargeBinary, nullable=False), if_not_exists=True)
    op.create_table(
        "quotas",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("month", sa.Text, primary_key=True),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("refused_at_monthly_calls", sa.Integer),
        if_not_exists=True,
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "news",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("call_id", _Id, sa.ForeignKey("calls.call_id"), nullable=False),
        if_not_exists=True,
    )
    counts = ("rows_before", "rows_after", "rows_new", "rows_gone", "numbers_before", "numbers_after")
    op.create_table(
        "revisions",
        _call(),
        sa.Column("table_name", sa.Text, primary_key=True),
        sa.Column("previous_call_id", _Id, sa.ForeignKey("calls.call_id"), nullable=False),
        sa.Column("was_over", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in counts),
        sa.Column("numbers_changed", sa.Integer, nullable=False),
        sa.Column("numbers_gone", sa.Integer, nullable=False),
        sa.Column("numbers_missing", sa.Integer, nullable=False),
        sa.Column("energy_before_kwh", sa.Double),
        sa.Column("energy_after_kwh", sa.Double),
        if_not_exists=True,
    )


def _call() -> sa.Column[int]:
    return sa.Column("call_id", _Id, sa.ForeignKey("calls.call_id"), primary_key=True, autoincrement=False)
