"""Own your APsystems history: every call kept, every table rebuilt from it.

Where do I go to …?

    change what a setting means            config.py, and of an account accounts.py
    work with days, zones, DST             periods.py
    call the API, or name an error         api/
    ask what was called, or about quota    ledger/
    read a body                            parse/
    add a table or describe a column       tables/
    store or find a partition              lake/
    decide which calls are missing         planning/
    follow a run from start to end         ingest/pipeline.py
    write a mart or a check                warehouse/sql, warehouse/checks
    say when something goes wrong          alerts/
    run against no account                 simulator/
    see what a roof file may say           site/
    change a page of the report            reports/
    see it in Dagster                      orchestration/
    add a command                          cli/
    explain tables to people               dictionary/
    read the warehouse in a notebook       open_warehouse(), here

One way, no step back: API, ledger, parse, lake, warehouse. `make check` holds the packages to it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aps_pipeline.warehouse import Warehouse

__all__ = ["open_warehouse"]


def open_warehouse(path: Path | str | None = None) -> Warehouse:
    """Open the warehouse of the settings, or the file at `path`, to read only.

        with aps_pipeline.open_warehouse() as warehouse:
            days = warehouse.df("select * from mart.daily_production")

    Raises NoWarehouseError, WarehouseError, and SettingsError where the settings are wrong.
    """
    # Here, so that importing this package stays cheap, and no settings are read where a path is given.
    from aps_pipeline.warehouse import Warehouse  # noqa: PLC0415

    if path is None:
        from aps_pipeline.config import load_settings  # noqa: PLC0415

        path = load_settings().warehouse_path
    return Warehouse(Path(path))
