"""Every error with a sentence for the user has one root, which carries the exit code."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import ClassVar


class Exit(IntEnum):
    """What the shell learns from a command."""

    COMPLETE = 0
    BUG = 1
    USAGE = 2
    INCOMPLETE = 3
    ACCOUNT = 4
    REFUSED = 5
    BUSY = 6
    STORAGE = 7
    REMOTE = 8


class PipelineError(Exception):
    """An expected error: its message is a sentence for the user. Anything else is a bug of ours."""

    exit_code: ClassVar[Exit] = Exit.USAGE


class FailureKind(StrEnum):
    """Why a request has no good answer; the first one met in a run decides its exit code."""

    ACCOUNT = "account"
    """Account, permission or signature."""
    REFUSED = "refused"
    """An answer came that cannot be right, or the API does not accept the request."""
    REMOTE = "remote"
    """No usable answer came."""
    QUOTA = "quota"
    """The quota or --max-calls is used up: healthy, to be continued."""
    DEFERRED = "deferred"
    """The server wants to be left alone for a while."""

    @property
    def exit_code(self) -> Exit:
        """The exit code of a run that met it."""
        healthy = self in (FailureKind.QUOTA, FailureKind.DEFERRED)
        return Exit.INCOMPLETE if healthy else Exit[self.name]
