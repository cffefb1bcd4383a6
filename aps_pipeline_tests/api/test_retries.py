"""Retries, the journal, the rate limit, and the number of calls under way."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from aps_pipeline.api import Answer, ApsError, Client, Credentials
from aps_pipeline.api import errors as e
from aps_pipeline.api.rate_limit import Throttle, rates_of
from aps_pipeline.request import Request
from aps_pipeline_tests.api.asking import ASKED, ID, SECRET, Diary, client_to, outcome
from aps_pipeline_tests.api.fake import Script, envelope, http, says, serving

GOOD = http(envelope(0, []))


def test_the_journal_sees_each_attempt_begin_before_it_is_sent_and_end_after() -> None:
    seen: list[list[tuple[str, int]]] = []
    diary = Diary()

    def watching(code: int) -> Script:
        def script(connection: object, _request: bytes) -> None:
            seen.append(list(diary.events))
            connection.sendall(http(envelope(code)))  # type: ignore[attr-defined]

        return script

    with serving(watching(5000), watching(1000), watching(0)) as server:
        outcome(server.url, diary)
    assert seen == [
        [("begin", 1)],
        [("begin", 1), ("end", 1), ("begin", 2)],
        [("begin", 1), ("end", 1), ("begin", 2), ("end", 2), ("begin", 3)],
    ]
    assert [type(each) for each in diary.outcomes.values()] == [e.PassingError, e.PassingError, Answer]
    assert diary.events[-1] == ("end", 3)


def test_a_journal_that_refuses_ends_the_call_unsent() -> None:
    class Closed(Diary):
        def begin(self, _asked: Request) -> int:
            raise LookupError("closed")

    with serving(says(GOOD)) as server:
        with pytest.raises(LookupError):
            client_to(server.url).ask(ASKED, Closed())
        assert not server.requests


def test_a_stopped_client_tries_nothing_again() -> None:
    with serving(says(http(envelope(5000)))) as server:
        client = client_to(server.url, backoff_seconds=30)
        failed: list[ApsError] = []

        def ask() -> None:
            try:
                client.ask(ASKED, Diary())
            except ApsError as error:
                failed.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        while not server.requests:
            time.sleep(0.001)
        client.stop()
        thread.join(10)
        assert not thread.is_alive(), "the pause ends at once"
        assert len(server.requests) == 1 and isinstance(failed[0], e.PassingError)


def test_pauses_grow_and_vary(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def no_wait(_self: threading.Event, seconds: float | None = None) -> bool:
        pauses.append(seconds or 0.0)
        return False

    with serving(says(http(envelope(7002)))) as server:
        client = Client(
            server.url, "/user/api/v2", Credentials(ID, SECRET), backoff_seconds=1, calls_per_second=1000
        )
        monkeypatch.setattr(client._stopped, "wait", lambda seconds: no_wait(client._stopped, seconds))
        with pytest.raises(e.BusyError):
            client.ask(ASKED, Diary())
    assert len(pauses) == 4
    for number, pause in enumerate(pauses):
        assert 2**number / 2 <= pause <= 2**number
    assert len({pause / 2**number for number, pause in enumerate(pauses)}) > 1, "with jitter"


@pytest.mark.parametrize(("rate", "in_a_second"), [(20, 20), (12.5, 13), (7.9, 8)])
def test_the_rate_limit_is_of_all_threads_together(rate: float, in_a_second: int) -> None:
    """One call more than a second allows ends no sooner than a second after the first."""
    with serving(says(GOOD)) as server:
        client = client_to(server.url, calls_per_second=rate, max_in_flight=8)
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: client.ask(ASKED, Diary()), range(in_a_second + 1)))
        assert time.monotonic() - begun >= 0.98
        assert len(server.requests) == in_a_second + 1


@pytest.mark.parametrize(
    ("rate", "limits"),
    [
        (5, [(5, 1000)]),
        (10_000, [(10_000, 1000)]),
        (12.5, [(13, 1000), (25, 2000)]),
        (4.9, [(5, 1000), (49, 10_000)]),
        (0.5, [(1, 2000)]),
        (0.01, [(1, 100_000)]),
    ],
)
def test_a_rate_as_calls_in_so_many_milliseconds(rate: float, limits: list[tuple[int, int]]) -> None:
    assert [(each.limit, each.interval) for each in rates_of(rate)] == limits


@pytest.mark.parametrize("rate", [0.001, 0.01, 1 / 3, 0.99, 1, 4.9, 7.123, 10_000])
def test_any_rate_lets_the_first_call_go(rate: float) -> None:
    with serving(says(GOOD)) as server:
        assert isinstance(outcome(server.url, calls_per_second=rate), Answer)


def test_a_slow_rate_holds_the_second_call_back() -> None:
    with serving(says(GOOD)) as server:
        client = client_to(server.url, calls_per_second=0.8)
        begun = time.monotonic()
        for _ in range(2):
            client.ask(ASKED, Diary())
        assert time.monotonic() - begun >= 1.1


def test_no_more_than_so_many_calls_are_under_way() -> None:
    lock, under_way, most = threading.Lock(), [0], [0]

    def slow(connection: object, _request: bytes) -> None:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.02)
        with lock:
            under_way[0] -= 1
        connection.sendall(GOOD)  # type: ignore[attr-defined]

    with serving(slow) as server:
        client = client_to(server.url, max_in_flight=3)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: client.ask(ASKED, Diary()), range(24)))
    assert most[0] == 3


def size(throttle: Throttle, most: int) -> int:
    """How many may enter at once."""
    entered = 0
    while entered <= most:
        thread = threading.Thread(target=throttle.__enter__, daemon=True)
        thread.start()
        thread.join(0.05)
        if thread.is_alive():
            break
        entered += 1
    for _ in range(entered + (entered <= most)):
        throttle.__exit__(None, None, None)
    return entered


def test_busy_halves_the_calls_under_way_and_use_brings_them_back() -> None:
    throttle = Throttle(8)
    assert throttle._size == 8
    for expected in (4, 2, 1, 1):
        throttle.slow_down()
        assert throttle._size == expected
    assert size(throttle, 8) == 1
    for _ in range(20 * 7):
        with throttle:
            pass
    assert throttle._size == 8
    for _ in range(100):
        with throttle:
            pass
    assert throttle._size == 8, "never more than the most"


def test_busy_answers_slow_the_client_down() -> None:
    with serving(says(http(envelope(7003))), says(GOOD)) as server:
        client = client_to(server.url, max_in_flight=8)
        client.ask(ASKED, Diary())
        assert client._rate_limit._size == 4
