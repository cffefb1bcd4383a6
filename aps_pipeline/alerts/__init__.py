"""Alerts: one message when something goes wrong on a roof, one when it recovers, none in between.

Read is `mart.conditions` and nothing else; no call is made. What each address has been told is kept in one
small file in the data directory, so the sensor and `aps alerts` never say a thing twice.

Where do I go to …?
    see what a condition is             `conditions`; its SQL is warehouse/sql/conditions.sql
    change when a message is raised     `changes`, pure
    change what a message says          `message`, pure
    see how it is sent                  `sending`, the only importer of apprise
    see what is remembered              `told`
    follow a look from start to end     `looking`
"""

from __future__ import annotations

from aps_pipeline.alerts.changes import Alert, Condition, Kind, Observation, Subject, changes, next_sent_state
from aps_pipeline.alerts.errors import AlertError, BadAddressError, NotSentError, UnreadableError
from aps_pipeline.alerts.message import Message, message_of
from aps_pipeline.alerts.run import AlertRun, preview, run_alerts

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
