"""Progress of long work on standard error: a bar in a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from aps_pipeline.wording import count_of

_SECONDS_BETWEEN_LINES = 5.0


class _Progress:
    """A bar in a terminal; elsewhere `_lines` says whether lines are to be printed instead."""

    def __init__(self, title: str, text: str, *, quiet: bool, transient: bool) -> None:
        console = Console(stderr=True)
        self._title = title
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TextColumn(text),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=transient,
        )
        self._lines = not quiet and not console.is_terminal

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def _print(self, text: str) -> None:
        print(f"{self._title}: {text}", file=sys.stderr, flush=True)


class PartitionProgress(_Progress):
    """Counts partitions and calls as they come; use as a context manager.

    `names` are those of all partitions, where they are known before the work begins: then only they count,
    each once, and the total stands from the start.
    """

    def __init__(self, title: str, *, quiet: bool = False, names: Iterable[str] | None = None) -> None:
        text = "partitions · {task.fields[calls]:,} calls · {task.fields[last]}"
        super().__init__(title, text, quiet=quiet, transient=False)
        self._ahead = None if names is None else set(names)
        self._done, self._calls, self._total = 0, 0, len(self._ahead or ())
        self._task = self._bar.add_task(title, total=self._total or None, calls=0, last="")
        self._next_line = 0.0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if self._lines and self._done:
            self._line("done" if kind is None else "stopped")

    def set_total(self, partitions: int, calls: int) -> None:
        """Set how much work is ahead: partitions to look at, calls to make at most."""
        if self._ahead is not None:
            return
        self._total = self._done + partitions
        self._bar.update(self._task, total=self._total)
        if self._lines:
            self._print(f"{count_of(partitions, 'partition')}, {count_of(calls, 'call')} ahead")

    def advance(self, name: str, calls: int) -> None:
        """Count one partition as finished; it cost `calls`."""
        self._calls += calls
        counts = self._ahead is None or name in self._ahead
        if self._ahead is not None:
            self._ahead.discard(name)
        self._done += counts
        self._bar.update(self._task, advance=counts, calls=self._calls, last=name)
        if self._lines and time.monotonic() >= self._next_line:
            self._line(name)
            self._next_line = time.monotonic() + _SECONDS_BETWEEN_LINES

    def _line(self, name: str) -> None:
        done = f"{self._done:,} of " if self._total else ""
        partitions = count_of(self._total or self._done, "partition")
        self._print(f"{done}{partitions}, {count_of(self._calls, 'call')}, {name}")


class ItemProgress(_Progress):
    """Counts items of one kind as they are looked at; use as a context manager."""

    def __init__(self, title: str, items: str, total: int | None, *, quiet: bool = False) -> None:
        super().__init__(title, items, quiet=quiet, transient=True)
        self._items, self._total = items, total
        self._task = self._bar.add_task(title, total=total)
        self._done = 0
        self._next_line = time.monotonic() + _SECONDS_BETWEEN_LINES

    def advance(self, count: int) -> None:
        """Add to what is done."""
        self._done += count
        self._bar.update(self._task, advance=count)
        if self._lines and time.monotonic() >= self._next_line:
            total = f" of {self._total:,}" if self._total is not None else ""
            self._print(f"{self._done:,}{total} {self._items}")
            self._next_line = time.monotonic() + _SECONDS_BETWEEN_LINES
