"""Commands that look: doctor, tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from aps_pipeline.accounts import AccountSettings
from aps_pipeline.cli.collect import backfill
from aps_pipeline.cli.exits import Exit
from aps_pipeline.cli.grids import grid_of, show
from aps_pipeline.config import Settings, load_settings, readable_by_others
from aps_pipeline.ingest import Fleet
from aps_pipeline.planning import calls_for_one
from aps_pipeline.tables import FETCHED, PROFILES, TABLES
from aps_pipeline.wiring import new_client, open_pipeline


def tables(as_json: bool) -> int:
    """Every table with its grain, partition and price."""
    fleet = Fleet.load(open_pipeline(load_settings()).ledger)
    rows: list[dict[str, Any]] = [
        {
            "name": table.name,
            "row": table.grain.removeprefix("one row per "),
            "partition": table.partition or "-",
            "manual": table.source.section,
            "profile": next((name for name, some in PROFILES.items() if table in some), ""),
            "calls": calls_for_one(table, fleet.systems.values()) if not table.side_of else 0,
            "with": [other.name for other in FETCHED if other.source == table.source and other != table],
        }
        for table in TABLES.values()
    ]
    if as_json:
        print(json.dumps(rows))
        return Exit.COMPLETE
    columns = ("name", "one row per", "manual", "profile", "partition", "calls a partition>", "same calls as")
    grid = grid_of("Tables (schema core)", *columns)
    for row in rows:
        price = f"{row['calls']:,}" if fleet.systems else "?"
        grid.add_row(
            *(str(row[name]) for name in ("name", "row", "manual", "profile", "partition")),
            price,
            ", ".join(row["with"]),
        )
    show(grid)
    if not fleet.systems:
        show("what they cost is known once `aps backfill --tables systems,inverters,meters …` has run")
    return Exit.COMPLETE


def doctor(call: bool, as_json: bool) -> int:
    """Settings, directories and, with `call`, credentials; each finding with what to do."""
    settings = load_settings()
    open_pipeline(settings)  # raises where the ledger or the lake cannot be used
    findings, warnings = _findings(settings), _warnings(settings)
    if as_json:
        print(json.dumps({"findings": findings, "warnings": warnings}, default=str))
    else:
        grid = grid_of("", "what", "", "finding")
        for what, good, finding in findings:
            grid.add_row(what, "[green]ok[/]" if good else "[red]no[/]", finding)
        for what, finding in warnings:
            grid.add_row(what, "[yellow]warning[/]", finding)
        show(grid)
    if not all(good for _, good, _ in findings):
        return Exit.USAGE
    if not call:
        return Exit.COMPLETE
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    one_of_each = [account.system_ids[0] for account in settings.accounts if account.system_ids]
    ids, most = ",".join(one_of_each), 3 * len(one_of_each)
    return backfill(yesterday, yesterday, "systems", ids, most, as_json, again=True)


def _findings(settings: Settings) -> list[tuple[str, bool, str]]:
    count = len(settings.system_ids)
    built = settings.warehouse_path.exists()
    return [
        *((_of("credentials", account), *_credentials(account, settings)) for account in settings.accounts),
        (
            "systems",
            count > 0,
            f"{count} in {settings.fleet_file or 'APS_SYSTEM_IDS'}"
            if count
            else "set APS_SYSTEM_IDS (comma separated)",
        ),
        *(
            (_of("address", account), True, account.base_url + account.api_prefix)
            for account in settings.accounts
        ),
        ("data directory", True, f"{settings.data_dir.absolute()} is writable"),
        ("warehouse", True, "built" if built else "not built yet: run `aps backfill`"),
        ("tables", True, f"{len(FETCHED)} can be asked for: `aps tables`"),
    ]


def _warnings(settings: Settings) -> list[tuple[str, str]]:
    """What works as it is, and should not stay so."""
    found = [
        ("secrets", f"other users of this machine can read {path}: chmod 600 {path}")
        for path in readable_by_others(settings)
    ]
    return found + [
        ("site", f"{problem}; nothing of that file is used") for problem in settings.site_problems
    ]


def _of(what: str, account: AccountSettings) -> str:
    return f"{what} of {account.name}" if account.name else what


def _credentials(account: AccountSettings, settings: Settings) -> tuple[bool, str]:
    try:
        new_client(account, settings)
    except ValueError as error:
        return False, str(error)
    return True, "App Id and App Secret are set"
