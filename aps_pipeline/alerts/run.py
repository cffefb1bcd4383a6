"""One look: read the conditions, tell each address what is new to it, and remember what it took.

What each address has been told is one small JSON file, replaced whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from aps_pipeline.alerts.changes import (
    Condition,
    Kind,
    Observations,
    Subject,
    UnreadableError,
    changes,
    next_sent_state,
    observe,
)
from aps_pipeline.alerts.message import Message, message_of
from aps_pipeline.alerts.send import NotSentError, send, targets_of
from aps_pipeline.atomic import replace_file

NO_ADDRESS = "APS_ALERT_URLS is not set: there is nobody to tell."


@dataclass(frozen=True, slots=True)
class AlertRun:
    """What a look came to, in a sentence, and the message of each address that there was news for."""

    summary: str
    messages: tuple[Message, ...] = ()


def run_alerts(warehouse_path: Path, state_path: Path, addresses: Sequence[str]) -> AlertRun:
    """Tell each address what has changed since it last took a message, in one message.

    What an address took is remembered at once, so another that fails brings nobody the same twice. Two looks
    at a time wait for each other. Raises NotSentError after all were tried, BadAddressError, UnreadableError,
    NoWarehouseError, WarehouseError.
    """
    if not addresses:
        return AlertRun(NO_ADDRESS)
    targets = targets_of(addresses)
    observed = observe(warehouse_path)
    sent: list[Message] = []
    failed: list[int] = []
    with FileLock(f"{state_path}.lock"):
        states = read_sent_states(state_path)
        if all(states.get(target.name, SentState()).inputs == observed.inputs for target in targets):
            return AlertRun("Nothing has changed: the warehouse is the one looked at before.")
        states = {target.name: states.get(target.name, SentState()) for target in targets}
        for target in targets:
            message = _new_message(states[target.name], observed)
            if message is not None and not send(target, message):
                failed.append(target.position)
                continue
            conditions = next_sent_state(states[target.name].conditions, observed.conditions)
            states[target.name] = SentState(observed.inputs, conditions)
            write_sent_states(state_path, states)
            sent += [message] if message else []
    if failed:
        which = f"address{'es' * (len(failed) > 1)} {', '.join(map(str, failed))} of APS_ALERT_URLS"
        raise NotSentError(
            f"{which} ({len(failed)} of {len(targets)}) took no message; the next look tries again"
        )
    if not sent:
        return AlertRun("Nothing has changed that is worth a message.")
    return AlertRun(f"{len(sent)} message{'s' * (len(sent) > 1)} sent. {sent[0].title}", tuple(sent))


def preview(warehouse_path: Path, state_path: Path, addresses: Sequence[str]) -> AlertRun:
    """Preview what `run_alerts` would send; nothing is sent or kept. Without an address: all that is wrong.

    Raises as `run_alerts`, without NotSentError.
    """
    states = read_sent_states(state_path)
    observed = observe(warehouse_path)
    before = [states.get(target.name, SentState()) for target in targets_of(addresses)] or [SentState()]
    messages = tuple(message for each in before if (message := _new_message(each, observed)))
    return AlertRun(messages[0].title if messages else "There is nothing new to tell.", messages)


def _new_message(state: SentState, observed: Observations) -> Message | None:
    alerts = changes(state.conditions, observed.conditions)
    return message_of(alerts, observed.by_subject) if alerts else None


@dataclass(frozen=True, slots=True)
class SentState:
    """The warehouse that an address was last told about, by its digest, and what it was told."""

    inputs: str = ""
    conditions: Mapping[Subject, Condition] = field(default_factory=dict)


def read_sent_states(path: Path) -> dict[str, SentState]:
    """Read what was told, by the name of the address; nothing without a file. Raises UnreadableError."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        return {
            name: SentState(
                str(told["inputs"]),
                {
                    Subject(Kind(kind), str(system), str(ecu), str(inverter), int(channel)): Condition(
                        condition
                    )
                    for kind, system, ecu, inverter, channel, condition in told["conditions"]
                },
            )
            for name, told in kept.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise UnreadableError(
            f"{path} cannot be read; delete it, and all that is wrong is told once more"
        ) from None


def write_sent_states(path: Path, states: Mapping[str, SentState]) -> None:
    """Keep what was told. Raises UnreadableError."""
    kept = {
        name: {
            "inputs": each.inputs,
            "conditions": [
                [s.kind, s.system_id, s.ecu_id, s.inverter_id, s.channel, condition]
                for s, condition in sorted(each.conditions.items())
            ],
        }
        for name, each in sorted(states.items())
    }
    try:
        with replace_file(path) as temporary:
            temporary.write_text(json.dumps(kept, indent=1), "utf-8")
    except OSError as error:
        raise UnreadableError(f"cannot keep {path}: {error.strerror or type(error).__name__}") from None
