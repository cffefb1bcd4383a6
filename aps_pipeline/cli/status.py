"""The command that says where things stand: what is held by month, and what is left of the quota."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from aps_pipeline.cli import quotas
from aps_pipeline.cli.exits import Exit
from aps_pipeline.cli.grids import show
from aps_pipeline.cli.matrix import as_json as matrix_as_json
from aps_pipeline.cli.matrix import show_matrix
from aps_pipeline.config import load_settings
from aps_pipeline.ledger import CallState, Ledger, Quota
from aps_pipeline.wiring import open_pipeline


def status(wants_json: bool) -> int:
    """What is held of each table and month, calls by outcome, and the quota of each account."""
    pipeline = open_pipeline(load_settings())
    now = pipeline.ledger.now()
    covered = pipeline.coverage(now)
    held = pipeline.quotas()
    reserved = {login.name: login.account.reserved for login in pipeline.logins}
    if wants_json:
        told = {"calls": _calls(pipeline.ledger), "coverage": matrix_as_json(covered)}
        print(json.dumps(quotas.as_json(held, reserved) | told, default=str))
        return Exit.COMPLETE
    show_matrix(covered, list(dict.fromkeys(each.system_id for each in covered)), now.date())
    counts = Counter[CallState]()
    for _, _, state, number, _, _ in pipeline.ledger.overview():
        counts[state] += number
    calls = " · ".join(f"{counts[state]:,} {state.replace('_', ' ')}" for state in CallState if counts[state])
    show(f"calls: {calls}" if counts else "no calls yet: run `aps backfill --from … --to …`")
    for name, quota in held.items():
        show(quotas.headed(name, _quota(quota, reserved[name])))
    return Exit.COMPLETE


def _quota(quota: Quota, reserved: int) -> str:
    return (
        f"quota {quota.month}: {quota.used:,} used of {quota.limit:,}, {quota.left:,} left, "
        f"{reserved:,} reserved for other tools; resets {quota.resets_utc:%Y-%m-%d %H:%M} UTC"
        + (" · refused by the API (2005)" if quota.refused_by_api else "")
    )


def _calls(ledger: Ledger) -> list[dict[str, Any]]:
    """Calls by endpoint and level: their number by outcome, and the first and last period."""
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    for endpoint, level, state, number, first, last in ledger.overview():
        kind = counts.setdefault((endpoint, level), {"first": first, "last": last})
        kind[state] = number
        kind["first"], kind["last"] = min(kind["first"], first), max(kind["last"], last)
    return [{"endpoint": e, "level": level} | counted for (e, level), counted in counts.items()]
