"""Bodies that hold several series: one that cannot be right is refused by itself, and named.

A series with rows of its own (a panel, a channel) then has none; one that is a column beside others is null
there. A body in which no series is right is refused as a whole, and so is one without a day to name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa

from aps_pipeline.parse.asked import Asked, NotBegunError, Parsed, RefusedError
from aps_pipeline.parse.bodies import known, parsed
from aps_pipeline.tables import REJECTED_ITEMS, Table, empty, from_columns

_SHOWN = 200
_T = TypeVar("_T")


class SeriesReader:
    """Reads the series of one body, one after another, and remembers which were refused."""

    def __init__(self) -> None:
        self.count = 0
        self._refused: list[tuple[int, str, str]] = []

    def read(self, name: str, read: Callable[[], _T]) -> _T | None:
        """What `read` gives; None where it raises RefusedError. Raises NotBegunError."""
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

    def rejected(self, table: Table, asked: Asked) -> pa.Table:
        """The refused series as rows of `rejected_items`. Raises RefusedError where nothing else is left."""
        if not self._refused:
            return empty(REJECTED_ITEMS)
        if len(self._refused) == self.count or not asked.period.key:
            raise RefusedError(self._refused[0][2])
        return rejected_items(table, asked, self._refused)


def with_series(
    table: Table, asked: Asked, columns: Mapping[str, Any], count: int, series: SeriesReader
) -> Parsed:
    """Rows of `table` as `parsed` makes them, with the series that were refused. Raises RefusedError."""
    rejected = series.rejected(table, asked)
    return Parsed(parsed(table, asked, columns, count).rows, rejected, series.count)


def rejected_items(table: Table, asked: Asked, refused: Sequence[tuple[int, str, str]]) -> pa.Table:
    """Rows of `rejected_items`, from the position of each item, the item itself, and the reason."""
    columns = known(asked) | {
        "source_table": table.name,
        "device_id": asked.device_id,
        "position": [position for position, _, _ in refused],
        "item": [item[:_SHOWN].encode("utf-8", "replace").decode() for _, item, _ in refused],
        "reason": [reason.encode("utf-8", "replace").decode() for _, _, reason in refused],
    }
    return from_columns(REJECTED_ITEMS, columns, len(refused))
