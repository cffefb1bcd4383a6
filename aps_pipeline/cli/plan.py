"""`aps plan`: what is missing, what it costs, and when it will be there. Makes no call."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from math import ceil
from typing import Any

from aps_pipeline.cli import console
from aps_pipeline.cli.backfill import history_wanted
from aps_pipeline.cli.console import cell, new_grid, select_tables, show
from aps_pipeline.config import load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.ingest import ApiAccount, Pipeline, PlannedCalls
from aps_pipeline.ledger import Quota
from aps_pipeline.planning import PLANS, Claim, Forecast, forecast, refresh_calls_a_day
from aps_pipeline.planning.schedule import combine_forecasts
from aps_pipeline.tables import PROFILES
from aps_pipeline.wiring import open_pipeline
from aps_pipeline.wording import count_of


def plan(
    first: date | None, last: date | None, tables: str, systems: str, profile: str, as_json: bool
) -> int:
    """Show calls needed by table and system, and when they will be done. Raises NotConfiguredError."""
    settings = load_settings()
    pipeline = open_pipeline(settings)
    first = first or settings.start_date
    last = last or pipeline.ledger.now().date()
    chosen = select_tables(tables, profile, PROFILES[settings.profile])
    wanted = history_wanted(pipeline, settings, chosen, first, last, systems)
    lines = [line for line in pipeline.plan(wanted) if line.calls or not line.is_exact]
    shares = []
    for account in pipeline.accounts:
        calls = sum(line.calls for line in lines if pipeline.account_of(line.system_id) is account)
        shares.append(_Share(account, calls, pipeline.ledger.get_quota(account.quota_account)))
    refreshes = [
        refresh_cost(account, pipeline, profile or settings.profile) for account in pipeline.accounts
    ]
    claims = [
        claim for claim in pipeline.claims(pipeline.ledger.now()) if claim.system_id in wanted.system_ids
    ]
    least = min(share.account.quota_account.monthly_calls for share in shares)
    plans = {"current_plan": 0} | {name: monthly for name, monthly in PLANS.items() if monthly > least}
    whens = {
        name: combine_forecasts(share.when(monthly) for share in shares) for name, monthly in plans.items()
    }
    if as_json:
        found = _as_json(lines, shares, whens)
        found |= {"refresh": list(map(asdict, refreshes)), "claims": list(map(asdict, claims))}
        print(json.dumps(found, default=str))
        return Exit.COMPLETE
    _print(lines, shares, whens)
    for refresh in refreshes:
        show(refresh.sentence)
    _print_claims(claims)
    return Exit.COMPLETE


@dataclass(frozen=True, slots=True)
class RefreshCost:
    """What the daily refresh of an account's systems costs a month, by profile, and what there is."""

    account: str
    profile: str
    monthly_quota: int
    calls_a_day: float
    calls_a_month: dict[str, int]

    @property
    def sentence(self) -> str:
        """Whether the quota carries it, and which profile it would carry."""
        if not any(self.calls_a_month.values()):
            said = "what the daily refresh costs is known once the devices are"
            return console.with_account_name(self.account, said)
        month = self.calls_a_month[self.profile]
        said = (
            f"the daily refresh of profile {self.profile} makes about {self.calls_a_day:.1f} calls a day, "
            f"{month:,} a month: the quota of {self.monthly_quota:,}"
        )
        if month <= self.monthly_quota:
            return console.with_account_name(self.account, f"{said} carries it")
        said += " does not carry it"
        fitting = [name for name, calls in self.calls_a_month.items() if calls <= self.monthly_quota]
        if fitting:
            said += f"; profile {fitting[-1]} would fit with {self.calls_a_month[fitting[-1]]:,}"
        return console.with_account_name(self.account, said)


_DAYS_A_MONTH = 365.25 / 12


def refresh_cost(account: ApiAccount, pipeline: Pipeline, profile: str) -> RefreshCost:
    """Count what a daily refresh of the systems costs that something is known of. Raises LedgerError."""
    systems = pipeline.systems_of(account)
    daily = {name: refresh_calls_a_day(tables, systems) for name, tables in PROFILES.items()}
    months = {name: ceil(calls * _DAYS_A_MONTH) for name, calls in daily.items()}
    return RefreshCost(account.name, profile, account.quota_account.limit, daily[profile], months)


def _print_claims(claims: list[Claim]) -> None:
    """Print the conclusions that save requests, and the calls that they rest on."""
    if not claims:
        return
    grid = new_grid(
        "Not asked because of", "conclusion", "system", "what", "up to", "calls", "asked again after"
    )
    for claim in claims:
        what = f"{claim.endpoint} {claim.level} {claim.device_id}".strip()
        until = f"{claim.expires_utc:%Y-%m-%d %H:%M} UTC" if claim.expires_utc else ""
        ids = ", ".join(map(str, claim.call_ids))
        grid.add_row(
            cell(claim.kind), cell(claim.system_id), cell(what), cell(claim.last_day), ids, str(until)
        )
    show(grid)
    show("--again on backfill and refresh asks all the same")


@dataclass(frozen=True, slots=True)
class _Share:
    """The calls that one account has to pay for, those of its systems, and where it stands."""

    account: ApiAccount
    calls: int
    quota: Quota

    def when(self, monthly_calls: int) -> Forecast:
        """Forecast when they will be done, with the larger of `monthly_calls` and the account's own plan."""
        own = self.account.quota_account
        if monthly_calls <= own.monthly_calls:
            return forecast(self.calls, self.quota.left, own.monthly_calls, own.reserved)
        return forecast(self.calls, monthly_calls - own.reserved, monthly_calls, own.reserved)


def _print(lines: list[PlannedCalls], shares: list[_Share], whens: dict[str, Forecast]) -> None:
    columns = ("table", "system", "calls>", "answered>", "skipped>", "from", "to", "one call covers")
    grid = new_grid("Calls still needed", *columns)
    for line in lines:
        number = f"{line.calls:,}" if line.is_exact else f"{line.calls:,} or more"
        counts = (f"{count:,}" for count in (line.held, line.skipped))
        grid.add_row(line.table.name, line.system_id, number, *counts, line.first, line.last, line.covers)
    show(grid if lines else "nothing is missing: every wanted answer is held")
    if any(not line.is_exact for line in lines):
        show("'or more': devices are not known yet; the first calls of a run ask for them")
    for share in shares:
        quota = share.quota
        left = f"{quota.left:,} of {quota.limit:,} left {console.reset_text(quota)}"
        needed = f"{count_of(share.calls, 'call')} needed, {left}"
        show(console.with_account_name(share.account.name, needed))
    if any(share.calls for share in shares):
        whose = (
            ("account of", "calls a month>") if len(shares) == 1 else ("accounts of", "all calls a month>")
        )
        times = new_grid("Done", *whose, "done in")
        for name, when in whens.items():
            if when.months is None:
                done = "never: all calls are reserved for other tools"
            else:
                done = "this quota month" if when.months == 0 else f"{when.months + 1} quota months"
            times.add_row(name, f"{when.monthly_calls:,}", done)
        show(times)


def _as_json(lines: list[PlannedCalls], shares: list[_Share], whens: dict[str, Forecast]) -> dict[str, Any]:
    quotas = console.quotas_json({share.account.name: share.quota for share in shares})
    for share, each in zip(shares, quotas["quotas"], strict=True):
        each["calls"] = share.calls
    return {
        "calls": sum(share.calls for share in shares),
        **quotas,
        "tables": [
            {
                "table": line.table.name,
                "system_id": line.system_id,
                "calls": line.calls,
                "answered": line.held,
                "skipped": line.skipped,
                "first": line.first,
                "last": line.last,
                "is_exact": line.is_exact,
                "covers": line.covers,
            }
            for line in lines
        ],
        "forecast": {name: asdict(when) for name, when in whens.items()},
    }
