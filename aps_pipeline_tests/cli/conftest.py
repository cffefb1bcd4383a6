"""`aps` with its own environment, against a simulator that lives in the present."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from aps_pipeline.cli import main
from aps_pipeline.simulator import Simulator
from aps_pipeline_tests.sites import Site, serving
from aps_pipeline_tests.warehouse.lean import only_marts


@dataclass
class Shell:
    """Runs `aps` as a user would; `changes` are environment variables."""

    site: Site

    @property
    def environment(self) -> dict[str, str]:
        simulator: Simulator = self.site.simulator
        own = {name: value for name, value in os.environ.items() if not name.startswith("APS_")}
        return own | {
            "APS_BASE_URL": self.site.url,
            "APS_APP_ID": simulator.app_id,
            "APS_APP_SECRET": simulator.app_secret,
            "APS_SYSTEM_IDS": ",".join(simulator.fleet.system_ids),
            "APS_DATA_DIR": str(self.site.data_dir),
            "APS_MONTHLY_CALLS": "100000",
            "APS_CALLS_PER_SECOND": "2000",
        }

    def __call__(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Call `main` in this process, which saves the seconds that Python needs to start."""
        folder, out, err = self.site.data_dir.parent, io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, {**self.environment, **changes}, clear=True),
            mock.patch.object(sys, "argv", ["aps", *words]),
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _as_it_was(),
        ):
            try:
                main()
                code: Any = 0
            except SystemExit as end:
                code = end.code or 0
        return subprocess.CompletedProcess(["aps", *words], code, out.getvalue(), err.getvalue())

    def process(self, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """Run it in a process of its own."""
        return subprocess.run(
            [sys.executable, "-c", "from aps_pipeline.cli import main; main()", *words],
            env={**self.environment, **changes},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=self.site.data_dir.parent,
        )

    def json(self, *words: str, **changes: str) -> Any:
        run = self(*words, "--json", **changes)
        assert "Traceback" not in run.stderr
        return json.loads(run.stdout)


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Put back what `main` sets for the whole process."""
    handler, thresholds = signal.getsignal(signal.SIGTERM), gc.get_threshold()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        gc.set_threshold(*thresholds)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Site]:
    """A simulator whose clock runs, as those of other processes do."""
    with serving(tmp_path / "kept", now=None, signing_clock=None) as site:
        yield site


@pytest.fixture
def without_marts() -> Iterator[None]:
    """Let a run build its warehouse without marts, where the test reads none."""
    with only_marts():
        yield


@pytest.fixture
def without_warehouse() -> Iterator[None]:
    """Let a run build no warehouse, where the test is about its calls."""
    with mock.patch("aps_pipeline.cli.backfill.build_warehouse"):
        yield


@pytest.fixture
def aps(live: Site) -> Shell:
    return Shell(live)
