"""A client that hardly waits before it tries again, and a journal that remembers."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from aps_pipeline.api import Answer, ApsError, Client, Credentials, Limits
from aps_pipeline.periods import Grain, Period
from aps_pipeline.request import Request

ID, SECRET = "testappid1234567890123456789012", "secret+/=123"
ASKED = Request("system_energy", "hourly", "S1", "", Period(Grain.DAY, date(2024, 3, 5)))
PATIENT = Limits(connect_seconds=5.0, read_seconds=10.0, total_seconds=20.0, max_bytes=200_000)
HASTY = Limits(connect_seconds=5.0, read_seconds=0.2, total_seconds=0.25, max_bytes=200_000)


class Diary:
    """A journal: what began and how it ended, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.outcomes: dict[int, Answer | ApsError] = {}
        self._numbers = itertools.count(1)

    def enter(self, _request: Request) -> None:
        pass

    def begin(self, _request: Request) -> int:
        call_id = next(self._numbers)
        self.events.append(("begin", call_id))
        return call_id

    def end(self, call_id: int, outcome: Answer | ApsError) -> None:
        self.events.append(("end", call_id))
        self.outcomes[call_id] = outcome

    @property
    def attempts(self) -> int:
        return len(self.outcomes)


def client_to(url: str, limits: Limits = PATIENT, **options: Any) -> Client:
    chosen: dict[str, Any] = {"calls_per_second": 1000, "backoff_seconds": 0.001}
    return Client(url, "/user/api/v2", Credentials(ID, SECRET), limits=limits, **chosen | options)


def outcome(
    url: str, diary: Diary | None = None, limits: Limits = PATIENT, **options: Any
) -> Answer | ApsError:
    """The answer, or the error that was raised."""
    try:
        return client_to(url, limits, **options).ask(ASKED, diary or Diary())
    except ApsError as error:
        return error
