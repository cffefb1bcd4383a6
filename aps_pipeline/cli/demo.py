"""`aps demo`: backfill a simulated fleet through Dagster."""

from __future__ import annotations

import subprocess
import sys


def demo(as_json: bool) -> int:
    """Run the demo in a process of its own: it goes through Dagster, which this package does not know."""
    command = [sys.executable, "-m", "aps_pipeline.orchestration.demo", *(["--json"] if as_json else [])]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - fixed words
