"""What `aps` loads before it does anything: help, version and completion wait for nothing that works."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer
from typer.core import TyperGroup

from aps_pipeline.cli import app
from aps_pipeline.cli.options import PROFILE_NAMES
from aps_pipeline.tables import PROFILES

HEAVY = {
    *("alembic", "altair", "apprise", "dagster", "duckdb", "jinja2", "numpy", "pandas", "pvlib", "pyarrow"),
    *("pydantic", "requests", "rich", "sqlalchemy", "yaml"),
}
RUN = "from aps_pipeline.cli import main; main()"
LIST_MODULES = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {RUN}"


def _run(code: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def _commands(group: TyperGroup, *path: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*path, name))
        if isinstance(command, TyperGroup):
            found += _commands(command, *path, name)
    return found


GROUP = typer.main.get_command(app)
assert isinstance(GROUP, TyperGroup)
COMMANDS = _commands(GROUP)


@pytest.mark.parametrize(
    "words", [("--help",), ("--version",), *((*path, "--help") for path in COMMANDS)], ids=" ".join
)
def test_help_works_and_loads_nothing_that_a_command_works_with(words: tuple[str, ...]) -> None:
    run = _run(LIST_MODULES, *words)
    assert run.returncode == 0, run.stderr
    loaded = run.stderr.split()
    assert "typer" in loaded
    assert not HEAVY & {name.partition(".")[0] for name in loaded}
    if words[-1] == "--help":
        assert run.stdout.startswith(f"Usage: {' '.join(('-c', *words[:-1]))} ")
    else:
        assert run.stdout.startswith("aps ")


def test_the_shell_completes_commands_and_profiles() -> None:
    def complete(line: str) -> list[str]:
        words = {"_APS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        return _run(f"import sys; sys.argv[0] = 'aps'; {RUN}", **words).stdout.split()

    assert complete("aps re") == ["refresh", "rebuild", "report"]
    assert complete("aps refresh --profile l") == ["lean"]


def test_profiles_are_called_as_their_declarations() -> None:
    assert tuple(PROFILES) == PROFILE_NAMES
