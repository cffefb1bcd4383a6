"""The rows of single answers: of those that have just come, and of kept bodies."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pyarrow as pa

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.parse import ParseContext, Parsed, RefusedError, parse_rows
from aps_pipeline.planning import System
from aps_pipeline.request import LedgerEntry, Request
from aps_pipeline.tables import Table

_MOST_BYTES = 64_000_000
"""Rows of new answers in memory together."""


class ParsedAnswers:
    """The rows of answers that have just come, until their partitions are built.

    The kept bodies give the same rows: what does not fit here, or was lost in a crash, is read from them.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int], tuple[ParseContext, Parsed]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def keep(self, table: Table, context: ParseContext, parsed: Parsed) -> None:
        """Keep the rows of an answer, if there is room."""
        size = parsed.rows.nbytes
        with self._lock:
            if self._bytes + size <= _MOST_BYTES:
                self._kept[table.name, context.call_id] = context, parsed
                self._bytes += size

    def take(self, table: Table, context: ParseContext) -> Parsed | None:
        """Take the rows that an answer gives in that context; None if they have to be read from its body."""
        with self._lock:
            kept, parsed = self._kept.pop((table.name, context.call_id), (None, None))
            self._bytes -= parsed.rows.nbytes if parsed is not None else 0
        return parsed if kept == context else None


def context_of_entry(
    request: Request, system: System, entry: LedgerEntry, revision_window: timedelta
) -> ParseContext:
    """Build what a parser is told about the newest call that was answered with data."""
    assert entry.answered is not None and entry.answered_utc is not None  # noqa: S101 - an answer was sent
    return context_of_call(request, system, entry.answered, entry.answered_utc, revision_window)


def readable_rows(table: Table, body: str | None, asked: ParseContext) -> pa.Table | None:
    """Parse a kept body; None if it is lost or no longer parses, which is said where it is built."""
    if body is None:
        return None
    try:
        return parse_rows(table, body, asked).rows
    except RefusedError:
        return None


def context_of_call(
    request: Request, system: System, call_id: int, sent: datetime, revision_window: timedelta
) -> ParseContext:
    """Build what a parser is told about a call."""
    return ParseContext(
        call_id=call_id,
        system_id=request.system_id,
        device_id=request.device_id,
        period=request.period,
        sent_utc=sent,
        zone=system.zone,
        create_date=system.create_date,
        revision_window=revision_window,
        answered_by=ENDPOINTS[request.endpoint].device,
    )
