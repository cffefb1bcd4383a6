"""Killed in the middle, and two at once: no call is made twice."""

from __future__ import annotations

import os
import signal
import time
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline_tests.ingest.collecting import THREADS, started
from aps_pipeline_tests.sites import Site, fewest_calls, serving

FIRST, LAST = date(2024, 2, 28), date(2024, 3, 8)
PATIENCE = 30.0


def wait_for_calls(site: Site, calls: int) -> None:
    end = time.monotonic() + PATIENCE
    while site.calls < calls:
        assert time.monotonic() < end, f"{site.calls} calls after {PATIENCE} s"
        time.sleep(0.002)


@pytest.mark.parametrize("share", [0.3, 0.75])
def test_after_kill_9_the_next_run_makes_the_missing_calls(tmp_path: Path, share: float) -> None:
    with serving(tmp_path / "data", latency=0.02) as site:
        fewest = fewest_calls(site.simulator.fleet, FIRST, LAST)
        process = started(site, FIRST, LAST)
        wait_for_calls(site, int(fewest * share))
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(PATIENCE) == -signal.SIGKILL
        run = site.collect(FIRST, LAST)
        assert run.summary.complete == run.summary.partitions
        assert fewest <= site.calls <= fewest + THREADS
        pipeline = site.pipeline()
        states = [row["state"] for portion in pipeline.ledger.iter_calls() for row in portion]
        assert states.count("lost") <= THREADS and "in_flight" not in states
        assert pipeline.quotas()[""].used == len(states) >= site.calls
        pipeline.ledger.close()
        one_go = Site(site.simulator, site.url, site.clock, tmp_path / "one_go")
        one_go.collect(FIRST, LAST)
        assert (
            one_go.frame("system_hourly_energy")
            .drop(columns="call_id")
            .equals(site.frame("system_hourly_energy").drop(columns="call_id"))
        )
        written = {name for name in site.digest() if not name.startswith(".staging")}
        assert written == one_go.digest().keys(), "nothing half-written lies about"


def test_two_processes_share_the_calls_of_one_range(tmp_path: Path) -> None:
    with serving(tmp_path / "data", latency=0.01) as site:
        processes = [started(site, FIRST, LAST) for _ in range(2)]
        assert [process.wait(PATIENCE) for process in processes] == [0, 0]
        assert site.calls == fewest_calls(site.simulator.fleet, FIRST, LAST)
        assert site.collect(FIRST, LAST).summary.calls == 0
        before = site.digest()
        site.collect(FIRST, LAST)
        assert site.digest() == before
