"""Who asks: one account, the way to reach the API with it, and the systems that are asked about with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aps_pipeline.api import Client
from aps_pipeline.ledger import Account


class NotConfiguredError(ValueError):
    """A setting or an argument is missing or wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class Login:
    """One account at work. `name` is empty where there is no other.

    `client` is called at most once a run and only if there is a call to make; it raises NotConfiguredError
    where credentials are missing.
    """

    name: str
    account: Account
    client: Callable[[], Client]
    system_ids: tuple[str, ...]


def login_of(logins: Sequence[Login], system_id: str) -> Login:
    """The login that a system belongs to; a single one may ask about any. Raises NotConfiguredError."""
    if len(logins) == 1:
        return logins[0]
    for login in logins:
        if system_id in login.system_ids:
            return login
    raise NotConfiguredError(f"no account has the system {system_id}: see the file of APS_FLEET_FILE")
