"""`aps doctor`: settings, directories and, if told so, credentials."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta

from aps_pipeline.accounts import AccountSettings
from aps_pipeline.cli.backfill import problem_lines
from aps_pipeline.cli.console import cell, new_grid, show
from aps_pipeline.config import Settings, load_settings, readable_by_others
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import Pipeline, Summary, Wanted
from aps_pipeline.tables import FETCHED, get_table
from aps_pipeline.wiring import new_client, open_pipeline


def doctor(call: bool, as_json: bool) -> int:
    """Check settings, directories and, with `call`, credentials; each finding says what to do."""
    settings = load_settings()
    pipeline = open_pipeline(settings)  # raises where the ledger or the lake cannot be used
    findings, warnings = _findings(settings), _warnings(settings)
    code = Exit.COMPLETE if all(good for _, good, _ in findings) else Exit.USAGE
    if call and code is Exit.COMPLETE:
        for account in settings.accounts:
            summary = prove_keys(pipeline, account.system_ids[:1], 1)
            said = "; ".join(problem_lines(summary)) or "a call was answered: App Id and App Secret are right"
            what = _of("proof", account)
            findings.append((what, summary.exit_code is Exit.COMPLETE, said))
            code = code or summary.exit_code
    if as_json:
        found = {"exit_code": int(code), "findings": findings, "warnings": warnings}
        print(json.dumps(found, default=str))
        return code
    grid = new_grid("", "what", "", "finding")
    for what, good, finding in findings:
        grid.add_row(what, "[green]ok[/]" if good else "[red]no[/]", cell(finding))
    for what, finding in warnings:
        grid.add_row(what, "[yellow]warning[/]", cell(finding))
    show(grid)
    return code


def prove_keys(
    pipeline: Pipeline,
    system_ids: Sequence[str],
    most: int,
    tables: Iterable[str] = ("systems",),
    *,
    again: bool = True,
) -> Summary:
    """Ask for the inventory of systems, with at most that many calls; what is answered is kept.

    Raises NotConfiguredError, LedgerError, StorageError.
    """
    summary, yesterday = Summary(), (pipeline.ledger.now() - timedelta(days=1)).date()
    wanted = Wanted(
        tuple(map(get_table, tables)), yesterday, yesterday, tuple(system_ids), max_calls=most, again=again
    )
    for _ in pipeline.collect(wanted, summary):
        pass
    return summary


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
    return True, "App Id and App Secret are set; --call proves them"
