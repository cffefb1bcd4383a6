"""From settings to a pipeline: the one place that puts the packages together, for CLI and Dagster alike."""

from __future__ import annotations

from datetime import timedelta

from aps_pipeline.api import Client, Credentials
from aps_pipeline.config import DEFAULT_DATA_DIR, Settings
from aps_pipeline.ingest import NotConfiguredError, Pipeline
from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Account, Ledger
from aps_pipeline.periods import zone


def open_pipeline(settings: Settings) -> Pipeline:
    """The pipeline of these settings; makes the ledger if there is none. Raises LedgerError, StorageError."""
    is_default = settings.data_dir.absolute() == DEFAULT_DATA_DIR.absolute()
    return Pipeline(
        ledger=Ledger(settings.ledger_address, accepts_simulated=not is_default),
        lake=Lake(settings.lake_address),
        account=account_of(settings),
        client=lambda: new_client(settings),
        system_ids=settings.system_ids,
        revision=timedelta(days=settings.revision_days),
        threads=settings.max_in_flight,
    )


def account_of(settings: Settings) -> Account:
    """The account and what it may spend."""
    return Account(
        settings.app_id or "", settings.monthly_calls, settings.reserved_calls, zone(settings.quota_zone)
    )


def new_client(settings: Settings) -> Client:
    """A client with the account's credentials. Raises NotConfiguredError, naming what is missing."""
    if settings.app_id is None or settings.app_secret is None:
        missing = [
            name
            for name, value in (("APS_APP_ID", settings.app_id), ("APS_APP_SECRET", settings.app_secret))
            if value is None
        ]
        raise NotConfiguredError(
            f"{' and '.join(missing)} not set: put them into the environment or .env, or try `aps demo`"
        )
    return Client(
        settings.base_url,
        settings.api_prefix,
        Credentials(settings.app_id, settings.app_secret.get_secret_value(), settings.signature_method),
        calls_per_second=settings.calls_per_second,
        max_in_flight=settings.max_in_flight,
    )
