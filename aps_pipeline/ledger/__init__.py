"""The ledger: every call ever made, and every body that came back. The only state there is.

A row is written before a call is sent and finished after it. What is answered, what is absent, what failed
and how much quota is used are questions to these rows. SQLite by default, PostgreSQL by URL.
"""

from __future__ import annotations

from aps_pipeline.ledger.bodies import BodyFault, Refusal
from aps_pipeline.ledger.errors import (
    AlreadyAnsweredError,
    InFlightError,
    LedgerBusyError,
    LedgerError,
    MixedDataError,
    QuotaExhaustedError,
)
from aps_pipeline.ledger.figures import FigureRow, StoredFigure, UnreadAnswer
from aps_pipeline.ledger.quota import Account, Quota, quota_month, resets_utc
from aps_pipeline.ledger.records import (
    Attempt,
    CallState,
    Change,
    Finish,
    GoodCall,
    News,
    NewsKind,
    Revision,
    Succession,
)
from aps_pipeline.ledger.rests import AccountRest
from aps_pipeline.ledger.store import Ledger

__all__ = [
    "Account",
    "AccountRest",
    "AlreadyAnsweredError",
    "Attempt",
    "BodyFault",
    "CallState",
    "Change",
    "FigureRow",
    "Finish",
    "GoodCall",
    "InFlightError",
    "Ledger",
    "LedgerBusyError",
    "LedgerError",
    "MixedDataError",
    "News",
    "NewsKind",
    "Quota",
    "QuotaExhaustedError",
    "Refusal",
    "Revision",
    "StoredFigure",
    "Succession",
    "UnreadAnswer",
    "quota_month",
    "resets_utc",
]
