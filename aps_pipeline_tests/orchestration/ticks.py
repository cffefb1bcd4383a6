"""Ticks of the autopilot on a simulated account, and what they ask for, done in process."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from aps_pipeline.config import Settings
from aps_pipeline.orchestration.definitions import build_definitions
from aps_pipeline.orchestration.resources import RESOURCE, ApsResource
from aps_pipeline.tables import PROFILES
from aps_pipeline_tests.sites import Site, settings_for


@dataclass
class Pilot:
    """The autopilot of a site, with the cursor that Dagster keeps for it; `chosen` are settings."""

    site: Site
    instance: dg.DagsterInstance
    start: date
    chosen: dict[str, Any]
    cursor: str | None = None
    made: dict[tuple[date, str], dg.Definitions] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return settings_for(self.site.simulator, self.site.url, self.site.data_dir, **self.chosen)

    @property
    def access(self) -> ApsResource:
        """The way to what is chosen when it is used."""
        return ApsResource(lambda: self.settings, open=lambda _: self.site.pipeline(**self.chosen))

    @property
    def definitions(self) -> dg.Definitions:
        kind = (self.start, self.settings.profile)
        if kind not in self.made:
            self.made[kind] = build_definitions(self.start, self.access, PROFILES[kind[1]])
        return self.made[kind]

    def tick(self) -> Any:
        """One evaluation, as the daemon makes it."""
        definitions = self.definitions
        sensor = definitions.resolve_sensor_def("autopilot")
        context = dg.build_sensor_context(
            self.instance, self.cursor, repository_def=definitions.get_repository_def()
        )
        told = sensor.evaluate_tick(context)
        self.cursor = told.cursor or self.cursor
        return told

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Do what a tick asked for."""
        assets = [a for a in self.definitions.assets or () if isinstance(a, dg.AssetsDefinition)]
        assert request.asset_selection
        return dg.materialize(
            assets,
            selection=dg.AssetSelection.assets(*request.asset_selection),
            resources={RESOURCE: self.access},
            instance=self.instance,
            tags=dict(request.tags),
            raise_on_error=False,
        )

    def turn_refresh_on(self) -> None:
        """What the switch in the UI does."""
        target = LoadableTargetOrigin(module_name="aps_pipeline.orchestration.definitions")
        location = ManagedGrpcPythonEnvCodeLocationOrigin(target, "aps_pipeline")
        origin = RemoteInstigatorOrigin(
            RemoteRepositoryOrigin(location, "__repository__"), instigator_name="daily_refresh"
        )
        data = ScheduleInstigatorData("30 12 * * *")
        state = InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data)
        self.instance.add_instigator_state(state)


def ranges(told: Any) -> list[tuple[set[str], str, str]]:
    """The tables and the range of each run that a tick asked for."""
    return [
        (
            {key.path[-1] for key in request.asset_selection},
            request.tags.get("dagster/asset_partition_range_start", ""),
            request.tags.get("dagster/asset_partition_range_end", ""),
        )
        for request in told.run_requests
    ]


def files(data_dir: Path) -> int:
    """Partitions in the lake."""
    return sum(1 for _ in (data_dir / "lake").rglob("*.parquet"))
