from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from aps_pipeline.config import Settings
from aps_pipeline.orchestration.definitions import definitions_of
from aps_pipeline.orchestration.partitions import RANGE_END, RANGE_START
from aps_pipeline.orchestration.resources import RESOURCE, Access
from aps_pipeline.orchestration.simulated import simulated_settings
from aps_pipeline.simulator import Fleet, Simulator, awkward_fleet, demo_fleet

START = date(2024, 2, 1)
TODAY = datetime(2026, 1, 15, 11, 7, tzinfo=UTC)


@dataclass
class Bench:
    """A simulator, the settings that lead to it, and Dagster on top."""

    simulator: Simulator
    settings: Settings
    instance: dg.DagsterInstance

    @property
    def calls(self) -> int:
        return self.simulator.counts.total

    def access(self) -> Access:
        return Access(lambda: self.settings)

    def run(
        self,
        tables: Sequence[str],
        first: str = "",
        last: str = "",
        tags: dict[str, str] | None = None,
        instance: dg.DagsterInstance | None = None,
    ) -> dg.ExecuteInProcessResult:
        ranged = {RANGE_START: first, RANGE_END: last or first} if first else {}
        keys = [["warehouse"] if table == "warehouse" else ["core", table] for table in tables]
        return dg.materialize(
            [each for each in definitions_of(START, self.access()).assets or () if _is_asset(each)],
            selection=dg.AssetSelection.assets(*keys),
            resources={RESOURCE: self.access()},
            instance=instance or self.instance,
            tags=ranged | (tags or {}),
            raise_on_error=False,
        )


def _is_asset(each: object) -> bool:
    return isinstance(each, (dg.AssetsDefinition, dg.AssetSpec))


NewBench = Callable[[Fleet], Bench]


@pytest.fixture
def new_bench(tmp_path: Path) -> Iterator[NewBench]:
    """Makes a bench for a fleet; its Dagster lives in memory."""
    import contextlib

    with contextlib.ExitStack() as stack:

        def make(fleet: Fleet) -> Bench:
            simulator = Simulator(fleet=fleet, seed=1, signing_clock=None)
            url = stack.enter_context(simulator.serving())
            settings = simulated_settings(simulator, url, tmp_path / "data", START)
            instance = stack.enter_context(dg.DagsterInstance.ephemeral())
            return Bench(simulator, settings, instance)

        yield make


@pytest.fixture
def bench(new_bench: NewBench) -> Bench:
    """One system with one ECU, in Paris since 2022-03-17."""
    return new_bench(Fleet(demo_fleet().systems[:1]))


@pytest.fixture
def awkward(new_bench: NewBench) -> Bench:
    """One system in New York since 2025-02-14."""
    return new_bench(Fleet(awkward_fleet().systems[1:]))


def events_of(result: dg.ExecuteInProcessResult, table: str) -> dict[str | None, dg.AssetMaterialization]:
    """The materializations of a table in the order in which they came, by partition; each once."""
    found: dict[str | None, dg.AssetMaterialization] = {}
    for event in result.get_asset_materialization_events():
        if event.asset_key == dg.AssetKey(["core", table]):
            assert event.partition not in found, event.partition
            found[event.partition] = event.step_materialization_data.materialization
    return found


def facts(event: dg.AssetMaterialization) -> dict[str, object]:
    return {name: value.value for name, value in event.metadata.items()}


def failure_of(result: dg.ExecuteInProcessResult) -> dg.StepExecutionFailure | object:
    """What the one failed step said."""
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data
