"""The README's commands do what it says: each is run here against a simulator, or its own test is named."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from aps_pipeline.cli import app
from aps_pipeline.simulator import Fleet, Simulator
from aps_pipeline.simulator.fleet import Ecu, Inverter, System
from aps_pipeline.warehouse import query
from aps_pipeline_tests.sites import serving

ROOT = Path(__file__).parent.parent
README = re.sub(r"<!--.*?-->", "", (ROOT / "README.md").read_text("utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")

ID = "A000000000000001"
ECU = Ecu("203000000011", (Inverter(uid="702000000111"),))
FLEET = Fleet((System(ID, "Europe/Paris", 48.8, 2.3, date(2025, 12, 29), (ECU,)),))


@dataclass(frozen=True)
class Run:
    """Run `aps` with these words in this process; it ends with one of `codes`."""

    codes: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Name:
    """A command by its name, which needs more words; it is run with them."""


@dataclass(frozen=True)
class Do:
    """No command of ours: do in Python what it does."""

    act: Callable[[Path], object]


@dataclass(frozen=True)
class Recipe:
    """Look at each command of a recipe of the Makefile: it starts what runs until it is stopped."""

    target: str


@dataclass(frozen=True)
class Elsewhere:
    """A test of another file runs it."""

    path: str
    test: str


def _init(home: Path) -> None:
    simulator = Simulator(FLEET)
    keys = {"APP_ID": simulator.app_id, "APP_SECRET": simulator.app_secret, "SYSTEM_IDS": ID}
    said = CliRunner().invoke(app, ["init"], env={f"APS_{name}": value for name, value in keys.items()})
    assert said.exit_code == 0, said.output


def _look_with_duckdb(home: Path) -> None:
    with duckdb.connect(home / "simulated" / "warehouse.duckdb", read_only=True) as connection:
        assert connection.sql("from mart.daily_production").fetchall()


HOW: dict[str, Run | Name | Do | Recipe | Elsewhere] = {
    "make install": Recipe("install"),
    "aps init": Do(_init),
    "aps backfill --from 2025-01-01 --to 2025-12-31": Run(),
    "aps refresh": Run((0, 3)),  # a day that has just ended may not be there yet
    "aps plan": Run(),
    "aps status": Run(),
    "aps rebuild": Run(),
    "aps verify": Run(),
    "aps alerts": Run(),
    "aps doctor": Run(),
    "aps tables": Run(),
    'aps sql "from mart.daily_production"': Run(),
    'aps sql "from mart.daily_production" --format csv --output days.csv': Run(),
    f"aps export homeassistant --system {ID} --from 2025-12-01 --to 2025-12-31 --output hours.json": Run(),
    f"aps export pvoutput --system {ID} --from 2025-12-01 --to 2025-12-31 --output days.txt": Run(),
    "aps simulate": Run(),  # ends once it serves: see `home`
    "aps simulate --quota 1000 --rate 5 --latency 0.2 --fault html:0.01": Run(),
    "aps simulate --fleet awkward": Run(),
    "aps simulate --accounts 2": Run(),
    "aps backfill": Name(),
    "aps report": Name(),
    "aps sql": Name(),
    "aps export": Name(),
    "duckdb -readonly data/warehouse.duckdb": Do(_look_with_duckdb),
    "make demo": Elsewhere("end_to_end/test_demo.py", "test_a_year_is_paid_for_once"),
    "APS_DATA_DIR=data/demo aps report": Run(),
    "make dev": Recipe("dev"),
    "make test": Recipe("test"),
    "aps ui": Elsewhere("orchestration/test_dev.py", "test_the_ui_shows_ones_own_data"),
    "make notebook": Elsewhere("notebooks/test_notebooks.py", "test_it_runs_and_draws"),
}
"""How each command of the README is tested, in an order in which they can run."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> set[str]:
    """The lines of the shell blocks, and what stands in backticks and begins as a command does."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    lines += re.findall(r"`((?:\.venv/bin/|aps |make |dagster |duckdb |cp |APS_\w+=)[^`\n]*)`", README)
    found = (re.split(r"\s+#", line)[0].replace(".venv/bin/", "").strip() for line in lines)
    return {command for command in found if command} - {
        "make docs"
    }  # how two tables say where they come from


def recipe(target: str) -> list[list[str]]:
    """The words of each command of a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE)
    assert found, f"the Makefile has no target {target}"
    return [shlex.split(line.strip().removeprefix("@")) for line in found[1].splitlines()]


def options_of(command: typer.core.TyperCommand | TyperGroup) -> set[str]:
    own = {option for parameter in command.params for option in parameter.opts}
    return own.union(*map(options_of, command.commands.values())) if isinstance(command, TyperGroup) else own


def test_every_command_of_the_readme_is_tested() -> None:
    assert commands() == set(HOW)
    assert set(re.findall(r"^```(.+)$", README, re.MULTILINE)) == {"sh", "sql", "python"}


def test_every_option_that_it_names_is_there() -> None:
    named = set(re.findall(r"`(--[a-z-]+)[^`]*`", README))
    assert named >= {"--again", "--month", "--quick", "--send", "--tables"}
    assert named <= options_of(typer.main.get_command(app))  # type: ignore[arg-type]


def test_every_command_takes_json_except_the_simulator() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert {name for name, command in commands.items() if "--json" not in options_of(command)} == {
        "simulate",
        "ui",
    }


@pytest.mark.parametrize("how", [how for how in HOW.values() if isinstance(how, Elsewhere)])
def test_a_test_that_runs_elsewhere_is_there(how: Elsewhere) -> None:
    assert f"\ndef {how.test}(" in (ROOT / "aps_pipeline_tests" / how.path).read_text("utf-8")


@pytest.mark.parametrize("command", [each for each in HOW if each.startswith("make ")])
def test_what_a_target_starts_is_there(command: str) -> None:
    target = command.removeprefix("make ")
    installed = " ".join(requires("aps-pipeline") or [])
    for words in recipe(target):
        program = next(word for word in words if not re.match(r"[A-Z_]+=", word))
        name = program.removeprefix("$(BIN)/")
        if name == "python" and words[words.index(program) + 1] == "-m":
            assert find_spec(words[words.index(program) + 2]), words
        elif name == "aps":
            assert words[-1] in typer.main.get_command(app).commands, words  # type: ignore[attr-defined]
        else:
            assert name in installed, words


def test_the_workspace_is_the_one_of_our_definitions() -> None:
    module = re.search(r"module_name: (\S+)", (ROOT / "workspace.yaml").read_text("utf-8"))
    assert module and find_spec(module[1])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, with a simulator in place of the API; `aps simulate` ends once it serves."""

    def serve_forever(self: Simulator, _port: int, ready: Callable[[str], None]) -> None:
        with self.serving() as url:
            ready(url)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Simulator, "serve_forever", serve_forever)
    with serving(tmp_path, fleet=FLEET, now=None, signing_clock=None) as site:
        monkeypatch.setenv("APS_BASE_URL", site.url)
        monkeypatch.setenv("APS_DATA_DIR", "simulated")  # the default is for real data only
        monkeypatch.setenv("APS_CALLS_PER_SECOND", "2000")
        yield tmp_path


@pytest.mark.slow
def test_the_commands_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command, how in HOW.items():
        if isinstance(how, Do):
            how.act(home)
        elif isinstance(how, Name):
            said = CliRunner().invoke(app, [*shlex.split(command)[1:], "--help"])
            assert said.exit_code == 0 and f"Usage: {command}" in said.output, command
        elif isinstance(how, Run):
            _run(command, how, home, monkeypatch)
    assert {path.name for path in home.iterdir()} >= {"days.csv", "days.txt", "hours.json", "simulated"}
    _ask(home / "simulated" / "warehouse.duckdb")


def _run(command: str, how: Run, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(command)
    with monkeypatch.context() as own:
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            own.setenv(name, value)
            shutil.copytree(home / "simulated", home / value)  # a small demo
        assert words.pop(0) == "aps"
        result = CliRunner().invoke(app, words)
    assert result.exit_code in how.codes, (command, result.output, result.exception)


def _ask(warehouse: Path) -> None:
    for sql in ";\n".join(blocks("sql")).split(";\n"):
        assert not sql.strip() or query(warehouse, sql).column_names, sql
    for inline in re.findall(r"`(select [^`]+)`", README):
        assert query(warehouse, inline).num_rows
    for code in blocks("python"):
        exec(code, {})
