"""`aps ui`: the Dagster UI on one's own data."""

from __future__ import annotations

import os
import sys


def ui(port: int) -> None:
    """Become the process of the UI, for this package does not know Dagster. Ctrl-C and signals reach it."""
    own = [sys.executable, "-m", "aps_pipeline.orchestration.dev", "--own", "--port", str(port)]
    os.execv(sys.executable, own)  # noqa: S606 - our own interpreter and fixed words
