"""Conditions of a roof, and what about them is new to an address. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path

from aps_pipeline import warehouse
from aps_pipeline.errors import Exit, PipelineError


class AlertError(PipelineError):
    """Alerts cannot be raised; one sentence for the user, without an address, for it may hold a password."""


class UnreadableError(AlertError):
    """The conditions, or what was told before, cannot be read or kept."""

    exit_code = Exit.STORAGE


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
        """Find what it is a part of: an inverter of its system, a panel of both."""
        if self.kind is not Kind.SYSTEM:
            yield Subject(Kind.SYSTEM, self.system_id)
        if self.kind is Kind.PANEL:
            yield Subject(Kind.INVERTER, self.system_id, self.ecu_id, self.inverter_id)


@dataclass(frozen=True, slots=True)
class Observation:
    """How a subject is now, why, what that has cost so far (kWh; None: not known), and its owner's name."""

    condition: Condition
    reason: str = ""
    loss_kwh: float | None = None
    since: date | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Observations:
    """The conditions of one warehouse, and the digest of what it was built from."""

    inputs: str
    by_subject: Mapping[Subject, Observation] = field(default_factory=dict)

    @property
    def conditions(self) -> dict[Subject, Condition]:
        """The conditions without the reasons."""
        return {subject: seen.condition for subject, seen in self.by_subject.items()}


_QUERY = """
    SELECT build.inputs, conditions.*
    FROM meta.build AS build
    LEFT JOIN mart.conditions AS conditions ON true
"""


def observe(path: Path) -> Observations:
    """Read what the warehouse says now. Raises NoWarehouseError, WarehouseError, UnreadableError."""
    try:
        rows = warehouse.query(path, _QUERY).to_pylist()
    except warehouse.QueryError:
        raise UnreadableError(f"{path} was built by another version: build it again") from None
    seen = {
        Subject(
            Kind(row["kind"]), row["system_id"], row["ecu_id"], row["inverter_id"], row["channel"]
        ): Observation(
            Condition(row["condition"]),
            row["reason"] or "",
            row["loss_kwh"],
            row["since_date"],
            row["label"] or "",
        )
        for row in rows
        if row["kind"] is not None
    }
    return Observations(rows[0]["inputs"], seen)


Conditions = Mapping[Subject, Condition]

BY_SEVERITY = (Condition.FINE, Condition.WEAK, Condition.DEAD, Condition.OFFLINE)
"""The conditions that are told, from good to bad."""

_UNWATCHED = (Condition.REMOVED, Condition.UNUSED)


@dataclass(frozen=True, slots=True)
class Alert:
    """A subject that has become `condition` (fine: it has recovered) and was told to be `was` before."""

    subject: Subject
    condition: Condition
    was: Condition


def changes(before: Conditions, now: Conditions) -> list[Alert]:
    """List what is to be said now, worst first, after `before` was told; all that is wrong if nothing was."""
    alerts, kinds = [], list(Kind)
    for subject in now:
        was, told = before.get(subject, Condition.FINE), _condition_after(subject, before, now)
        is_back_with_parent = was is Condition.OFFLINE and any(
            before.get(parent) is Condition.OFFLINE and now.get(parent) is Condition.FINE
            for parent in subject.parents()
        )
        if told is not None and told is not was and not is_back_with_parent:
            alerts.append(Alert(subject, told, was))
    return sorted(
        alerts,
        key=lambda alert: (
            -BY_SEVERITY.index(alert.condition),
            kinds.index(alert.subject.kind),
            alert.subject,
        ),
    )


def next_sent_state(before: Conditions, now: Conditions) -> dict[Subject, Condition]:
    """Return what counts as told once `changes` of the same arguments have been said; the next `before`."""
    told = {subject: condition for subject, condition in before.items() if subject not in now}
    for subject in now:
        condition = _condition_after(subject, before, now)
        if condition is not None:
            told[subject] = condition
    return told


def _condition_after(subject: Subject, before: Conditions, now: Conditions) -> Condition | None:
    """Return what counts as told of a subject after a look; None where nothing does."""
    was, condition = before.get(subject), now[subject]
    if condition in _UNWATCHED:
        return None
    unknown = Condition.UNKNOWN
    parents = (
        before.get(each) if now.get(each, unknown) is unknown else now[each] for each in subject.parents()
    )
    if condition is unknown or Condition.OFFLINE in parents:
        return was
    if was is None or condition is Condition.FINE:
        return condition
    return max(was, condition, key=BY_SEVERITY.index)
