"""Work that goes on while its results are being dealt with."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from queue import SimpleQueue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Generator[T]) -> Iterator[T]:
    """The same items, fetched by a thread of its own that does not wait for whoever takes them.

    What the thread raises is raised here. When this iterator is closed early, the items are closed after
    the one under way, and the thread has ended.
    """
    fetched: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()
    enough = Event()

    def fetch() -> None:
        end: BaseException | None = None
        try:
            with closing(items):
                for item in items:
                    fetched.put((item,))
                    if enough.is_set():
                        break
        except BaseException as error:  # noqa: BLE001 - raised again on the other side
            end = error
        fetched.put(end)

    thread = Thread(target=fetch, name="aps-ahead", daemon=True)
    thread.start()
    try:
        while isinstance(entry := fetched.get(), tuple):
            yield entry[0]
        if entry is not None:
            raise entry
    finally:
        enough.set()
        thread.join()
