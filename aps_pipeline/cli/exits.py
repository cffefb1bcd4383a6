"""Exit codes: the contract's list, and which one an error or a run ends with."""

from __future__ import annotations

from enum import IntEnum

from aps_pipeline.alerts import BadAddressError, NotSentError, UnreadableError
from aps_pipeline.cli.files import OutputError
from aps_pipeline.config import SettingsError
from aps_pipeline.ingest import NotConfiguredError, Summary, Trouble
from aps_pipeline.lake import InvalidRowsError, StorageError
from aps_pipeline.ledger import LedgerBusyError, LedgerError, MixedDataError
from aps_pipeline.question import BadIdError
from aps_pipeline.reports import NothingToReportError, ReportNotWrittenError
from aps_pipeline.tables import UnknownTableError
from aps_pipeline.warehouse import NoWarehouseError, QueryError, WarehouseError


class Exit(IntEnum):
    """What the shell learns."""

    COMPLETE = 0
    BUG = 1
    USAGE = 2
    INCOMPLETE = 3
    ACCOUNT = 4
    REFUSED = 5
    BUSY = 6
    STORAGE = 7
    REMOTE = 8


_OF_ERROR: tuple[tuple[type[Exception], Exit], ...] = (
    (LedgerBusyError, Exit.BUSY),
    (LedgerError, Exit.STORAGE),
    (StorageError, Exit.STORAGE),
    (OutputError, Exit.STORAGE),
    (NoWarehouseError, Exit.USAGE),
    (NothingToReportError, Exit.USAGE),
    (ReportNotWrittenError, Exit.STORAGE),
    (BadAddressError, Exit.USAGE),
    (NotSentError, Exit.REMOTE),
    (UnreadableError, Exit.STORAGE),
    (WarehouseError, Exit.STORAGE),
    (InvalidRowsError, Exit.REFUSED),
    (SettingsError, Exit.USAGE),
    (NotConfiguredError, Exit.USAGE),
    (MixedDataError, Exit.USAGE),
    (UnknownTableError, Exit.USAGE),
    (BadIdError, Exit.USAGE),
    (QueryError, Exit.USAGE),
)

EXPECTED_ERRORS = tuple(kind for kind, _ in _OF_ERROR)
"""Errors with a sentence for the user; anything else is a bug of ours."""

_OF_TROUBLE = {
    Trouble.ACCOUNT: Exit.ACCOUNT,
    Trouble.REFUSED: Exit.REFUSED,
    Trouble.REMOTE: Exit.REMOTE,
    Trouble.QUOTA: Exit.INCOMPLETE,
    Trouble.DEFERRED: Exit.INCOMPLETE,
}
"""In the order in which they decide: the first one met is what the user must see to."""


def exit_of_error(error: Exception) -> Exit:
    """The exit code of an error."""
    return next((code for kind, code in _OF_ERROR if isinstance(error, kind)), Exit.BUG)


def exit_of_run(summary: Summary) -> Exit:
    """The exit code of a run."""
    met = summary.troubles
    worst = next((code for trouble, code in _OF_TROUBLE.items() if trouble in met), None)
    if worst is None:
        return Exit.COMPLETE if summary.complete == summary.partitions else Exit.INCOMPLETE
    return worst
