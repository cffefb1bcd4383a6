"""Accounts as a run uses them: the quota they pay from, the client they call with, their systems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aps_pipeline.api import Client
from aps_pipeline.errors import PipelineError
from aps_pipeline.ledger import QuotaAccount


class NotConfiguredError(PipelineError, ValueError):
    """A setting or an argument is missing or wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class ApiAccount:
    """One account at work. `name` is empty where there is no other.

    `client` is called at most once a run and only if there is a call to make; it raises NotConfiguredError
    where credentials are missing.
    """

    name: str
    quota_account: QuotaAccount
    client: Callable[[], Client]
    system_ids: tuple[str, ...]


def account_of(accounts: Sequence[ApiAccount], system_id: str) -> ApiAccount:
    """Find the account of a system; a single one may ask about any. Raises NotConfiguredError."""
    if len(accounts) == 1:
        return accounts[0]
    for account in accounts:
        if system_id in account.system_ids:
            return account
    raise NotConfiguredError(f"no account has the system {system_id}: see the file of APS_FLEET_FILE")
