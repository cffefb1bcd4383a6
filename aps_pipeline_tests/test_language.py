"""The language of the code: verbs act, nouns compute, a participle is a boolean, a word has one meaning."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "aps_pipeline"
GLOSSARY = ROOT / "docs" / "glossary.md"
WITH_GLOSSARY = ("planning", "ingest", "ledger")

_IRREGULAR = {
    "asked",
    "begun",
    "broken",
    "built",
    "chosen",
    "dealt",
    "done",
    "drawn",
    "found",
    "given",
    "gone",
    "grown",
    "held",
    "kept",
    "known",
    "left",
    "lost",
    "made",
    "meant",
    "paid",
    "said",
    "seen",
    "sent",
    "shown",
    "sold",
    "spent",
    "spoken",
    "taken",
    "thrown",
    "told",
    "written",
}
_NO_PARTICIPLE = {"need", "feed", "seed", "speed", "exceed", "proceed", "embed", "bed", "red"}
_BOOLEAN = {"is", "has", "was", "were", "can", "may"}


def _functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield node
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from _functions(node.body)


def _is_property(function: ast.FunctionDef) -> bool:
    names = {getattr(each, "id", getattr(each, "attr", "")) for each in function.decorator_list}
    return bool(names & {"property", "cached_property"})


def _is_participle(word: str) -> bool:
    return word in _IRREGULAR or (word.endswith("ed") and word not in _NO_PARTICIPLE)


def test_hardly_a_function_is_named_by_a_participle() -> None:
    total, found = 0, []
    for path in sorted(PACKAGE.rglob("*.py")):
        for function in _functions(ast.parse(path.read_text("utf-8")).body):
            total += 1
            first = function.name.strip("_").split("_")[0]
            if _is_participle(first) and first not in _BOOLEAN and not _is_property(function):
                found.append(f"{path.relative_to(PACKAGE)}: {function.name}")
    assert total > 1000
    assert len(found) < 0.01 * total, found


def _public_classes(package: str) -> set[str]:
    return {
        node.name
        for path in (PACKAGE / package).rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


def test_the_glossary_names_every_public_class_once() -> None:
    entries = re.findall(r"^\| `(\w+)` \|", GLOSSARY.read_text("utf-8"), re.MULTILINE)
    assert len(entries) == len(set(entries)), "a word has one meaning"
    wanted = set[str]().union(*map(_public_classes, WITH_GLOSSARY))
    assert set(entries) == wanted


def test_a_public_class_of_these_packages_has_a_name_of_its_own() -> None:
    names = [name for package in WITH_GLOSSARY for name in sorted(_public_classes(package))]
    assert len(names) == len(set(names))


def test_prose_has_no_old_turns() -> None:
    turns = re.compile(r"\b(of which|but for|so many|whoever|whosoever|thereof)\b", re.IGNORECASE)
    pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *(ROOT / "docs").rglob("*.md")]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in (*pages, *PACKAGE.rglob("*.py"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if turns.search(line)
    ]
    assert not found, "\n".join(found)
