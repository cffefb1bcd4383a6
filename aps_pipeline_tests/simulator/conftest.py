from __future__ import annotations

from collections.abc import Iterator

import pytest

from aps_pipeline.simulator import Simulator
from aps_pipeline_tests.simulator.caller import frozen


@pytest.fixture(scope="session")
def sim() -> Simulator:
    """The demo fleet on 2026-01-15; nobody changes it."""
    return Simulator(now=frozen)


@pytest.fixture
def fresh() -> Simulator:
    """One for tests that count or break something."""
    return Simulator(now=frozen)


@pytest.fixture
def url(fresh: Simulator) -> Iterator[str]:
    with fresh.serving() as address:
        yield address
