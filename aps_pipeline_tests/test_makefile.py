"""What `make` installs for each command: no more than that needs, with uv, and with pip where that fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

KINDS = {
    "postgres": ("install", "demo", "dev", "ui", "docs"),
    "dev,postgres": ("test", "coverage", "lint", "check", "quick", "bench"),
    "notebooks,postgres": ("notebook",),
}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


class Clone:
    """A folder with the Makefile, and a `.venv` whose programs only write down what they were told."""

    def __init__(self, folder: Path, *, with_uv: bool) -> None:
        self.folder, self.log = folder, folder / "log"
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder / name)
        programs = folder / ".venv" / "bin"
        for each in (programs, folder / "docs"):
            each.mkdir(parents=True)
        script = f'#!/bin/sh\necho "$@" >> {self.log}\n'
        script += "" if with_uv else 'case "$*" in *uv*) exit 1;; esac\n'
        for name in ("python", "aps", "dagster", "jupyter", "ruff", "mypy", "lint-imports", "dg"):
            (programs / name).write_text(script)
            (programs / name).chmod(0o755)

    def make(self, *words: str) -> list[str]:
        """Run it, and return what was installed."""
        self.log.write_text("")
        command = ["make", f"PYTHON={sys.executable}", *words]
        own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        subprocess.run(command, cwd=self.folder, env=own, check=True, capture_output=True, timeout=60)
        return [line for line in self.log.read_text().splitlines() if "pip install" in line]


@pytest.mark.parametrize(
    ("target", "extras"), [(target, extras) for extras, targets in KINDS.items() for target in targets]
)
def test_a_command_installs_what_it_needs_once(tmp_path: Path, target: str, extras: str) -> None:
    clone = Clone(tmp_path, with_uv=True)
    uv, everything = clone.make(target)
    assert uv.endswith("--constraint constraints.txt uv")
    assert everything.startswith("-m uv pip install ")
    assert everything.endswith(f"--constraint constraints.txt --editable .[{extras}]")
    assert clone.make(target) == []


def test_pip_installs_the_same_where_uv_cannot(tmp_path: Path) -> None:
    *_, last = Clone(tmp_path, with_uv=False).make("install")
    assert last.startswith("-m pip install ")
    assert last.endswith("--constraint constraints.txt --editable .[postgres]")


def test_what_is_installed_follows_the_constraints(tmp_path: Path) -> None:
    clone = Clone(tmp_path, with_uv=True)
    clone.make("demo")
    newer = (tmp_path / ".venv" / ".installed-use").stat().st_mtime_ns + 2_000_000_000
    os.utime(tmp_path / "constraints.txt", ns=(newer, newer))
    assert len(clone.make("demo")) == 2
