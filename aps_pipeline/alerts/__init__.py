"""Alerts: one message when something goes wrong on a roof, one when it recovers, none in between.

Read is `mart.conditions` and nothing else; no call is made. What each address has been told is kept in one
small file in the data directory, so the sensor and `aps alerts` never say a thing twice.

Where do I go to …?
    see what a condition is             `changes`; its SQL is warehouse/sql/conditions.sql
    change when a message is raised     `changes`
    change what a message says          `message`, pure
    see how it is sent                  `send`, the only importer of apprise
    follow a look from start to end     `run`, which also remembers what was told
"""

from __future__ import annotations

from aps_pipeline.alerts.changes import (
    Alert,
    AlertError,
    Condition,
    Kind,
    Observation,
    Subject,
    UnreadableError,
    changes,
    next_sent_state,
)
from aps_pipeline.alerts.message import Message, message_of
from aps_pipeline.alerts.run import AlertRun, preview, run_alerts
from aps_pipeline.alerts.send import BadAddressError, NotSentError

__all__ = [
    "Alert",
    "AlertError",
    "AlertRun",
    "BadAddressError",
    "Condition",
    "Kind",
    "Message",
    "NotSentError",
    "Observation",
    "Subject",
    "UnreadableError",
    "changes",
    "message_of",
    "next_sent_state",
    "preview",
    "run_alerts",
]
