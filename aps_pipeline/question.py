"""What one call asks (endpoint, level, whose, which period), and what is held of it.

The shared word between the packages that make calls (`api`), keep them (`ledger`) and plan them (`ingest`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from aps_pipeline.periods import LIFETIME, Period

ID_PATTERN = r"[0-9A-Za-z_]+(?:-[0-9A-Za-z_]+)*"
"""System, ECU, meter and inverter ids; shared and virtual ones hold hyphens inside."""

_ID = re.compile(ID_PATTERN, re.ASCII)
_MAX_ID = 64


class BadIdError(ValueError):
    """An id with characters that no APsystems id has; it must not become a path or a query."""


def checked_id(text: object) -> str:
    """`text` if it is shaped like an APsystems id. Raises BadIdError."""
    if isinstance(text, str) and len(text) <= _MAX_ID and _ID.fullmatch(text):
        return text
    raise BadIdError(f"not an APsystems id: {str(text)[:_MAX_ID]!r}")


def virtual_id(listed: str) -> str:
    """The id that an ECU or meter is asked by: of one listed as MAIN-VIRTUAL the part after the last hyphen.

    So ECUs are listed that serve several homes. Uids of inverters may hold hyphens too, which mean nothing.
    """
    return listed.rpartition("-")[2]


@dataclass(frozen=True, order=True, slots=True)
class Question:
    """One request, whoever makes it and however often. `device_id` is empty at system level.

    Raises BadIdError for ids that cannot be real.
    """

    endpoint: str
    level: str
    system_id: str
    device_id: str = ""
    period: Period = LIFETIME

    def __post_init__(self) -> None:
        checked_id(self.system_id)
        if self.device_id:
            checked_id(self.device_id)

    @property
    def kind(self) -> tuple[str, str]:
        """Endpoint and level."""
        return self.endpoint, self.level

    def __str__(self) -> str:
        parts = (self.endpoint, self.level, self.system_id, self.device_id, self.period.key)
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Held:
    """What the ledger holds for one question.

    `answered` and `no_data` are the newest calls of that state (0: none), `asked_utc` is when the newest good
    one was sent, `answered_utc` when `answered` was; `refused` is the newest refused call, `failed` the
    newest that brought nothing to read (failed, denied, lost; a refused quota says nothing of the question).
    `good_ids` are all good calls, with spaces between; `no_data_count` of them said that there is no data.
    Where the newest good answer was lost with its body, `asked_utc` is None: it has to be asked again.
    """

    answered: int = 0
    no_data: int = 0
    refused: int = 0
    failed: int = 0
    answered_utc: datetime | None = None
    asked_utc: datetime | None = None
    good_ids: str = ""
    no_data_count: int = 0

    def answers_since(self, call_id: int) -> int:
        """How many good answers came after a call."""
        return sum(int(each) > call_id for each in self.good_ids.split())

    @property
    def good(self) -> int:
        """The call to build from: data once given is not displaced by a later 'no data'. 0 if none."""
        return self.answered or self.no_data

    @property
    def good_utc(self) -> datetime | None:
        """When `good` was sent."""
        return self.answered_utc if self.answered else self.asked_utc

    def joined(self, other: Held) -> Held:
        """What is held of one question that was asked in two spellings."""
        first, last = sorted((self, other), key=lambda held: held.answered)
        asked = [each.asked_utc for each in (self, other) if each.asked_utc is not None]
        return Held(
            last.answered,
            max(self.no_data, other.no_data),
            max(self.refused, other.refused),
            max(self.failed, other.failed),
            last.answered_utc or first.answered_utc,
            max(asked, default=None),
            " ".join(filter(None, (self.good_ids, other.good_ids))),
            self.no_data_count + other.no_data_count,
        )

    @property
    def newest(self) -> int:
        """The newest good call, to see whether a newer one has come; 0 if none."""
        return max(self.answered, self.no_data)


NOTHING_HELD = Held()
