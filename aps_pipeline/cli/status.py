"""The command that says where things stand: what is held by month, and what is left of the quota."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from aps_pipeline.cli.exits import Exit
from aps_pipeline.cli.grids import show
from aps_pipeline.cli.matrix import as_json as matrix_as_json
from aps_pipeline.cli.matrix import show_matrix
from aps_pipeline.config import load_settings
from aps_pipeline.ledger import CallState, Ledger
from aps_pipeline.wiring import account_of, open_pipeline


def status(wants_json: bool) -> int:
    """What is held of each table and month, calls by outcome, and the quota."""
    settings = load_settings()
    pipeline = open_pipeline(settings)
    now = pipeline.ledger.now()
    quota = pipeline.ledger.quota(account_of(settings))
    covered = pipeline.coverage(now)
    if wants_json:
        quotas = {"quota": asdict(quota) | {"left": quota.left, "reserved": settings.reserved_calls}}
        told = {"calls": _calls(pipeline.ledger), "coverage": matrix_as_json(covered)}
        print(json.dumps(quotas | told, default=str))
        return Exit.COMPLETE
    systems = list(dict.fromkeys(each.system_id for each in covered))
    if covered:
        show_matrix(covered, systems, now.date())
    counts = Counter[CallState]()
    for _, _, state, number, _, _ in pipeline.ledger.overview():
        counts[state] += number
    calls = " · ".join(f"{counts[state]:,} {state.replace('_', ' ')}" for state in CallState if counts[state])
    show(f"calls: {calls}" if counts else "no calls yet: run `aps backfill --from … --to …`")
    show(
        f"quota {quota.month}: {quota.used:,} used of {quota.limit:,}, {quota.left:,} left, "
        f"{settings.reserved_calls:,} reserved for other tools; resets {quota.resets_utc:%Y-%m-%d %H:%M} UTC"
        + (" · refused by the API (2005)" if quota.refused_by_api else "")
    )
    return Exit.COMPLETE


def _calls(ledger: Ledger) -> list[dict[str, Any]]:
    """Calls by endpoint and level: their number by outcome, and the first and last period."""
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    for endpoint, level, state, number, first, last in ledger.overview():
        kind = counts.setdefault((endpoint, level), {"first": first, "last": last})
        kind[state] = number
        kind["first"], kind["last"] = min(kind["first"], first), max(kind["last"], last)
    return [{"endpoint": e, "level": level} | counted for (e, level), counted in counts.items()]
