"""What assets need to work: settings and a pipeline, both opened when an asset runs and closed after it.

Settings are read at run time and are no part of any run config, so that Dagster, which keeps run configs in
the clear, never sees a secret.
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
"""The key under which assets find their `Access`."""


class Watch(Protocol):
    """Somebody who wants to know how far a run is: `progress.PartitionProgress` is one."""

    def planned(self, partitions: int, calls: int) -> None:
        """How much work is ahead."""

    def advance(self, name: str, calls: int) -> None:
        """One partition is through; it cost so many calls."""


class Nobody:
    """Nobody watches."""

    def planned(self, partitions: int, calls: int) -> None:
        """Nothing."""

    def advance(self, name: str, calls: int) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Access:
    """How an asset comes to settings and pipeline, and who watches it work."""

    settings: Callable[[], Settings] = load_settings
    watch: Watch = field(default_factory=Nobody)
    open: Callable[[Settings], Pipeline] = open_pipeline

    @contextmanager
    def pipeline(self) -> Iterator[tuple[Settings, Pipeline]]:
        """The settings and the pipeline they describe. Raises SettingsError, LedgerError, StorageError."""
        settings = self.settings()
        pipeline = self.open(settings)
        try:
            yield settings, pipeline
        finally:
            pipeline.ledger.close()
