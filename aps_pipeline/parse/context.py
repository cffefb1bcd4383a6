"""What a parser knows besides the body, what it gives back, and how it says which tables it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pyarrow as pa

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.parse.values import NotBegunError, RefusedError, read_id, read_object
from aps_pipeline.periods import Period, day_end_utc
from aps_pipeline.tables import REJECTED_ITEMS, Table, empty, from_columns

CLOCK_TOLERANCE = timedelta(minutes=15)
"""How far our clock may lie behind the server's before its answer speaks of a future."""


@dataclass(frozen=True, slots=True)
class ParseContext:
    """The call behind a body: whose, which period, when it was sent, and the calendar of the system."""

    call_id: int
    system_id: str
    device_id: str
    period: Period
    sent_utc: datetime
    zone: ZoneInfo
    create_date: date | None
    revision_window: timedelta
    """How long after its end a period's answer may still change."""
    answered_by: str = ""
    """Whose answer it is: system, ecu, meter or inverter."""

    def is_open(self) -> bool:
        """Tell whether the period was still running when the call was sent."""
        end = self.period.end_utc(self.zone)
        return end is None or end > self.sent_utc

    def has_begun(self, start_utc: datetime) -> bool:
        """Tell whether something that starts at `start_utc` can have been measured."""
        return start_utc <= self.sent_utc + CLOCK_TOLERANCE

    def is_final(self, last_day: date) -> bool:
        """Tell whether a period that ends with `last_day` had stopped changing when the call was sent."""
        return day_end_utc(last_day, self.zone) + self.revision_window <= self.sent_utc


@dataclass(frozen=True, slots=True)
class Parsed:
    """Rows of one table, and the items that could not become rows (rows of `rejected_items`).

    `items` counts all that were judged one by one: 0 where an answer is taken or refused as a whole.
    """

    rows: pa.Table
    rejected: pa.Table
    items: int = 0


PARSERS: dict[str, Callable[[Table, Any, ParseContext], Parsed]] = {}
"""Table name to the function that makes its rows of `data`, given the table and the call."""

_TableParser = TypeVar("_TableParser", bound=Callable[[Table, Any, ParseContext], Parsed])


def register(*tables: Table) -> Callable[[_TableParser], _TableParser]:
    """Let a function be the parser of fact tables."""

    def add(parser: _TableParser) -> _TableParser:
        PARSERS.update({table.name: parser for table in tables})
        return parser

    return add


CHANNELS = range(1, 10)
"""The channels that a body may name; the manual knows four."""

_ID_FIELDS = {each.name: each.id_field for each in ENDPOINTS.values() if each.device != "system"}


def make_rows(table: Table, context: ParseContext, columns: Mapping[str, Any], count: int) -> Parsed:
    """Build rows of `table`: `columns` beside those that the request itself answers. Nothing is rejected."""
    return Parsed(from_columns(table, {**constant_columns(context), **columns}, count), empty(REJECTED_ITEMS))


def constant_columns(context: ParseContext) -> dict[str, Any]:
    """Build columns that hold the same for every row of an answer; a table takes those that it has."""
    device = dict.fromkeys(("ecu_id", "inverter_id", "meter_id"), context.device_id)
    return {
        "system_id": context.system_id,
        **device,
        "date": context.period.first,
        "taken_utc": context.sent_utc,
        "answered_by": context.answered_by,
        "call_id": context.call_id,
    }


def read_body(table: Table, data: Any, context: ParseContext) -> dict[str, Any]:
    """Read the object in `data`. Raises RefusedError, also where it names another system or device.

    The manual promises no ids in these bodies; where one stands all the same it must be the right one.
    """
    body = read_object(data, "data")
    ids = {"sid": context.system_id}
    if table.source.endpoint in _ID_FIELDS:
        ids[_ID_FIELDS[table.source.endpoint]] = context.device_id
    for name, expected in ids.items():
        if body.get(name) is not None and read_id(body[name], name) != expected:
            raise RefusedError(f"the body is of another {name} than {expected}")
    return body


def list_channels(body: Mapping[str, Any], prefixes: Sequence[str]) -> list[int]:
    """List the channels that have anything under `prefix1`, `prefix2` …: 1 to n. Raises RefusedError.

    An inverter with two channels names no third, or names it null.
    """
    found = [n for n in CHANNELS if any(body.get(f"{prefix}{n}") is not None for prefix in prefixes)]
    if found != [*CHANNELS][: len(found)]:
        raise RefusedError(f"channel {found[-1]} without those before it")
    return found


_SHOWN = 200


_T = TypeVar("_T")


class SeriesReader:
    """Reads the series of one body, one after another, and remembers which were refused."""

    def __init__(self) -> None:
        self.count = 0
        self._refused: list[tuple[int, str, str]] = []

    def read_series(self, name: str, read: Callable[[], _T]) -> _T | None:
        """Return what `read_series` gives; None where it raises RefusedError. Raises NotBegunError."""
        self.count += 1
        try:
            return read()
        except NotBegunError:
            raise
        except RefusedError as error:
            self._refused.append((self.count - 1, name, str(error)))
            return None

    def forget(self) -> None:
        """Begin again."""
        self.count = 0
        self._refused.clear()

    def rejected_rows(self, table: Table, context: ParseContext) -> pa.Table:
        """Build rows of `rejected_items` of the refused series. Raises RefusedError where nothing is left."""
        if not self._refused:
            return empty(REJECTED_ITEMS)
        if len(self._refused) == self.count or not context.period.key:
            raise RefusedError(self._refused[0][2])
        return make_rejected_rows(table, context, self._refused)


def make_rows_of_series(
    table: Table, context: ParseContext, columns: Mapping[str, Any], count: int, series: SeriesReader
) -> Parsed:
    """Rows of `table` as `parse_rows` makes them, with the series that were refused. Raises RefusedError."""
    rejected = series.rejected_rows(table, context)
    return Parsed(make_rows(table, context, columns, count).rows, rejected, series.count)


def make_rejected_rows(
    table: Table, context: ParseContext, refused: Sequence[tuple[int, str, str]]
) -> pa.Table:
    """Build rows of `rejected_items`, from the position of each item, the item itself, and the reason."""
    columns = constant_columns(context) | {
        "source_table": table.name,
        "device_id": context.device_id,
        "position": [position for position, _, _ in refused],
        "item": [item[:_SHOWN].encode("utf-8", "replace").decode() for _, item, _ in refused],
        "reason": [reason.encode("utf-8", "replace").decode() for _, _, reason in refused],
    }
    return from_columns(REJECTED_ITEMS, columns, len(refused))
