"""What Alembic runs: the steps on a connection whose transaction belongs to the caller."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
