"""What an account may still spend, and until when it is left alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from aps_pipeline.endpoints import LEVEL_GRAIN
from aps_pipeline.ledger.records import CallState
from aps_pipeline.ledger.schema import account_rests, calls, quotas
from aps_pipeline.periods import Grain, Period, local_day
from aps_pipeline.request import Request


@dataclass(frozen=True, slots=True)
class QuotaAccount:
    """One App Id and what it may spend in a quota month; `reserved` calls are left for other tools."""

    app_id: str
    monthly_calls: int
    reserved: int
    zone: ZoneInfo

    @property
    def limit(self) -> int:
        """Calls a month that this program may make."""
        return max(0, self.monthly_calls - self.reserved)


@dataclass(frozen=True, slots=True)
class Quota:
    """Where an account stands in its present quota month; `refused_by_api` after a code 2005."""

    month: str
    used: int
    limit: int
    refused_by_api: bool
    resets_utc: datetime

    @property
    def left(self) -> int:
        """Calls that may still be made."""
        return 0 if self.refused_by_api else max(0, self.limit - self.used)


def quota_month(now: datetime, zone: ZoneInfo) -> str:
    """Find the quota month of an instant: `2026-11`."""
    return Period.containing(Grain.MONTH, local_day(now, zone)).key


def resets_utc(now: datetime, zone: ZoneInfo) -> datetime:
    """Find when the quota month of an instant ends."""
    end = Period.containing(Grain.MONTH, local_day(now, zone)).end_utc(zone)
    assert end is not None  # noqa: S101 - a month ends
    return end.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class AccountRest:
    """No call before `until_utc`: after `failed_runs` runs in which nothing worked, or (0) as asked for."""

    until_utc: datetime
    failed_runs: int
    reason: str

    @property
    def is_asked_for(self) -> bool:
        """Whether the server wants it."""
        return self.failed_runs == 0


_GET_REST = sa.select(account_rests).where(account_rests.c.account == sa.bindparam("of_account"))


class RestingAccounts(ABC):
    """The part of `Ledger` that keeps rests: of an account, and of one kind of call (endpoint and level).

    The kind follows the App Id in the key, which holds no space.
    """

    @abstractmethod
    def _reading(self) -> AbstractContextManager[sa.Connection]: ...

    @abstractmethod
    def _writing(self) -> AbstractContextManager[sa.Connection]: ...

    def get_rest(self, app_id: str) -> AccountRest | None:
        """Get the rest of an account as a whole."""
        with self._reading() as connection:
            row = connection.execute(_GET_REST, {"of_account": app_id}).one_or_none()
        return None if row is None else AccountRest(row.until_utc, row.failed_runs, row.reason)

    def get_rests_by_kind(self, app_id: str) -> dict[str, AccountRest]:
        """Get the rests of single kinds of call, by their words, such as `system_energy hourly`."""
        of_account = account_rests.c.account.startswith(f"{app_id} ", autoescape=True)
        with self._reading() as connection:
            return {
                row.account.removeprefix(f"{app_id} "): AccountRest(
                    row.until_utc, row.failed_runs, row.reason
                )
                for row in connection.execute(sa.select(account_rests).where(of_account))
            }

    def keep_rest(self, app_id: str, rest: AccountRest, kind: str = "") -> None:
        """Let an account, or one kind of its calls, rest; what rested before is replaced."""
        key = f"{app_id} {kind}".rstrip()
        with self._writing() as tx:
            tx.execute(sa.delete(account_rests).where(account_rests.c.account == key))
            tx.execute(
                sa.insert(account_rests).values(
                    account=key,
                    until_utc=rest.until_utc,
                    failed_runs=rest.failed_runs,
                    reason="".join(c if c.isprintable() else " " for c in rest.reason),
                )
            )

    def end_rest(self, app_id: str, kind: str = "") -> None:
        """Forget a rest, for something has worked again."""
        key = f"{app_id} {kind}".rstrip()
        with self._writing() as tx:
            tx.execute(sa.delete(account_rests).where(account_rests.c.account == key))

    def get_newest_failure(self, app_id: str) -> Request | None:
        """Find the request of the newest call of an account that brought nothing; None without one."""
        columns = (calls.c.endpoint, calls.c.level, calls.c.system_id, calls.c.device_id, calls.c.period)
        query = (
            sa.select(*columns)
            .where(calls.c.account == app_id, calls.c.state.in_((CallState.FAILED, CallState.REFUSED)))
            .where(sa.or_(calls.c.code.is_(None), calls.c.code != 0))
            .order_by(calls.c.call_id.desc())
            .limit(1)
        )
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        period = Period.parse(LEVEL_GRAIN[row.level], row.period)
        return Request(row.endpoint, row.level, row.system_id, row.device_id, period)


def read_quota(connection: sa.Connection, account: QuotaAccount, now: datetime) -> Quota:
    """Read where an account stands, within a transaction."""
    month = quota_month(now, account.zone)
    row = connection.execute(
        sa.select(quotas).where(quotas.c.account == account.app_id, quotas.c.month == month)
    ).first()
    refused_at = row.refused_at_monthly_calls if row else None
    return Quota(
        month=month,
        used=row.used if row else 0,
        limit=account.limit,
        refused_by_api=refused_at is not None and refused_at >= account.monthly_calls,
        resets_utc=resets_utc(now, account.zone),
    )
