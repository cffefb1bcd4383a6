"""The use-cases above ledger, API, parsers and lake: which calls are missing, make them, build partitions.

Callable from the CLI and from Dagster alike; see `Pipeline.collect`.
"""

from __future__ import annotations

from aps_pipeline.errors import FailureKind
from aps_pipeline.ingest.accounts import ApiAccount, NotConfiguredError
from aps_pipeline.ingest.coverage import MissingHistory, PlannedCalls
from aps_pipeline.ingest.fleet import KnownFleet
from aps_pipeline.ingest.pipeline import Pipeline
from aps_pipeline.ingest.results import Failure, PartitionResult, StopReason, Summary
from aps_pipeline.ingest.run import Wanted

__all__ = [
    "ApiAccount",
    "Failure",
    "FailureKind",
    "KnownFleet",
    "MissingHistory",
    "NotConfiguredError",
    "PartitionResult",
    "Pipeline",
    "PlannedCalls",
    "StopReason",
    "Summary",
    "Wanted",
]
