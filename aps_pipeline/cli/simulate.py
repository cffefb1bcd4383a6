"""`aps simulate`: serve a simulated API on loopback."""

from __future__ import annotations

from pathlib import Path

from aps_pipeline.errors import Exit
from aps_pipeline.ingest import NotConfiguredError
from aps_pipeline.simulator import (
    Fault,
    FleetError,
    Simulator,
    awkward_fleet,
    demo_fleet,
    load_fleet,
    split_accounts,
)

READY = {"demo": demo_fleet, "awkward": awkward_fleet}
"""Fleets that need no file."""


def serve(
    port: int,
    seed: int,
    fleet: str,
    quota: int | None,
    rate: float | None,
    latency: float,
    faults: list[str],
    quirks: list[str],
    installer: bool,
    accounts: int = 1,
) -> int:
    """Serve until interrupted. Raises NotConfiguredError for a bad roof, fault, quirk, port or number."""
    try:
        roofs = READY[fleet]() if fleet in READY else load_fleet(Path(fleet))
        simulator = Simulator(
            fleet=roofs,
            seed=seed,
            quota=quota,
            requests_per_second=rate,
            latency=latency,
            faults=[Fault.parse(text) for text in faults],
            quirks=quirks,
            prefix=f"/{'installer' if installer else 'user'}/api/v2",
            accounts=split_accounts(roofs, accounts, quota) if accounts > 1 else (),
        )
        simulator.serve_forever(port, lambda url: _announce(simulator, url))
    except (FleetError, ValueError, OSError) as error:
        raise NotConfiguredError(f"cannot simulate: {error}") from None
    return Exit.COMPLETE


def _announce(simulator: Simulator, url: str) -> None:
    if len(simulator.accounts) > 1:
        entries = "".join(
            "[[accounts]]\n"
            f'name = "simulated {number}"\n'
            f'app_id = "{account.app_id}"\n'
            f'app_secret = "{account.app_secret}"\n'
            f'system_ids = "{",".join(account.system_ids)}"\n'
            for number, account in enumerate(simulator.accounts, 1)
        )
        keys = f"cat > accounts.toml <<END\n{entries}END\nexport APS_FLEET_FILE=accounts.toml\n"
    else:
        keys = (
            f"export APS_APP_ID={simulator.app_id}\n"
            f"export APS_APP_SECRET={simulator.app_secret}\n"
            f"export APS_SYSTEM_IDS={','.join(simulator.fleet.system_ids)}\n"
        )
    print(
        "An APsystems OpenAPI with a simulated fleet. In another terminal:\n\n"
        f"export APS_BASE_URL={url}\n"
        f"{keys}"
        f"export APS_API_PREFIX={simulator.prefix}\n"
        "export APS_DATA_DIR=data/simulated APS_MONTHLY_CALLS=100000 APS_CALLS_PER_SECOND=500\n"
        "aps backfill --from 2025-01-01 --to 2025-01-31\n\n"
        "Ctrl-C stops it.",
        flush=True,
    )
