"""What the documents name is there: files, links, targets of make, and recipes that can be followed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"),
    *("data/README.md", "notebooks/README.md"),
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))),
]
WITH_PATHS = [name for name in DOCUMENTS if name != "docs/data-dictionary.md"]

MADE = {
    ".env",
    "alerts.json",
    "lake/",
    "ledger.sqlite",
    "warehouse.duckdb",
    "demo/",
    "data/",
    "fleet.toml",
    "roof.json",
}
"""What the program or the user makes; git has none of it."""

_SUFFIX = r"\.(?:py|md|sql|toml|ya?ml|txt|json|css|j2|ipynb|sqlite|duckdb|importlinter|env|example)"
_PATH = re.compile(rf"[\w.-]+(?:/[\w.-]+)*(?:/|{_SUFFIX})")


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _exists(path: str, near: Path) -> bool:
    """Whether a path leads somewhere from the root, from the package, or from where it is named.

    A bare name such as `evidence.py` may be that of a file in any package.
    """
    if any((folder / path).exists() for folder in (ROOT, ROOT / "aps_pipeline", near)):
        return True
    return "/" not in path.rstrip("/") and any((ROOT / "aps_pipeline").rglob(path.rstrip("/")))


@pytest.mark.parametrize("name", WITH_PATHS)
def test_every_path_in_backticks_exists(name: str) -> None:
    spans = re.findall(r"`([^`\n]+)`", _text(name))
    paths = {span for span in spans if _PATH.fullmatch(span)} - MADE
    assert not sorted(path for path in paths if not _exists(path, (ROOT / name).parent))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    links = set(re.findall(r'(?:\]\(|src=")([^)#"\s]+)[)#"]', _text(name)))
    files = {link for link in links if not re.match(r"[a-z]+:", link)}
    assert not sorted(file for file in files if not ((ROOT / name).parent / file).exists())


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "notebooks/README.md", "CHANGELOG.md"])
def test_every_target_of_make_is_in_the_makefile(name: str) -> None:
    makefile = _text("Makefile")
    for target in set(re.findall(r"(?:^|`|&& )make ([a-z]+)", _text(name), re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_make_lists_what_it_can_do() -> None:
    makefile = _text("Makefile")
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]
    listed = set(re.findall(r'@echo "make ([a-z]+) ', makefile))
    assert phony - listed == {"help", "lint", "clean"}
    assert listed <= phony


def test_python_versions_are_the_same_wherever_they_stand() -> None:
    project, workflow = _text("pyproject.toml"), _text(".github/workflows/ci.yml")
    claimed = re.findall(r"Python :: (3\.\d+)", project)
    assert re.findall(r'"(3\.\d+)"', re.search(r"python: \[.*\]", workflow)[0]) == claimed  # type: ignore[index]
    assert f'requires-python = ">={claimed[0]},<3.{int(claimed[-1][2:]) + 1}"' in project
    assert f"Python {claimed[0]} to {claimed[-1]}" in _text("README.md")


def test_the_version_has_an_entry_in_the_changelog() -> None:
    version = re.search(r'^version = "(.+)"$', _text("pyproject.toml"), re.MULTILINE)
    newest = re.search(r"^## (\S+)", _text("CHANGELOG.md"), re.MULTILINE)
    assert version and newest and newest[1] == version[1]


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda p: p.stem
)
def test_an_issue_form_asks_something(path: Path) -> None:
    form = yaml.safe_load(path.read_text("utf-8"))
    if path.stem == "config":
        return
    assert form["name"] and form["description"]
    asked = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in asked}) == len(asked) > 1
    assert all(field["attributes"]["label"] for field in asked)


def test_hooks_and_ci_run_what_the_makefile_runs() -> None:
    hooks = yaml.safe_load(_text(".pre-commit-config.yaml"))["repos"][0]["hooks"]
    lint = re.search(r"^lint:.*\n((?:\t.*\n)*)", _text("Makefile"), re.MULTILINE)
    assert lint and all(hook["language"] == "system" for hook in hooks)
    assert all(f"$(BIN)/{hook['entry'].removesuffix(' --force-exclude')}" in lint[1] for hook in hooks)
    steps = yaml.safe_load(_text(".github/workflows/ci.yml"))["jobs"]["ci"]["steps"]
    assert steps[-1] == {"run": ".ci/run"}
    assert re.findall(r"^make (\w+)", _text(".ci/run"), re.MULTILINE) == ["check", "coverage"]
