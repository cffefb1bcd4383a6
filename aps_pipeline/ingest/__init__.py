"""The use-cases above ledger, API, parsers and lake: which calls are missing, make them, build partitions.

Callable from the CLI and from Dagster alike; see `Pipeline.collect`.
"""

from __future__ import annotations

from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.login import Login, NotConfiguredError
from aps_pipeline.ingest.missing import Missing
from aps_pipeline.ingest.outcomes import Failure, PartitionResult, Stop, Summary, Trouble
from aps_pipeline.ingest.pipeline import Pipeline
from aps_pipeline.ingest.planned import PlannedCalls
from aps_pipeline.ingest.run import Wanted

__all__ = [
    "Failure",
    "Fleet",
    "Login",
    "Missing",
    "NotConfiguredError",
    "PartitionResult",
    "Pipeline",
    "PlannedCalls",
    "Stop",
    "Summary",
    "Trouble",
    "Wanted",
]
