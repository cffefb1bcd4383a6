"""What a run says when it fails: one sentence for the user, and nothing that was set in secret.

Dagster keeps the text of every exception in the clear, so all of them pass through here.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from aps_pipeline.alerts import AlertError
from aps_pipeline.config import Settings, SettingsError
from aps_pipeline.ingest import NotConfiguredError, PartitionResult, Summary
from aps_pipeline.lake import InvalidRowsError, StorageError
from aps_pipeline.ledger import LedgerError, MixedDataError
from aps_pipeline.question import BadIdError
from aps_pipeline.reports import NothingToReportError, ReportNotWrittenError
from aps_pipeline.tables import Table
from aps_pipeline.warehouse import WarehouseError

EXPECTED = (
    AlertError,
    BadIdError,
    InvalidRowsError,
    LedgerError,
    MixedDataError,
    NotConfiguredError,
    NothingToReportError,
    ReportNotWrittenError,
    SettingsError,
    StorageError,
    WarehouseError,
)
"""Errors whose message is a sentence for the user."""

_NAMED = 8
_LONGEST_REASON = 400
_USER_IN_URL = re.compile(r"(?<=//)[^/@\s]+@")


@contextmanager
def told_plainly(settings: Settings | None = None) -> Iterator[None]:
    """Turn whatever is raised into a Failure without secrets, which Dagster does not retry."""
    try:
        yield
    except dg.Failure:
        raise
    except EXPECTED as error:
        told = redacted(str(error), settings)
    except Exception as error:  # noqa: BLE001 - its text may hold anything
        told = f"a bug in aps_pipeline: {type(error).__name__} at {_place(error)}; please report it"
    else:
        return
    raise dg.Failure(told, allow_retries=False) from None  # Dagster would keep the cause as it is


def redacted(text: str, settings: Settings | None) -> str:
    """The text without any secret of the settings and without what stands before the host of a URL."""
    for secret in settings.secrets if settings else ():
        text = text.replace(secret, "***")
    return _USER_IN_URL.sub("***@", text)


def _place(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno} in {last.name}"


def incomplete(
    table: Table, partitions: int, unfinished: Sequence[PartitionResult], summary: Summary
) -> dg.Failure:
    """The one failure of a run that left some of its partitions unfinished: which, why, and what to do."""
    named = [f"{each.key or table.name}: {each.remark[:_LONGEST_REASON]}" for each in unfinished[:_NAMED]]
    more = [f"and {len(unfinished) - _NAMED} more"] if len(unfinished) > _NAMED else []
    stopped = [f"calls ended early: {stop.message[:_LONGEST_REASON]}" for stop in summary.stops[:_NAMED]]
    what = f"{len(unfinished)} of {partitions} partitions of core.{table.name} are not complete"
    if not table.partition:
        what = f"core.{table.name} is not complete"
    advice = "run it again later, and only the missing calls are made"
    return dg.Failure(
        "\n".join([f"{what}; {advice}", *stopped, *named, *more]),
        metadata={
            "incomplete": len(unfinished),
            "complete": partitions - len(unfinished),
            "calls": summary.calls,
            "waiting": sum(each.waiting for each in unfinished),
            "failures": sum(len(each.failures) for each in unfinished),
        },
        allow_retries=False,
    )
