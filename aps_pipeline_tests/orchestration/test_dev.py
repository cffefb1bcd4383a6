"""Where the Dagster UI keeps its runs, and what `aps ui` starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from aps_pipeline.cli.app import ui
from aps_pipeline.orchestration import dev


def test_the_ui_shows_ones_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, words: started.append(words))
    ui(3001)
    ((_, _, module, *words),) = started
    assert module == dev.__name__

    ports: list[int] = []

    def run_ui(port: int) -> int:
        ports.append(port)
        return 0

    monkeypatch.setenv("APS_DATA_DIR", str(tmp_path / "mine"))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setattr(sys, "argv", ["dev", *words])
    monkeypatch.setattr(dev, "_run_ui", run_ui)
    assert dev.main() == 0 and ports == [3001]
    home = Path(os.environ["DAGSTER_HOME"])
    assert home == tmp_path / "mine" / "dagster" and (home / "dagster.yaml").is_file()


def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APS_PROFILE", "rich")
    monkeypatch.setattr(sys, "argv", ["dev", "--own"])
    assert dev.main() == 2
    assert "APS_PROFILE" in capsys.readouterr().err
