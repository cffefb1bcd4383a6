"""What one call asks (endpoint, level, whose, which period), and what is held of it.

The shared word between the packages that make calls (`api`), keep them (`ledger`) and plan them (`ingest`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from aps_pipeline.errors import PipelineError
from aps_pipeline.periods import LIFETIME, Period

ID_PATTERN = r"[0-9A-Za-z_]+(?:-[0-9A-Za-z_]+)*"
"""System, ECU, meter and inverter ids; shared and virtual ones hold hyphens inside."""

_ID = re.compile(ID_PATTERN, re.ASCII)
_MAX_ID = 64


class BadIdError(PipelineError, ValueError):
    """An id with characters that no APsystems id has; it must not become a path or a query."""


def check_id(text: object) -> str:
    """Return `text` if it is shaped like an APsystems id. Raises BadIdError."""
    if isinstance(text, str) and len(text) <= _MAX_ID and _ID.fullmatch(text):
        return text
    raise BadIdError(f"not an APsystems id: {str(text)[:_MAX_ID]!r}")


def virtual_id(listed: str) -> str:
    """Get the id that an ECU or meter is asked by: of MAIN-VIRTUAL the part after the last hyphen.

    ECUs that serve several homes are listed like that. Uids of inverters may hold hyphens too, which mean
    nothing.
    """
    return listed.rpartition("-")[2]


@dataclass(frozen=True, order=True, slots=True)
class Request:
    """What one call asks, no matter who makes it and how often. `device_id` is empty at system level.

    Raises BadIdError for ids that cannot be real.
    """

    endpoint: str
    level: str
    system_id: str
    device_id: str = ""
    period: Period = LIFETIME

    def __post_init__(self) -> None:
        check_id(self.system_id)
        if self.device_id:
            check_id(self.device_id)

    @property
    def kind(self) -> tuple[str, str]:
        """Endpoint and level."""
        return self.endpoint, self.level

    def __str__(self) -> str:
        parts = (self.endpoint, self.level, self.system_id, self.device_id, self.period.key)
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the ledger holds for one request.

    `answered` and `no_data` are the newest calls of that state, `asked_utc` is when the newest good one was
    sent, `answered_utc` when `answered` was; `refused` is the newest refused call, `failed` the newest that
    brought nothing to read (failed, denied, lost; a refused quota says nothing of the request). Where there
    is no such call, the id is None. `good_ids` are all good calls, with spaces between; `no_data_count` of
    them said that there is no data. Where the newest good answer was lost with its body, `asked_utc` is None:
    the request has to be made again.
    """

    answered: int | None = None
    no_data: int | None = None
    refused: int | None = None
    failed: int | None = None
    answered_utc: datetime | None = None
    asked_utc: datetime | None = None
    good_ids: str = ""
    no_data_count: int = 0

    def answers_since(self, call_id: int) -> int:
        """Count the good answers that came after a call."""
        return sum(int(each) > call_id for each in self.good_ids.split())

    @property
    def good(self) -> int | None:
        """The call to build from: a later 'no data' does not displace data that was given once."""
        return self.no_data if self.answered is None else self.answered

    @property
    def good_utc(self) -> datetime | None:
        """When `good` was sent."""
        return self.asked_utc if self.answered is None else self.answered_utc

    @property
    def newest(self) -> int | None:
        """The newest good call, to see whether a newer one has come."""
        return get_newest(self.answered, self.no_data)

    def merge(self, other: LedgerEntry) -> LedgerEntry:
        """Merge what is held of one request that was asked in two spellings."""
        first, last = sorted((self, other), key=lambda entry: entry.answered or -1)
        asked = [each.asked_utc for each in (self, other) if each.asked_utc is not None]
        return LedgerEntry(
            last.answered,
            get_newest(self.no_data, other.no_data),
            get_newest(self.refused, other.refused),
            get_newest(self.failed, other.failed),
            last.answered_utc or first.answered_utc,
            max(asked, default=None),
            " ".join(filter(None, (self.good_ids, other.good_ids))),
            self.no_data_count + other.no_data_count,
        )


NO_ENTRY = LedgerEntry()


def get_newest(*call_ids: int | None) -> int | None:
    """Get the newest of some calls that may be missing; None if all are."""
    return max((each for each in call_ids if each is not None), default=None)
