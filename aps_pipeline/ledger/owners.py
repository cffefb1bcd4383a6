"""Which process a call in flight belongs to, and whether that process still runs."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timedelta
from functools import cache

import psutil

LEASE = timedelta(minutes=15)
"""Longer than any call may take; a call in flight for longer has lost its process."""


def this_process() -> str:
    """Host, process id and start time: unlike the id alone, not used twice."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> str:
    return f"{platform.node()}|{pid}|{psutil.Process(pid).create_time():.2f}"


def is_gone(owner: str, sent: datetime, now: datetime) -> bool:
    """Whether the process that reserved a call at `sent` can no longer finish it."""
    if now - sent > LEASE:
        return True
    host, pid, started = owner.rsplit("|", 2)
    if host != platform.node():
        return False  # cannot be seen from here: its lease decides
    try:
        return f"{psutil.Process(int(pid)).create_time():.2f}" != started
    except psutil.NoSuchProcess:
        return True
