"""A simulator in a process of its own: it counts what it is asked, and does not outlive who started it."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from aps_pipeline.simulator import Simulator, healthy_fleet, serving_apart
from aps_pipeline_tests.simulator.caller import get


def test_it_answers_for_its_fleet_and_counts_signed_calls() -> None:
    fleet = healthy_fleet()
    simulator = Simulator(fleet)
    with serving_apart(fleet, seed=1) as (url, count):
        assert count() == 0
        answer, text = get(simulator, url, f"details/{fleet.system_ids[0]}")
        assert answer.headers["X-APS-Simulator"] == "1"
        assert fleet.system_ids[0] in text.decode()
        assert count() == 1
    assert not psutil.Process().children()


SCRIPT = """
import sys
from aps_pipeline.simulator import healthy_fleet, serving_apart
with serving_apart(healthy_fleet(), seed=1) as (url, count):
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_it_ends_when_who_started_it_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline().startswith("http://127.0.0.1:")
        children = psutil.Process(starter.pid).children()
        assert children
        starter.kill()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive
