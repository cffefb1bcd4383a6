"""Words for tests of the ledger."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa

from aps_pipeline.ledger import CallEnd, CallState, Ledger, QuotaAccount
from aps_pipeline.periods import Grain, Period
from aps_pipeline.request import Request


def request(day: int = 1, system_id: str = "S1", device_id: str = "") -> Request:
    """Something to ask about one day of March 2024."""
    period = Period(Grain.DAY, date(2024, 3, day))
    return Request("system_energy", "hourly", system_id, device_id, period)


def answered(
    ledger: Ledger, account: QuotaAccount, asked: Request, body: str = '{"code":0}', after: int = 0
) -> int:
    """A call that ended well; its call_id."""
    call_id = ledger.reserve(asked, account, after).call_id
    ledger.finish(call_id, CallEnd(CallState.ANSWERED, 200, 0, body=body, simulated=True))
    return call_id


def ended(ledger: Ledger, account: QuotaAccount, asked: Request, state: CallState, after: int = 0) -> int:
    """A call that ended in that state."""
    call_id = ledger.reserve(asked, account, after).call_id
    ledger.finish(call_id, CallEnd(state, simulated=True))
    return call_id


def sent_time(ledger: Ledger, call_id: int) -> datetime:
    """When a call was sent, as its row says."""
    rows = (row for portion in ledger.iter_calls() for row in portion)
    return next(row["sent_utc"] for row in rows if row["call_id"] == call_id)


def states(ledger: Ledger) -> list[str]:
    return [row["state"] for portion in ledger.iter_calls() for row in portion]


def give_to(url: str, call_id: int, owner: str) -> None:
    """Let a call in flight belong to another process."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE calls SET owner = :owner WHERE call_id = :id"), {"owner": owner, "id": call_id}
        )
    engine.dispose()


RELEASED_TABLES = ("calls", "bodies", "quotas", "facts", "news", "revisions")


def make_as_released(url: str, *also: str) -> None:
    """Turn a new ledger into one that the first release has made; `also` are statements to run on it."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for name in set(sa.inspect(connection).get_table_names()) - set(RELEASED_TABLES):
            connection.execute(sa.text(f"DROP TABLE {name}"))
        connection.execute(sa.text("DROP INDEX calls_period"))
        for column in ("body_sha256", "server_utc"):
            connection.execute(sa.text(f"ALTER TABLE calls DROP COLUMN {column}"))
        for statement in also:
            connection.execute(sa.text(statement))
    engine.dispose()
