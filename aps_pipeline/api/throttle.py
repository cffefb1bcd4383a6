"""How many calls may be under way: fewer after 'busy', one more again after each run of good ones."""

from __future__ import annotations

import threading
from types import TracebackType

_CALLS_BEFORE_ONE_MORE = 20


class Throttle:
    """A counting lock whose size halves on `slow_down` and grows back by use."""

    def __init__(self, most: int) -> None:
        self._most = self._size = max(1, most)
        self._under_way = 0
        self._since_change = 0
        self._free = threading.Condition()

    def __enter__(self) -> None:
        with self._free:
            self._free.wait_for(lambda: self._under_way < self._size)
            self._under_way += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._free:
            self._under_way -= 1
            self._since_change += 1
            if self._size < self._most and self._since_change >= _CALLS_BEFORE_ONE_MORE:
                self._size, self._since_change = self._size + 1, 0
            self._free.notify_all()

    def slow_down(self) -> None:
        """Halve the number of calls under way, down to one."""
        with self._free:
            self._size, self._since_change = max(1, self._size // 2), 0
