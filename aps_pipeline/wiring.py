"""From settings to a pipeline: the one place that puts the packages together, for CLI and Dagster alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from aps_pipeline import warehouse
from aps_pipeline.accounts import AccountSettings
from aps_pipeline.api import Client, Credentials
from aps_pipeline.config import DEFAULT_DATA_DIR, Settings
from aps_pipeline.ingest import Login, NotConfiguredError, Pipeline
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Account, Ledger
from aps_pipeline.periods import zone
from aps_pipeline.planning import Covered


def open_pipeline(settings: Settings) -> Pipeline:
    """The pipeline of these settings; makes the ledger if there is none. Raises LedgerError, StorageError."""
    is_default = settings.data_dir.absolute() == DEFAULT_DATA_DIR.absolute()
    return Pipeline(
        ledger=Ledger(settings.ledger_address, accepts_simulated=not is_default),
        lake=Lake(settings.lake_address),
        logins=tuple(login_of(account, settings) for account in settings.accounts),
        revision=timedelta(days=settings.revision_days),
        threads=settings.max_in_flight,
    )


def build_warehouse(settings: Settings, pipeline: Pipeline, *, force: bool = False) -> warehouse.Built | None:
    """Build the warehouse of a pipeline; None where it already is what a build would make, unless `force`.

    Raises WarehouseError, StorageError, LedgerError.
    """
    path, of = settings.warehouse_path, (pipeline.lake, pipeline.ledger, settings.revision_days)
    if not force and warehouse.is_current(path, *of, settings.site):
        return None

    def looked_over() -> Sequence[Covered]:
        pipeline.compare_revisions()
        return pipeline.coverage()

    return warehouse.build(path, *of, looked_over, settings.site, pipeline.claims)


def login_of(account: AccountSettings, settings: Settings) -> Login:
    """The account at work."""
    return Login(
        account.name, account_of(account), partial(new_client, account, settings), account.system_ids
    )


def account_of(account: AccountSettings) -> Account:
    """The account and what it may spend."""
    return Account(
        account.app_id or "", account.monthly_calls, account.reserved_calls, zone(account.quota_zone)
    )


def new_client(account: AccountSettings, settings: Settings) -> Client:
    """A client with the account's credentials. Raises NotConfiguredError, naming what is missing."""
    if account.app_id is None or account.app_secret is None:
        raise NotConfiguredError(_missing(account))
    return Client(
        account.base_url,
        account.api_prefix,
        Credentials(account.app_id, account.app_secret.get_secret_value(), account.signature_method),
        calls_per_second=settings.calls_per_second,
        max_in_flight=settings.max_in_flight,
    )


def _missing(account: AccountSettings) -> str:
    if account.name:  # the name of the variable stays out: somebody may have put the secret there
        return f"account {account.name}: the variable named by app_secret_env is not set"
    given = (("APS_APP_ID", account.app_id), ("APS_APP_SECRET", account.app_secret))
    missing = " and ".join(name for name, value in given if value is None)
    return f"{missing} not set: put them into the environment or .env, or try `aps demo`"
