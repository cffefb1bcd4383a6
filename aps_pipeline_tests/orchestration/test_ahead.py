"""Results are fetched while others are dealt with, and nothing is lost or left running."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from aps_pipeline.orchestration.materialize import prefetch


def test_items_come_in_order_and_the_fetching_does_not_wait() -> None:
    fetched = threading.Event()

    def items() -> Generator[int]:
        yield from range(100)
        fetched.set()

    taken = prefetch(items())
    assert next(taken) == 0
    assert fetched.wait(10), "all are fetched while the first is dealt with"
    assert list(taken) == list(range(1, 100))


def test_an_error_is_raised_after_what_came_before_it() -> None:
    def items() -> Generator[int]:
        yield 1
        raise OSError("disk")

    taken = prefetch(items())
    assert next(taken) == 1
    with pytest.raises(OSError, match="disk"):
        next(taken)


def test_whoever_stops_early_closes_the_items() -> None:
    closed = threading.Event()

    def items() -> Generator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    before = threading.active_count()
    taken = prefetch(items())
    next(taken)
    taken.close()  # type: ignore[attr-defined]
    assert closed.is_set()
    assert threading.active_count() == before
