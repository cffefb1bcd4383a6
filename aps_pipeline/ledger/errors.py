"""What can go wrong with the ledger, or speak against a call."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from aps_pipeline.errors import Exit, PipelineError
from aps_pipeline.ledger.quota import Quota
from aps_pipeline.request import Request


class LedgerError(PipelineError, OSError):
    """The ledger cannot be opened, read or written."""

    exit_code = Exit.STORAGE


class LedgerBusyError(LedgerError):
    """Another process keeps the ledger locked for longer than anybody waits."""

    exit_code = Exit.BUSY


class MixedDataError(PipelineError, ValueError):
    """A simulated answer for a ledger of real data, or the other way round."""


class QuotaExhaustedError(Exception):
    """No call may be made in this quota month any more."""

    def __init__(self, quota: Quota) -> None:
        spent = f"{quota.used} of {quota.limit} calls used in {quota.month}"
        if quota.refused_by_api:
            spent += (
                ", and the API allows no more (2005): another tool uses the same App Id, or the account has "
                "fewer calls a month than APS_MONTHLY_CALLS says"
            )
        super().__init__(spent)
        self.quota = quota


class InFlightError(Exception):
    """Another process is asking the same request right now, `since` then."""

    def __init__(self, request: Request, since: datetime) -> None:
        super().__init__(str(request))
        self.request, self.since = request, since


class AlreadyAnsweredError(Exception):
    """A good answer has come since the caller looked."""


def as_ledger_error(error: sa.exc.SQLAlchemyError) -> LedgerError:
    """Make the ledger's own error for one of the database."""
    if is_locked(error):
        return LedgerBusyError("another process keeps the ledger locked; try again when it has ended")
    return LedgerError(f"ledger: {first_line(error)}")


def is_locked(error: BaseException) -> bool:
    """Whether the database gave up waiting for another connection: SQLite says locked, PostgreSQL lock."""
    said = str(getattr(error, "orig", None) or error)
    return "locked" in said or "lock timeout" in said


def first_line(error: BaseException) -> str:
    """Shorten what the database said to one line."""
    return str(getattr(error, "orig", None) or error).splitlines()[0][:200]
