"""From settings to a pipeline: the one place that puts the packages together, for CLI and Dagster alike."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from aps_pipeline.accounts import AccountSettings
from aps_pipeline.api import Client, Credentials
from aps_pipeline.config import DEFAULT_DATA_DIR, Settings
from aps_pipeline.ingest import ApiAccount, NotConfiguredError, Pipeline
from aps_pipeline.ingest.repair import repair_files
from aps_pipeline.lake import Lake, StorageError
from aps_pipeline.ledger import Ledger, LedgerError, QuotaAccount
from aps_pipeline.periods import zone
from aps_pipeline.tables import TABLES, Table

if TYPE_CHECKING:
    from aps_pipeline.warehouse import BuiltWarehouse


def open_pipeline(settings: Settings) -> Pipeline:
    """Open the pipeline of these settings; make the ledger where there is none and no lake either.

    Raises LedgerError, StorageError.
    """
    is_default = settings.data_dir.absolute() == DEFAULT_DATA_DIR.absolute()
    lake = Lake(settings.lake_address)
    ledger = Ledger(
        settings.ledger_address,
        accepts_simulated=not is_default,
        before_first=partial(_refuse_to_begin_anew, lake),
    )
    return Pipeline(
        ledger=ledger,
        lake=lake,
        accounts=tuple(
            ApiAccount(each.name, quota_account(each), partial(new_client, each, settings), each.system_ids)
            for each in settings.accounts
        ),
        revision_window=timedelta(days=settings.revision_days),
        threads=settings.max_in_flight,
    )


def has_archive(settings: Settings) -> bool:
    """Tell whether there is a ledger, or a lake made from one. Makes nothing. Raises StorageError."""
    is_kept = settings.ledger_url is not None or (settings.data_dir / "ledger.sqlite").exists()
    return is_kept or Lake(settings.lake_address).has_rows()


def _refuse_to_begin_anew(lake: Lake, ledger: str) -> None:
    """Raise LedgerError for a ledger without calls whose lake has rows: all would be paid for again."""
    if lake.has_rows():
        raise LedgerError(
            f"the ledger {ledger} is gone or empty, but the lake {lake.name} holds what was made from it. "
            "Put the ledger or a copy of it back, or point APS_LEDGER_URL to where it is now; to begin anew "
            "and pay for every call again, move the lake away first. Nothing was changed, no call was made"
        )


def build_warehouse(
    settings: Settings, pipeline: Pipeline, *, force: bool = False, from_nothing: bool = False
) -> BuiltWarehouse | None:
    """Build the warehouse of a pipeline; None where it already is what a build would make, unless `force`.

    Before that, files of the lake that were cut are repaired, and answers are compared with those before
    them, so that the build itself only reads. Files that are damaged otherwise are repaired where they stop
    the build. Raises WarehouseError, StorageError, LedgerError.
    """
    # Here, so that a command which builds nothing does not wait for DuckDB.
    from aps_pipeline import warehouse  # noqa: PLC0415

    make = partial(warehouse.build, from_nothing=from_nothing)
    path, of = settings.warehouse_path, (pipeline.lake, pipeline.ledger, settings.revision_days)
    if not force and warehouse.is_current(path, *of, settings.site):
        return None
    repair_lake(pipeline, TABLES.values(), ends_only=True)
    pipeline.refresh_diffs()
    try:
        return make(path, *of, pipeline.coverage, settings.site, pipeline.claims)
    except (warehouse.WarehouseError, StorageError):
        if not repair_lake(pipeline, TABLES.values()):
            raise
        pipeline.refresh_diffs()
        return make(path, *of, pipeline.coverage, settings.site, pipeline.claims)


def repair_lake(pipeline: Pipeline, tables: Iterable[Table], *, ends_only: bool = False) -> int:
    """Set the damaged files of those tables aside and build their partitions again; count the files.

    Makes no call. With `ends_only` only what was cut is found, without reading the files.
    Raises StorageError, LedgerError.
    """
    files = pipeline.lake.check_files(tables, ends_only=ends_only)
    faults = [fault for _, fault in files if fault is not None]
    return repair_files(pipeline.ledger, pipeline.lake, pipeline.revision_window, faults)


def quota_account(account: AccountSettings) -> QuotaAccount:
    """Put together the account and what it may spend."""
    return QuotaAccount(
        account.app_id or "", account.monthly_calls, account.reserved_calls, zone(account.quota_zone)
    )


def new_client(account: AccountSettings, settings: Settings) -> Client:
    """Make a client with the account's credentials. Raises NotConfiguredError, naming what is missing."""
    if account.app_id is None or account.app_secret is None:
        if account.name:  # the name of the variable stays out: somebody may have put the secret there
            raise NotConfiguredError(
                f"account {account.name}: the variable named by app_secret_env is not set"
            )
        given = (("APS_APP_ID", account.app_id), ("APS_APP_SECRET", account.app_secret))
        missing = " and ".join(name for name, value in given if value is None)
        raise NotConfiguredError(
            f"{missing} not set: put them into the environment or .env, or try `aps demo`"
        )
    return Client(
        account.base_url,
        account.api_prefix,
        Credentials(account.app_id, account.app_secret.get_secret_value(), account.signature_method),
        calls_per_second=settings.calls_per_second,
        max_in_flight=settings.max_in_flight,
    )
