"""What a message says: a title with the counts, and a short plain text, worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aps_pipeline.alerts.changes import BY_SEVERITY, Alert, Condition, Kind, Observation, Subject

_LINES = 25
_LONGEST_NAME = 60
_LONGEST_REASON = 200

_IN_TITLE = {
    Condition.OFFLINE: "offline",
    Condition.DEAD: "with a dead input",
    Condition.WEAK: "weak",
    Condition.FINE: "recovered",
}
_IN_BODY = {
    Condition.OFFLINE: "is offline",
    Condition.DEAD: "has a dead input",
    Condition.WEAK: "is weak",
    Condition.FINE: "has recovered",
}
_ADVICE = {
    (
        Condition.OFFLINE,
        Kind.SYSTEM,
    ): "Offline system: see whether the ECU has power and a network, then the breaker.",
    (
        Condition.OFFLINE,
        Kind.INVERTER,
    ): "Offline inverter: see whether its branch has power; if so, have it checked.",
    (
        Condition.DEAD,
        Kind.PANEL,
    ): "Dead input: have the plugs and the cable between panel and inverter checked.",
    (
        Condition.WEAK,
        Kind.PANEL,
    ): "Weak panel: look for new shade, dirt or damage; mart.panel_month shows since when.",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A title and a body of plain text, without control characters and of bounded length."""

    title: str
    body: str


def message_of(alerts: Sequence[Alert], observations: Mapping[Subject, Observation]) -> Message:
    """All that one look has to say, as one message; `seen` gives the reasons. There is at least one alert."""
    ordered = sorted(alerts, key=lambda alert: _cost_first(alert, observations))
    lines = [_line(alert, observations.get(alert.subject)) for alert in ordered[:_LINES]]
    if len(ordered) > _LINES:
        lines.append(f"… and {len(ordered) - _LINES:,} more: see mart.conditions")
    kinds = {(alert.condition, alert.subject.kind) for alert in alerts}
    advice = [said for key, said in _ADVICE.items() if key in kinds]
    return Message(f"APsystems: {_counts(alerts)}", "\n".join([*lines, *([""] if advice else []), *advice]))


def _cost_first(alert: Alert, observations: Mapping[Subject, Observation]) -> tuple[int, int, float]:
    found = observations.get(alert.subject)
    place = list(Kind).index(alert.subject.kind)
    return -BY_SEVERITY.index(alert.condition), place, -((found and found.loss_kwh) or 0.0)


def _counts(alerts: Sequence[Alert]) -> str:
    counted = Counter((alert.condition, alert.subject.kind) for alert in alerts)
    return ", ".join(
        f"{counted[condition, kind]:,} {kind}{'s' * (counted[condition, kind] > 1)} {_IN_TITLE[condition]}"
        for condition in reversed(BY_SEVERITY)
        for kind in Kind
        if counted[condition, kind]
    )


def _line(alert: Alert, observation: Observation | None) -> str:
    said = f"{_name(alert.subject, observation.label if observation else '')} {_IN_BODY[alert.condition]}"
    if alert.condition is Condition.FINE:
        return f"- {said} (it was: {alert.was})."
    reason = plain(observation.reason, _LONGEST_REASON) if observation else ""
    return f"- {said}{f': {reason}' if reason else ''}."


def _name(subject: Subject, label: str) -> str:
    system, ecu, inverter = (
        plain(text, _LONGEST_NAME) for text in (subject.system_id, subject.ecu_id, subject.inverter_id)
    )
    if subject.kind is Kind.SYSTEM:
        return f"System {system}"
    inverter = f"inverter {inverter} (ECU {ecu}, system {system})"
    if subject.kind is Kind.INVERTER:
        return f"I{inverter[1:]}"
    place = f"Panel {subject.channel} of {inverter}"
    return f"{plain(label, _LONGEST_NAME)}: {place}" if label else place


def plain(text: str, longest: int) -> str:
    """Write the text on one line, without characters that no one sees, and no longer than that."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
