"""What stands in `mart.conditions`: subjects and how they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from aps_pipeline import warehouse
from aps_pipeline.alerts.errors import UnreadableError


class Kind(StrEnum):
    """What has a condition, the larger first."""

    SYSTEM = "system"
    INVERTER = "inverter"
    PANEL = "panel"


class Condition(StrEnum):
    """How a subject is, as `mart.conditions` says it."""

    FINE = "fine"
    WEAK = "weak"
    DEAD = "dead input"
    OFFLINE = "offline"
    UNUSED = "unused channel"
    REMOVED = "removed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, order=True, slots=True)
class Subject:
    """A system, an inverter or a panel; what it does not need is empty, or 0."""

    kind: Kind
    system_id: str
    ecu_id: str = ""
    inverter_id: str = ""
    channel: int = 0

    def parents(self) -> Iterator[Subject]:
        """What it is a part of: an inverter of its system, a panel of both."""
        if self.kind is not Kind.SYSTEM:
            yield Subject(Kind.SYSTEM, self.system_id)
        if self.kind is Kind.PANEL:
            yield Subject(Kind.INVERTER, self.system_id, self.ecu_id, self.inverter_id)


@dataclass(frozen=True, slots=True)
class Seen:
    """How a subject is now, why, what that has cost so far (kWh; None: not known), and its owner's name."""

    condition: Condition
    reason: str = ""
    loss_kwh: float | None = None
    since: date | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """The conditions of one warehouse, and the digest of what it was built from."""

    inputs: str
    seen: Mapping[Subject, Seen] = field(default_factory=dict)

    @property
    def conditions(self) -> dict[Subject, Condition]:
        """The conditions without the reasons."""
        return {subject: seen.condition for subject, seen in self.seen.items()}


_QUERY = """
    SELECT build.inputs, conditions.*
    FROM meta.build AS build
    LEFT JOIN mart.conditions AS conditions ON true
"""


def observe(path: Path) -> Observed:
    """What the warehouse says now. Raises NoWarehouseError, WarehouseError, UnreadableError."""
    try:
        rows = warehouse.query(path, _QUERY).to_pylist()
    except warehouse.QueryError:
        raise UnreadableError(f"{path} was built by another version: build it again") from None
    seen = {
        Subject(Kind(row["kind"]), row["system_id"], row["ecu_id"], row["inverter_id"], row["channel"]): Seen(
            Condition(row["condition"]),
            row["reason"] or "",
            row["loss_kwh"],
            row["since_date"],
            row["label"] or "",
        )
        for row in rows
        if row["kind"] is not None
    }
    return Observed(rows[0]["inputs"], seen)
