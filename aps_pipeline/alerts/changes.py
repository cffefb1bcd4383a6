"""When there is something to say: pure, from what was told before and what is so now.

What was told is, for each subject, the worst condition said since it was last fine. A subject that gets
better without being fine again (dead input to weak) is not said to have recovered, and getting that much
worse again is no news either: so something that wavers between two bad conditions raises one message.

While a system or an inverter is offline its parts are left as they were told, and say nothing. When it is
back they are compared with that; those that were offline and are fine again are covered by its own message.
Unknown, and a subject that is not there, change nothing; what was removed or is not in use is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aps_pipeline.alerts.conditions import Condition, Subject

Conditions = Mapping[Subject, Condition]

WORSENING = (Condition.FINE, Condition.WEAK, Condition.DEAD, Condition.OFFLINE)
"""The conditions that are told, from good to bad."""

_FORGOTTEN = (Condition.REMOVED, Condition.UNUSED)


@dataclass(frozen=True, slots=True)
class Alert:
    """A subject that has become `condition` (fine: it has recovered) and was told to be `was` before."""

    subject: Subject
    condition: Condition
    was: Condition


def changes(before: Conditions, now: Conditions) -> list[Alert]:
    """What is to be said now, worst first, after `before` was told; all that is wrong if nothing was."""
    alerts = [alert for subject in now if (alert := _alert(subject, before, now)) is not None]
    return sorted(alerts, key=lambda alert: (-WORSENING.index(alert.condition), _place(alert.subject)))


def remembered(before: Conditions, now: Conditions) -> dict[Subject, Condition]:
    """What counts as told once `changes` of the same arguments have been said; the next `before`."""
    told = {subject: condition for subject, condition in before.items() if subject not in now}
    for subject in now:
        condition = _told(subject, before, now)
        if condition is not None:
            told[subject] = condition
    return told


def _alert(subject: Subject, before: Conditions, now: Conditions) -> Alert | None:
    was, told = before.get(subject, Condition.FINE), _told(subject, before, now)
    if told is None or told is was:
        return None
    if was is Condition.OFFLINE and any(_is_back(parent, before, now) for parent in subject.parents()):
        return None
    return Alert(subject, told, was)


def _told(subject: Subject, before: Conditions, now: Conditions) -> Condition | None:
    """What counts as told of a subject after a look; None where nothing does."""
    was, condition = before.get(subject), now[subject]
    if condition in _FORGOTTEN:
        return None
    if condition is Condition.UNKNOWN or any(_is_out(parent, before, now) for parent in subject.parents()):
        return was
    if was is None or condition is Condition.FINE:
        return condition
    return max(was, condition, key=WORSENING.index)


def _standing(subject: Subject, before: Conditions, now: Conditions) -> Condition | None:
    """How a subject is as far as is known: as it was told, where it is unknown now."""
    condition = now.get(subject, Condition.UNKNOWN)
    return before.get(subject) if condition is Condition.UNKNOWN else condition


def _is_out(subject: Subject, before: Conditions, now: Conditions) -> bool:
    return _standing(subject, before, now) is Condition.OFFLINE


def _is_back(subject: Subject, before: Conditions, now: Conditions) -> bool:
    return before.get(subject) is Condition.OFFLINE and now.get(subject) is Condition.FINE


def _place(subject: Subject) -> tuple[int, Subject]:
    """Systems before inverters before panels, then by id."""
    return list(type(subject.kind)).index(subject.kind), subject
