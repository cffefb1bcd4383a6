"""Dagster's own event log in SQLite, with its connections kept open. Same files, same schema.

Dagster opens and closes two connections for each event, which costs 15 to 60 ms: as much as a call to the
API. Kept open, an event costs 3 ms. `dagster.yaml` chooses it; Dagster's own class reads the files as well.

Dagster keeps that class in a private module. All that rests on it is in `get_event_log_class`: where a newer
Dagster has moved the class, the event log is Dagster's own again, slower.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import dagster as dg

_INDEX = "index"
_KEPT_OPEN = 8
"""Databases kept open: the index and those of the newest runs."""


def get_event_log_class() -> type[Any]:
    """Find the event log to use: with connections kept open, or Dagster's own where that has changed."""
    try:
        from dagster._core.storage.event_log import SqliteEventLogStorage  # noqa: PLC0415 - private, may be gone
    except ImportError:
        with TemporaryDirectory() as scratch, dg.DagsterInstance.local_temp(scratch) as instance:
            return type(instance.event_log_storage)
    if not all(hasattr(SqliteEventLogStorage, name) for name in _OVERRIDDEN):
        return SqliteEventLogStorage
    return type("KeptOpenEventLog", (_KeptOpen, SqliteEventLogStorage), {"__module__": __name__})


_OVERRIDDEN = ("from_config_value", "run_connection", "index_connection", "dispose")

if TYPE_CHECKING:
    from dagster._core.storage.event_log import SqliteEventLogStorage as _Own
else:
    _Own = object


class _KeptOpen(_Own):
    """The event log of one process, before Dagster's class. Safe for threads: one at a time."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._one_at_a_time = threading.Lock()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> _KeptOpen:
        """Make one from dagster.yaml."""
        return cls(inst_data=inst_data, **config_value)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Any]:
        """Begin a transaction on the database of one run."""
        return self._transaction(run_id or _INDEX)

    def index_connection(self) -> AbstractContextManager[Any]:
        """Begin a transaction on the database of all runs."""
        return self._transaction(_INDEX)

    @contextmanager
    def _transaction(self, shard: str) -> Iterator[Any]:
        with self._one_at_a_time:
            if shard not in self._kept:
                with super().run_connection(shard) as connection:  # which makes the tables first
                    engine = connection.engine
                self._kept[shard] = engine.connect()
            self._kept.move_to_end(shard)
            self._kept.move_to_end(_INDEX) if _INDEX in self._kept else None
            while len(self._kept) > _KEPT_OPEN:
                self._kept.popitem(last=False)[1].close()
            with self._kept[shard].begin():
                yield self._kept[shard]

    def dispose(self) -> None:
        """Close everything."""
        with self._one_at_a_time:
            while self._kept:
                self._kept.popitem()[1].close()
        super().dispose()


KeptOpenEventLog = get_event_log_class()
"""What `dagster.yaml` names."""
