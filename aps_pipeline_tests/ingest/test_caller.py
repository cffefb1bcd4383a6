"""The caller alone: the lines of two logins, with clients that do as a test tells them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.api import Answer
from aps_pipeline.ingest.accounts import ApiAccount
from aps_pipeline.ingest.caller import Caller
from aps_pipeline.ingest.fetch import AccountSession, Budget, CallOutcome, PendingRequest
from aps_pipeline.ledger import CallEnd, CallState, Ledger, QuotaAccount
from aps_pipeline.periods import zone
from aps_pipeline.request import Request
from aps_pipeline_tests.ledger.helpers import sent_time

PATIENCE = 30.0


class Client:
    """Answers at once, or once it is let go on; counts how many calls are under way."""

    def __init__(self, go_on: threading.Event | None = None) -> None:
        self._go_on, self._lock = go_on, threading.Lock()
        self.begun: list[int] = []
        """How many calls were under way when each began, itself included."""
        self._under_way = 0
        self.is_stopped = False

    def ask(self, request: Request, journal: Any, _policy: Any = None) -> None:
        with self._lock:
            self._under_way += 1
            self.begun.append(self._under_way)
        journal.enter(request)
        call_id = journal.begin(request)
        if self._go_on is not None:
            assert self._go_on.wait(PATIENCE)
        journal.end(call_id, Answer(0, '{"code":0,"data":{}}', 200, simulated=True, data={}))
        with self._lock:
            self._under_way -= 1

    def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path}/ledger.sqlite")
    yield opened
    opened.close()


def caller(ledger: Ledger, threads: int, **clients: Client) -> Caller:
    """A caller with a login for each client; its systems begin with its name."""

    def session(name: str, client: Any) -> AccountSession:
        login = ApiAccount(name, QuotaAccount(name, 1000, 0, zone("UTC")), lambda: client, ())
        return AccountSession(login, ledger, Budget(None), alone=False)

    sessions = {name: session(name, client) for name, client in clients.items()}
    return Caller({f"{name}{n}": each for name, each in sessions.items() for n in range(50)}, threads)


def asks(*names: str, number: int) -> list[PendingRequest]:
    return [
        PendingRequest(Request("system_details", "", f"{name}{n}")) for n in range(number) for name in names
    ]


def results(of: Caller, requests: list[PendingRequest]) -> Iterator[CallOutcome]:
    return of.results(requests, lambda request, answer: None)


def test_an_account_that_must_wait_holds_up_no_other(ledger: Ledger) -> None:
    go_on = threading.Event()
    slow, quick = Client(go_on), Client()
    ended = results(caller(ledger, 2, slow=slow, quick=quick), asks("slow", "quick", number=50))
    first = [next(ended).request.system_id for _ in range(50)]
    assert all(system_id.startswith("quick") for system_id in first)
    go_on.set()
    assert len(list(ended)) == 50


def test_the_first_call_of_each_login_goes_alone(ledger: Ledger) -> None:
    go_on = threading.Event()
    one, two = Client(go_on), Client()
    both = caller(ledger, 4, one=one, two=two)
    ended = results(both, asks("one", "two", number=8))
    for _ in range(8):
        next(ended)
    assert one.begun == [1], "seven more wait until it is known how the first ends"
    go_on.set()
    assert all(result.is_good for result in ended)
    assert max(one.begun) <= 4 and max(two.begun) <= 4


def test_no_more_threads_call_than_may(ledger: Ledger) -> None:
    client = Client()
    assert len(list(results(caller(ledger, 3, one=client), asks("one", number=50)))) == 50
    assert len(client.begun) == 50 and max(client.begun) <= 3


def test_closing_the_results_stops_every_client(ledger: Ledger) -> None:
    one, two = Client(), Client()
    ended = results(caller(ledger, 2, one=one, two=two), asks("one", "two", number=20))
    next(ended)
    ended.close()  # type: ignore[attr-defined]
    assert one.is_stopped and two.is_stopped
    states = {row["state"] for portion in ledger.iter_calls() for row in portion}
    assert states == {"answered"}, "calls in flight have ended"


def test_the_client_is_made_with_the_first_call_of_its_login(ledger: Ledger) -> None:
    made: list[str] = []

    def client() -> Any:
        made.append("client")
        return Client()

    login = ApiAccount("", QuotaAccount("a", 1000, 0, zone("UTC")), client, ())
    one = Caller({"S1": AccountSession(login, ledger, Budget(None), alone=True)}, 2)
    assert list(results(one, [])) == [] and not made
    for number in (1, 1):
        list(results(one, [PendingRequest(Request("system_details", "", "S1"))]))
        assert len(made) == number


def test_what_another_process_asks_is_waited_for_and_said_once(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    (ask,) = asks("one", number=1)
    call_id = ledger.reserve(ask.request, QuotaAccount("other", 1000, 0, zone("UTC"))).call_id
    since = sent_time(ledger, call_id)

    def answer() -> None:
        ledger.finish(call_id, CallEnd(CallState.ANSWERED, 200, 0, "", '{"code":0}', simulated=True))

    timer = threading.Timer(0.5, answer)
    timer.start()
    (result,) = results(caller(ledger, 2, one=Client()), [ask])
    timer.join()
    assert result.is_good and result.calls == 0
    (said,) = caplog.messages
    assert said == (
        f"another process has been asking {ask.request} since {since:%Y-%m-%d %H:%M:%S} UTC: "
        "waiting for its answer"
    )
