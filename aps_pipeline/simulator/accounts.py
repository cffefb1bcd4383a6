"""Who may ask: accounts with an App Id each, and what each has asked so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aps_pipeline.simulator.fleet import Fleet, FleetError
from aps_pipeline.simulator.limits import Ledger, Limits
from aps_pipeline.simulator.signature import Signatures


@dataclass(frozen=True, slots=True)
class Account:
    """An App Id with its secret, the systems it may ask about, and its calls a month; None is no limit."""

    app_id: str
    app_secret: str = field(repr=False)
    system_ids: tuple[str, ...]
    quota: int | None = None


class Desk:
    """Where one account is served: its signatures, its limits and its counts."""

    def __init__(self, account: Account, per_second: float | None, in_flight: int | None) -> None:
        self.account = account
        self.signatures = Signatures(account.app_id, account.app_secret)
        self.limits = Limits(account.quota, per_second, in_flight)
        self.ledger = Ledger()


def dealt(fleet: Fleet, number: int, quota: int | None = None) -> tuple[Account, ...]:
    """So many accounts with the systems of a fleet in turn. Raises FleetError if one would have none."""
    ids = fleet.system_ids
    if not 1 <= number <= len(ids):
        raise FleetError(f"{len(ids)} systems make 1 to {len(ids)} accounts, not {number}")
    return tuple(
        Account(f"simulator{n + 1}".ljust(32, "0"), f"simulated{n + 1:03}", ids[n::number], quota)
        for n in range(number)
    )


def checked(accounts: Iterable[Account], fleet: Fleet) -> tuple[Account, ...]:
    """The accounts. Raises FleetError for two with one App Id, or a system that the fleet has not."""
    accounts = tuple(accounts)
    if len({account.app_id for account in accounts}) < len(accounts):
        raise FleetError("two accounts have the same App Id")
    if strange := {sid for account in accounts for sid in account.system_ids} - set(fleet.system_ids):
        raise FleetError(f"no system of the fleet: {sorted(strange)}")
    return accounts
