"""The directory in which Dagster keeps runs and events: DAGSTER_HOME."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

NAME = "dagster.yaml"


def template(home: Path) -> str:
    """Read the settings that suit this pipeline, for an instance in `home`."""
    text = resources.files(__package__).joinpath(NAME).read_text("utf-8")
    return text.replace("DAGSTER_HOME/history/runs", json.dumps(str(home / "history" / "runs")))


def prepare_home(path: Path) -> Path:
    """Make DAGSTER_HOME with our settings, unless it has some; return it absolute. Raises OSError."""
    home = path.absolute()
    home.mkdir(parents=True, exist_ok=True)
    settings = home / NAME
    if not settings.exists():
        settings.write_text(template(home), "utf-8")
    return home
