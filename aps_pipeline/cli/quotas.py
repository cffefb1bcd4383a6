"""What each account may still spend, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aps_pipeline.ledger import Quota


def as_json(quotas: dict[str, Quota], reserved: Mapping[str, int] | None = None) -> dict[str, Any]:
    """`quotas` of all accounts with their names; `quota` of the only one, null where there are several.

    `reserved` are the calls left for other tools, by account, where they are to be told.
    """
    every = {name: asdict(quota) | {"left": quota.left} for name, quota in quotas.items()}
    for name, calls in (reserved or {}).items():
        every[name]["reserved"] = calls
    return {
        "quota": next(iter(every.values())) if len(every) == 1 else None,
        "quotas": [{"name": name} | quota for name, quota in every.items()],
    }


def headed(name: str, sentence: str) -> str:
    """A sentence about an account, after its name where it has one."""
    return f"{name}: {sentence}" if name else sentence


def until(quota: Quota) -> str:
    """When there will be calls again: `until 2026-11-30 16:00 UTC`."""
    return f"until {quota.resets_utc:%Y-%m-%d %H:%M} UTC"
