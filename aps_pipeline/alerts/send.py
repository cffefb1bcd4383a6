"""Sending through apprise: e-mail, webhooks and everything else that it knows by address.

An address may hold a password. So none stands in a message or an error, apprise's own log is kept silent, and
the name under which an address is remembered cannot be turned back into it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aps_pipeline.alerts.changes import AlertError
from aps_pipeline.alerts.message import Message
from aps_pipeline.errors import Exit

if TYPE_CHECKING:
    from apprise import Apprise


class BadAddressError(AlertError):
    """An address of APS_ALERT_URLS cannot be used; the message names its position."""


class NotSentError(AlertError):
    """An address took no message; what it was to hear waits for the next look."""

    exit_code = Exit.REMOTE


SECONDS = 30
"""How long one address may take to accept a message."""


@dataclass(frozen=True)
class Target:
    """One address: its position in the setting, from 1, and the name under which it is remembered."""

    position: int
    name: str
    service: Apprise = field(repr=False)


def targets_of(addresses: Sequence[str]) -> tuple[Target, ...]:
    """Make the targets of addresses, each once. Raises BadAddressError."""
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - takes 0.3 s, and most commands send nothing

    # It logs addresses that it cannot use, and at lower levels whatever it sends.
    logging.getLogger("apprise").disabled = True
    targets: dict[str, Target] = {}
    for position, address in enumerate(addresses, 1):
        asset = AppriseAsset(async_mode=False, http_redirects=False)
        service = Apprise(asset=asset)
        if not service.add(address):
            raise BadAddressError(
                f"address {position} of APS_ALERT_URLS is none that apprise can use, such as "
                "mailtos://user:password@host?to=me@host or jsons://host/path"
            )
        # Slow to compute, so that nobody finds a password by trying.
        name = hashlib.scrypt(address.encode(), salt=b"aps alerts", n=2**14, r=8, p=1, dklen=8).hex()
        targets.setdefault(address, Target(position, name, service))
    return tuple(targets.values())


def send(target: Target, message: Message) -> bool:
    """Tell whether the target took the message; one that answers too late may have taken it all the same."""
    from apprise import NotifyFormat  # noqa: PLC0415 - loaded by then

    taken = target.service.notify(
        body=message.body, title=message.title, body_format=NotifyFormat.TEXT, timeout=SECONDS
    )
    return bool(taken)
