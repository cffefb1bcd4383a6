"""What assets need to work: settings and a pipeline, both opened when an asset runs and closed after it.

Settings are read at run time and are no part of any run config, so that Dagster, which keeps run configs in
the clear, never sees a secret. That is why `ApsResource` is a plain object and no `ConfigurableResource`:
assets take it as a parameter `aps: dg.ResourceParam[ApsResource]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from aps_pipeline.config import Settings, load_settings
from aps_pipeline.ingest import Pipeline
from aps_pipeline.wiring import open_pipeline

RESOURCE = "aps"
"""The key of the resource; a parameter of this name receives it."""


class Progress(Protocol):
    """Somebody who wants to know how far a run is: `progress.PartitionProgress` is one."""

    def set_total(self, partitions: int, calls: int) -> None:
        """Set how much work is ahead."""

    def advance(self, name: str, calls: int) -> None:
        """Count one partition as finished; it cost that many calls."""


class NullProgress:
    """A progress that nobody watches."""

    def set_total(self, partitions: int, calls: int) -> None:
        """Do nothing."""

    def advance(self, name: str, calls: int) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class ApsResource:
    """Gives an asset its settings and its pipeline, and shows its progress."""

    settings: Callable[[], Settings] = load_settings
    progress: Progress = field(default_factory=NullProgress)
    open: Callable[[Settings], Pipeline] = open_pipeline

    @contextmanager
    def pipeline(self) -> Iterator[tuple[Settings, Pipeline]]:
        """Open settings and the pipeline they describe. Raises SettingsError, LedgerError, StorageError."""
        settings = self.settings()
        pipeline = self.open(settings)
        try:
            yield settings, pipeline
        finally:
            pipeline.ledger.close()
