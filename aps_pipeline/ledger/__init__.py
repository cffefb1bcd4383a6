"""The ledger, the checkpoint that every run resumes from: all calls ever made, and the bodies that came back.

A row is written before a call is sent and finished after it, so runs are idempotent: what is answered is not
asked again. What is absent, what failed and how much quota is used are queries of these rows. There is no
other state. SQLite by default, PostgreSQL by URL.
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
    EqualAnswers,
    GoodCall,
    ReservedCall,
    RowDiff,
)
from aps_pipeline.ledger.schema import CALL_COLUMNS, DIFF_COLUMNS, DRIFT_COLUMNS
from aps_pipeline.ledger.store import Ledger

__all__ = [
    "CALL_COLUMNS",
    "DIFF_COLUMNS",
    "DRIFT_COLUMNS",
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
    "EqualAnswers",
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
    "ReservedCall",
    "RowDiff",
    "StoredFigure",
    "UnreadAnswer",
    "quota_month",
    "resets_utc",
]
