"""Fixtures for every package: no settings of the machine, a clock to turn, a simulator to collect from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aps_pipeline.config import Settings
from aps_pipeline.simulator import Simulator
from aps_pipeline_tests.sites import NOW, Clock, Site, a_fleet, real_time, settings_for


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("APS_"):
            monkeypatch.delenv(name)


@pytest.fixture
def clock() -> Clock:
    """2024-03-20 12:00 UTC, and stays there until somebody turns it."""
    return Clock(NOW)


@pytest.fixture
def simulator(clock: Clock) -> Simulator:
    """Two systems and three ECUs; answers at the time of `clock`."""
    return Simulator(a_fleet(), now=clock, signing_clock=real_time)


@pytest.fixture
def site(simulator: Simulator, clock: Clock, tmp_path: Path) -> Iterator[Site]:
    """That simulator on a port, with a data directory of its own."""
    with simulator.serving() as url:
        yield Site(simulator, url, clock, tmp_path / "data")


@pytest.fixture
def settings(site: Site) -> Settings:
    """Settings that collect from the simulator."""
    return settings_for(site.simulator, site.url, site.data_dir)
