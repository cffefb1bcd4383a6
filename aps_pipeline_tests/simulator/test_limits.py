from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from aps_pipeline.simulator import Fault, Simulator
from aps_pipeline.simulator.accounts import Limits
from aps_pipeline.simulator.request import ApiError
from aps_pipeline_tests.simulator.caller import NOW, PREFIX, code, frozen, get, signed

DETAILS = "details/A0E1253B7C9D4F60"


def refusal(limits: Limits, now: datetime = NOW, instant: float = 0.0) -> int | None:
    try:
        with limits.call(now, lambda: instant):
            return None
    except ApiError as error:
        return error.code


def test_nothing_is_limited_by_default(fresh: Simulator) -> None:
    assert {code(fresh, DETAILS) for _ in range(1_500)} == {0}


def test_the_quota_counts_every_signed_call() -> None:
    sim = Simulator(now=frozen, quota=4, faults=[Fault("5000", times=1)])
    target = PREFIX + DETAILS
    sim.reply("GET", target, signed(sim, target, secret="another12345"))
    codes = [code(sim, path) for path in (DETAILS, "details/X0", DETAILS, "meters/C12263D8840175AF")]
    assert codes == [5000, 2004, 0, 1001]
    assert [code(sim, DETAILS) for _ in range(2)] == [2005, 2005]
    assert sim.counts.total == 6
    assert sim.counts.received == 7


def test_the_quota_resets_with_the_month_in_china() -> None:
    limits = Limits(1, None, None)
    last_minute = datetime(2026, 1, 31, 15, 59, tzinfo=UTC)
    assert refusal(limits, last_minute) is None
    assert refusal(limits, last_minute) == 2005
    assert refusal(limits, last_minute + timedelta(minutes=1)) is None


@pytest.mark.parametrize(("rate", "instants"), [(2, (0.0, 0.5, 0.9, 1.1)), (0.5, (0.0, 2.0, 3.9, 4.1))])
def test_too_many_in_a_second(rate: float, instants: tuple[float, ...]) -> None:
    limits = Limits(None, rate, None)
    assert [refusal(limits, instant=instant) for instant in instants] == [None, None, 7002, None]


def test_too_many_at_once() -> None:
    limits = Limits(None, None, 1)
    with limits.call(NOW):
        assert refusal(limits) == 7003
    assert refusal(limits) is None


def test_too_many_at_once_over_the_wire() -> None:
    sim = Simulator(now=frozen, max_in_flight=1)
    entered, leave = threading.Event(), threading.Event()

    def hold(_: float) -> None:
        entered.set()
        assert leave.wait(5)

    sim.faults.append(Fault("slow", times=1, seconds=1))
    target = PREFIX + DETAILS
    first = threading.Thread(target=sim.reply, args=("GET", target, signed(sim, target), hold))
    with sim.serving() as url:
        first.start()
        assert entered.wait(5)
        assert b'"code":7003' in get(sim, url, DETAILS)[1]
        leave.set()
        first.join()
        assert b'"code":0' in get(sim, url, DETAILS)[1]
    assert sim.counts.by_code == {0: 2, 7003: 1}


def test_everything_is_counted(fresh: Simulator) -> None:
    code(fresh, DETAILS)
    code(fresh, "energy/A0E1253B7C9D4F60", "daily", "2025-07")
    fresh.reply("GET", "/favicon.ico?x=1", {})
    assert fresh.counts.by_endpoint == {"system_details": 1, "system_energy": 1}
    assert fresh.counts.total == 2
    assert fresh.requests == [
        (PREFIX + DETAILS, ""),
        (PREFIX + "energy/A0E1253B7C9D4F60", "energy_level=daily&date_range=2025-07"),
        ("/favicon.ico", "x=1"),
    ]


def test_counting_is_safe_for_threads(fresh: Simulator) -> None:
    threads = [threading.Thread(target=lambda: [code(fresh, DETAILS) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fresh.counts.total == len(fresh.requests) == 400
