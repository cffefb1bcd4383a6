"""One look: read the conditions, tell each address what is new to it, and remember what it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from aps_pipeline.alerts.changes import changes, remembered
from aps_pipeline.alerts.conditions import Observed, observe
from aps_pipeline.alerts.errors import NotSentError
from aps_pipeline.alerts.message import Message, message_of
from aps_pipeline.alerts.sending import Target, send, targets_of
from aps_pipeline.alerts.told import Told, read_told, write_told

NO_ADDRESS = "APS_ALERT_URLS is not set: there is nobody to tell."


@dataclass(frozen=True, slots=True)
class Look:
    """What a look came to, in a sentence, and the message of each address that there was news for."""

    said: str
    messages: tuple[Message, ...] = ()


def look(warehouse_path: Path, told_path: Path, addresses: Sequence[str]) -> Look:
    """Tell each address what has changed since it last took a message, in one message.

    What an address took is remembered at once, so another that fails brings nobody the same twice. Two looks
    at a time wait for each other. Raises NotSentError after all were tried, BadAddressError, UnreadableError,
    NoWarehouseError, WarehouseError.
    """
    if not addresses:
        return Look(NO_ADDRESS)
    targets = targets_of(addresses)
    observed = observe(warehouse_path)
    sent: list[Message] = []
    failed: list[int] = []
    with FileLock(f"{told_path}.lock"):
        told = read_told(told_path)
        if all(told.get(target.name, Told()).inputs == observed.inputs for target in targets):
            return Look("Nothing has changed: the warehouse is the one looked at before.")
        told = {target.name: told.get(target.name, Told()) for target in targets}
        for target in targets:
            message = _news(told[target.name], observed)
            if message is not None and not send(target, message):
                failed.append(target.position)
                continue
            conditions = remembered(told[target.name].conditions, observed.conditions)
            told[target.name] = Told(observed.inputs, conditions)
            write_told(told_path, told)
            sent += [message] if message else []
    if failed:
        raise NotSentError(_not_sent(failed, targets))
    return Look(_said(sent), tuple(sent))


def preview(warehouse_path: Path, told_path: Path, addresses: Sequence[str]) -> Look:
    """What `look` would send; nothing is sent or remembered. Without an address: all that is wrong.

    Raises as `look`, but for NotSentError.
    """
    told = read_told(told_path)
    observed = observe(warehouse_path)
    before = [told.get(target.name, Told()) for target in targets_of(addresses)] or [Told()]
    messages = tuple(message for each in before if (message := _news(each, observed)))
    return Look(messages[0].title if messages else "There is nothing new to tell.", messages)


def _news(told: Told, observed: Observed) -> Message | None:
    alerts = changes(told.conditions, observed.conditions)
    return message_of(alerts, observed.seen) if alerts else None


def _said(sent: Sequence[Message]) -> str:
    if not sent:
        return "Nothing has changed that is worth a message."
    return f"{len(sent)} message{'s' * (len(sent) > 1)} sent. {sent[0].title}"


def _not_sent(failed: Sequence[int], targets: Sequence[Target]) -> str:
    places = ", ".join(map(str, failed))
    which = f"address{'es' * (len(failed) > 1)} {places} of APS_ALERT_URLS"
    return f"{which} ({len(failed)} of {len(targets)}) took no message; the next look tries again"
