"""The command that looks ahead: what is missing, what it costs, and when it will be there. Makes no call."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from aps_pipeline.cli.collect import chosen_tables, history_of
from aps_pipeline.cli.exits import Exit
from aps_pipeline.cli.grids import grid_of, show
from aps_pipeline.config import load_settings
from aps_pipeline.ingest import PlannedCalls
from aps_pipeline.ledger import Quota
from aps_pipeline.planning import PLANS, Forecast, forecast
from aps_pipeline.tables import HISTORY
from aps_pipeline.wiring import open_pipeline


def plan(
    first: date | None, last: date | None, tables: str, systems: str, profile: str, as_json: bool
) -> int:
    """Calls needed by table and system, and when they will be done. Raises NotConfiguredError."""
    settings = load_settings()
    pipeline = open_pipeline(settings)
    first = first or settings.start_date
    last = last or pipeline.ledger.now().date()
    wanted = history_of(pipeline, settings, chosen_tables(tables, profile, HISTORY), first, last, systems)
    lines = [line for line in pipeline.plan(wanted) if line.calls or not line.known]
    calls = sum(line.calls for line in lines)
    quota = pipeline.ledger.quota(pipeline.account)
    own = {"yours": settings.monthly_calls} | {n: c for n, c in PLANS.items() if c > settings.monthly_calls}
    whens = {
        name: forecast(
            calls,
            quota.left if name == "yours" else monthly - settings.reserved_calls,
            monthly,
            settings.reserved_calls,
        )
        for name, monthly in own.items()
    }
    if as_json:
        print(json.dumps(_as_json(lines, calls, quota, whens), default=str))
        return Exit.COMPLETE
    _print(lines, calls, quota, whens)
    return Exit.COMPLETE


def _print(lines: list[PlannedCalls], calls: int, quota: Quota, whens: dict[str, Forecast]) -> None:
    columns = ("table", "system", "calls>", "held>", "spared>", "from", "to", "one call buys")
    grid = grid_of("Calls still needed", *columns)
    for line in lines:
        number = f"{line.calls:,}" if line.known else f"{line.calls:,} or more"
        counts = (f"{count:,}" for count in (line.held, line.spared))
        grid.add_row(line.table.name, line.system_id, number, *counts, line.first, line.last, line.buys)
    show(grid if lines else "nothing is missing: every wanted answer is held")
    if any(not line.known for line in lines):
        show("'or more': devices are not known yet; the first calls of a run ask for them")
    show(
        f"{calls:,} calls needed, {quota.left:,} of {quota.limit:,} left until "
        f"{quota.resets_utc:%Y-%m-%d %H:%M} UTC"
    )
    if calls:
        times = grid_of("Done", "account of", "calls a month>", "done in")
        for name, when in whens.items():
            times.add_row(name, f"{when.monthly_calls:,}", _when(when))
        show(times)


def _when(when: Forecast) -> str:
    if when.months is None:
        return "never: all calls are reserved for other tools"
    return "this quota month" if when.months == 0 else f"{when.months + 1} quota months"


def _as_json(
    lines: list[PlannedCalls], calls: int, quota: Quota, whens: dict[str, Forecast]
) -> dict[str, Any]:
    return {
        "calls": calls,
        "quota": asdict(quota) | {"left": quota.left},
        "needs": [asdict(line) | {"table": line.table.name, "buys": line.buys} for line in lines],
        "forecast": {name: asdict(when) for name, when in whens.items()},
    }
