"""What can go wrong with alerts; no message shows an address, for it may hold a password.

Exception
└── AlertError
    ├── BadAddressError    an address of APS_ALERT_URLS cannot be used
    ├── NotSentError       an address took no message; the next look tries again
    └── UnreadableError    the conditions, or what was told before, cannot be read or kept
"""

from __future__ import annotations

from aps_pipeline.errors import Exit, PipelineError


class AlertError(PipelineError):
    """Alerts cannot be raised; one sentence for the user."""


class BadAddressError(AlertError):
    """An address of APS_ALERT_URLS cannot be used; the message names its position."""


class NotSentError(AlertError):
    """An address took no message; what it was to hear waits for the next look."""

    exit_code = Exit.REMOTE


class UnreadableError(AlertError):
    """The conditions, or what was told before, cannot be read or kept."""

    exit_code = Exit.STORAGE
