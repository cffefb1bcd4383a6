"""Digests of bodies, the server's time, figures, beats of processes, rests of accounts, who refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add columns and tables. Bodies kept so far get their digests from the first `aps verify`."""
    op.add_column("calls", sa.Column("body_sha256", sa.Text))
    op.add_column("calls", sa.Column("server_utc", _Instant))
    op.create_table(
        "figures",
        _call(),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("energy_kwh", sa.Double),
        sa.Column("slack_kwh", sa.Double, nullable=False),
    )
    op.create_table(
        "processes",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("beat_utc", _Instant, nullable=False),
    )
    op.create_table(
        "account_rests",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("until_utc", _Instant, nullable=False),
        sa.Column("failed_runs", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table("refusals", _call(), sa.Column("reader", sa.Text, nullable=False))


def _call() -> sa.Column[int]:
    return sa.Column("call_id", _Id, sa.ForeignKey("calls.call_id"), primary_key=True, autoincrement=False)
