"""The house's own rules: who imports whom, how long a module is, and that what is written down is true."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

from aps_pipeline.cli import app
from aps_pipeline.config import Settings
from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.parse import INVENTORY_PARSERS, PARSERS
from aps_pipeline.tables import FETCHED, TABLES, TYPE_NAMES

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "aps_pipeline").rglob("*.py"))
TRACKED_TEXT = [
    ROOT / name
    for name in (
        "README.md",
        "ARCHITECTURE.md",
        ".env.example",
        "aps_pipeline/examples/fleet.toml",
        "constraints.txt",
    )
]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_import_contracts_hold() -> None:
    configure()  # its command line would disable the loggers that other tests read
    assert lint_imports(config_filename=str(ROOT / ".importlinter"), cache_dir=None)


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_modules_are_short_and_say_what_they_hold(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text)), "a module begins with what belongs into it"


@cache
def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("alembic", {"ledger"}),
        ("apprise", {"alerts"}),
        ("dagster", {"orchestration"}),
        ("duckdb", {"warehouse", "reports"}),
        ("requests", {"api"}),
        ("sqlalchemy", {"ledger"}),
        ("pydantic_settings", {"config.py"}),
        ("typer", {"cli"}),
    ],
)
def test_a_library_is_imported_in_its_home_only(library: str, homes: set[str]) -> None:
    users = {
        path.relative_to(ROOT / "aps_pipeline").parts[0] for path in MODULES if library in _imports(path)
    }
    assert users
    assert users <= homes


def test_only_settings_read_the_environment() -> None:
    readers = {
        _name(path)
        for path in MODULES
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text("utf-8"))
        and path.parent.name != "orchestration"  # starts Dagster's own processes with an environment
    }
    assert readers == set()


def test_every_table_has_a_parser_an_endpoint_and_a_meaning_for_each_column() -> None:
    for table in FETCHED:
        source = ENDPOINTS[table.source.endpoint]
        assert table.source.level in source.levels
        assert table.source.section == source.section
        assert (table.name in PARSERS) != (source.name in INVENTORY_PARSERS)
    for table in TABLES.values():
        names = [column.name for column in table.columns]
        assert set(table.keys) <= set(names)
        assert names[-1] == "call_id"
        assert all(column.meaning and column.type in TYPE_NAMES for column in table.columns)


def test_every_setting_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text("utf-8")
    listed = set(re.findall(r"^#?APS_([A-Z_]+)=", example, re.MULTILINE))
    assert listed == {name.upper() for name in Settings.model_fields}


def test_the_commands_of_the_contract_are_there() -> None:
    names = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    assert {
        "demo",
        "simulate",
        "doctor",
        "backfill",
        "refresh",
        "status",
        "verify",
        "rebuild",
        "report",
        "sql",
        "tables",
    } <= names


@pytest.mark.parametrize("path", TRACKED_TEXT, ids=_name)
def test_no_address_of_a_registry_and_no_path_of_a_machine(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(
        r"(?i)pypi\.org|files\.pythonhosted|registry\.npmjs|index-url|/work/|/root/|(?<!deploy)/home/", text
    )


def test_constraints_are_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-\[\]]+==[0-9A-Za-z.+!]+", line) for line in lines if line)
