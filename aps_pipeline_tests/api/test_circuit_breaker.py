"""Failures in a row over all threads: when a circuit opens, and who may start before it does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from aps_pipeline.api import CircuitBreaker, CircuitOpenError

WIDE, NARROW = (), ("a kind",)


def breaker(wide: int, narrow: int) -> CircuitBreaker:
    found = CircuitBreaker()
    found.add(WIDE, wide)
    found.add(NARROW, narrow)
    return found


def fail(circuits: CircuitBreaker, *of: tuple[str, ...]) -> list[tuple[str, ...]]:
    circuits.enter(of)
    opened = circuits.leave(of, failed=True)
    circuits.give_up(of)
    return opened


def test_failures_in_a_row_open_a_circuit_and_an_answer_begins_anew() -> None:
    circuits = breaker(4, 2)
    assert fail(circuits, WIDE, NARROW) == []
    circuits.enter((WIDE, NARROW))
    assert circuits.leave((WIDE, NARROW), failed=False) == []
    assert fail(circuits, WIDE, NARROW) == []
    circuits.enter((WIDE, NARROW))
    assert circuits.leave((WIDE, NARROW), failed=None) == [], "that says nothing"
    assert fail(circuits, WIDE, NARROW) == [NARROW]
    with pytest.raises(CircuitOpenError) as caught:
        circuits.enter((WIDE, NARROW))
    assert caught.value.circuit == NARROW == circuits.find_open((WIDE, NARROW))
    assert fail(circuits, WIDE) == [] and fail(circuits, WIDE) == [WIDE], "others go on, and count"


@pytest.mark.parametrize("threads", [1, 4, 16, 64])
def test_what_never_worked_costs_no_more_than_its_limit(threads: int) -> None:
    circuits, count, lock = breaker(12, 100), 0, threading.Lock()

    def attempt(_: int) -> None:
        nonlocal count
        for number in range(3):
            try:
                circuits.enter((WIDE,), is_retry=number > 0)
            except CircuitOpenError:
                return
            with lock:
                count += 1
            circuits.leave((WIDE,), failed=True)
        circuits.give_up((WIDE,))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(attempt, range(100)))
    assert count == 12


def test_with_the_first_failures_only_what_failed_is_tried_again() -> None:
    circuits = breaker(4, 100)
    for _ in range(2):
        circuits.enter((WIDE,))
    for _ in range(2):
        circuits.leave((WIDE,), failed=True)
    entered = threading.Event()

    def begin() -> None:
        circuits.enter((WIDE,))
        entered.set()

    thread = threading.Thread(target=begin, daemon=True)
    thread.start()
    assert not entered.wait(0.05)
    circuits.enter((WIDE,), is_retry=True)
    assert not entered.wait(0.05)
    circuits.leave((WIDE,), failed=False)
    assert entered.wait(10), "it was a moment's failure"
