from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.home import prepare_home
from aps_pipeline.orchestration.partitions import RANGE_END, RANGE_START
from aps_pipeline.orchestration.resources import RESOURCE, ApsResource
from aps_pipeline_tests.sites import Site, settings_for

START = date(2024, 2, 1)


def key_of(table: str | dg.AssetKey) -> dg.AssetKey:
    """The asset of a table of core, or the asset itself."""
    return dg.AssetKey(["core", table]) if isinstance(table, str) else table


@cache
def assets() -> list[dg.AssetsDefinition]:
    """Every asset from START on, made once: what they work on comes as a resource."""
    made = build_definitions(START, ApsResource()).assets or ()
    return [each for each in made if isinstance(each, dg.AssetsDefinition)]


@dataclass
class Told:
    """What a run told Dagster."""

    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult

    @property
    def success(self) -> bool:
        return self.result.success

    def events(self, table: str | dg.AssetKey) -> dict[str | None, dict[str, object]]:
        """The metadata of each materialization of a table by partition, in order; there is one of each."""
        found: dict[str | None, dict[str, object]] = {}
        logs = self.instance.all_logs(self.result.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        for log in logs:
            assert log.asset_materialization
            if log.asset_materialization.asset_key == key_of(table):
                assert log.asset_materialization.partition not in found, log.asset_materialization.partition
                metadata = log.asset_materialization.metadata
                found[log.asset_materialization.partition] = {
                    name: value.value for name, value in metadata.items()
                }
        return found

    @property
    def failure(self) -> str:
        """What the one failed step said."""
        (event,) = self.result.filter_events(lambda event: event.is_step_failure)
        assert event.step_failure_data.user_failure_data
        return event.step_failure_data.user_failure_data.description or ""


@dataclass
class Dagster:
    """Dagster on top of a simulated account."""

    site: Site
    instance: dg.DagsterInstance

    @property
    def access(self) -> ApsResource:
        settings = settings_for(self.site.simulator, self.site.url, self.site.data_dir)
        return ApsResource(lambda: settings, open=lambda _: self.site.pipeline())

    def run(self, tables: Sequence[str | dg.AssetKey], first: str = "", last: str = "", **tags: str) -> Told:
        """One run over a range of partitions, or without any."""
        keys = [key_of(table) for table in tables]
        ranged = {RANGE_START: first, RANGE_END: last or first} if first else {}
        return Told(
            self.instance,
            dg.materialize(
                assets(),
                selection=dg.AssetSelection.assets(*keys),
                resources={RESOURCE: self.access},
                instance=self.instance,
                tags=ranged | {name.replace("_", "/", 1): value for name, value in tags.items()},
                raise_on_error=False,
            ),
        )


@pytest.fixture(scope="session")
def home_of_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose databases have their tables: a copy of it opens five times as fast as a new one."""
    home = prepare_home(tmp_path_factory.mktemp("dagster") / "home")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert instance.get_runs() == []
    return home


@pytest.fixture
def home(home_of_session: Path, tmp_path: Path) -> Path:
    """A home of this test alone."""
    copy = shutil.copytree(home_of_session, tmp_path / "home", ignore=shutil.ignore_patterns("dagster.yaml"))
    return prepare_home(copy)


@pytest.fixture
def dagster(site: Site) -> Iterator[Dagster]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Dagster(site, instance)
