"""Which inventory answers say the same, and an index by which a period is found whatever the system."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add both. The first run reads the inventory answers kept so far."""
    op.create_index("calls_period", "calls", ["endpoint", "level", "period"])
    op.create_table(
        "equal_answers",
        sa.Column("endpoint", sa.Text, primary_key=True),
        sa.Column("system_id", sa.Text, primary_key=True),
        sa.Column(
            "first_call_id", _Id, sa.ForeignKey("calls.call_id"), primary_key=True, autoincrement=False
        ),
        sa.Column("last_call_id", _Id, sa.ForeignKey("calls.call_id"), nullable=False),
        sa.Column("first_utc", _Instant, nullable=False),
        sa.Column("last_utc", _Instant, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answers", sa.Integer, nullable=False),
    )
