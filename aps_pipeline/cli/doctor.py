"""`aps doctor`: settings, directories and, if told so, credentials."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from aps_pipeline.accounts import AccountSettings
from aps_pipeline.cli.backfill import backfill
from aps_pipeline.cli.console import new_grid, show
from aps_pipeline.config import Settings, load_settings, readable_by_others
from aps_pipeline.errors import Exit
from aps_pipeline.tables import FETCHED
from aps_pipeline.wiring import new_client, open_pipeline


def doctor(call: bool, as_json: bool) -> int:
    """Check settings, directories and, with `call`, credentials; each finding says what to do."""
    settings = load_settings()
    open_pipeline(settings)  # raises where the ledger or the lake cannot be used
    findings, warnings = _findings(settings), _warnings(settings)
    if as_json:
        print(json.dumps({"findings": findings, "warnings": warnings}, default=str))
    else:
        grid = new_grid("", "what", "", "finding")
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
    """List what works as it is, but should be changed."""
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
