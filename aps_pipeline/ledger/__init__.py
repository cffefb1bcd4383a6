"""The ledger: every call ever made, and every body that came back. The only state there is.

A row is written before a call is sent and finished after it. What is answered, what is absent, what failed
and how much quota is used are requests to these rows. SQLite by default, PostgreSQL by URL.
"""

from __future__ import annotations

from aps_pipeline.ledger.bodies import BodyFault, Refusal
from aps_pipeline.ledger.diffs import FigureRow, StoredFigure, UnreadAnswer
from aps_pipeline.ledger.errors import (
    AlreadyAnsweredError,
    InFlightError,
    LedgerBusyError,
    LedgerError,
    MixedDataError,
    QuotaExhaustedError,
)
from aps_pipeline.ledger.quota import AccountRest, Quota, QuotaAccount, quota_month, resets_utc
from aps_pipeline.ledger.records import (
    AnswerDiff,
    AnswerPair,
    Attempt,
    CallEnd,
    CallState,
    DriftEvent,
    DriftKind,
    GoodCall,
    RowDiff,
)
from aps_pipeline.ledger.store import Ledger

__all__ = [
    "AccountRest",
    "AlreadyAnsweredError",
    "AnswerDiff",
    "AnswerPair",
    "Attempt",
    "BodyFault",
    "CallEnd",
    "CallState",
    "DriftEvent",
    "DriftKind",
    "FigureRow",
    "GoodCall",
    "InFlightError",
    "Ledger",
    "LedgerBusyError",
    "LedgerError",
    "MixedDataError",
    "Quota",
    "QuotaAccount",
    "QuotaExhaustedError",
    "Refusal",
    "RowDiff",
    "StoredFigure",
    "UnreadAnswer",
    "quota_month",
    "resets_utc",
]
