"""The digest of a reader: what changes it, and what does not."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from aps_pipeline.ingest.code_digest import Readers, canonical, get_reachable_code
from aps_pipeline.parse import PARSERS, batch, energy, timeslots, values
from aps_pipeline.tables import FETCHED, get_table

DAILY, PANELS, METERS = (
    get_table(name) for name in ("system_daily_energy", "inverter_batch_energy", "meter_daily_energy")
)


def digests() -> dict[str, str]:
    readers = Readers()
    return {table.name: readers.of_table(table) for table in FETCHED}


def changed(before: dict[str, str]) -> set[str]:
    return {name for name, digest in digests().items() if digest != before[name]}


def test_it_is_the_same_in_every_process() -> None:
    say = "from aps_pipeline_tests.ingest.test_readers import digests; print(sorted(digests().items()))"
    command = [sys.executable, "-R", "-c", say]
    found = [
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60) for _ in range(2)
    ]
    assert found[0].stdout == found[1].stdout
    assert found[0].stdout.strip() == str(sorted(digests().items()))


def test_another_parser_changes_its_own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests()
    monkeypatch.setitem(PARSERS, DAILY.name, PARSERS["meter_daily_energy"])
    assert changed(before) == {DAILY.name}


def test_a_helper_changes_the_tables_whose_parsers_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests()

    def matched(*args: Any) -> Any:
        return [], [args]

    monkeypatch.setattr(timeslots, "match_slots", matched)
    found = changed(before)
    assert {DAILY.name, METERS.name} <= found and PANELS.name not in found
    assert "systems" not in found and "ecu_power" not in found


@pytest.mark.parametrize(
    ("module", "name", "value", "table"),
    [
        (energy, "_LABELS", {"daily": "day"}, DAILY),
        (batch, "GRAMMAR", "^$", PANELS),
        (values, "LARGEST", 1.0, DAILY),
    ],
)
def test_a_constant_that_a_parser_uses_changes_it(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: Any, table: Any
) -> None:
    before = digests()
    monkeypatch.setattr(module, name, value)
    assert table.name in changed(before)


def test_a_declaration_changes_it() -> None:
    meant = replace(DAILY.columns[-2], meaning="Something else")
    other = replace(DAILY, columns=(*DAILY.columns[:-2], meant, DAILY.columns[-1]))
    assert Readers().of_table(other) != Readers().of_table(DAILY)


PLAIN = """
def read(rows, limit=3):
    return [f"{r!r:>{limit}}" for r in rows if r is not None and r < limit]
"""
DRESSED = '''
def read(
    rows: "list[int]",  # what came
    limit: int = 3,
) -> "list[str]":
    """Read them.

    All of them.
    """

    # only the small ones
    return [
        f'{r!r:>{limit}}'
        for r in rows
        if (r is not None and r < limit)
    ]
'''


def text(source: str) -> str:
    return canonical(ast.parse(source).body[0])


def test_comments_docstrings_hints_and_layout_do_not_count() -> None:
    assert text(PLAIN) == text(DRESSED)
    assert text(PLAIN) != text(PLAIN.replace("<", "<="))
    assert text(PLAIN) != text(PLAIN.replace("limit=3", "limit=None"))
    assert text("def f(): return 1") != text("def f(): return 1.0") != text("def f(): return True")


def test_the_text_is_our_own_and_so_the_same_in_every_version_of_python() -> None:
    """Python's dump of a tree shows empty lists in some versions, and new fields in others."""
    assert text("@cache\ndef f(a, *, b=None): return f'{a}' if b else -1") == (
        "(FunctionDef name='f' args=(arguments args=[(arg arg='a')] kwonlyargs=[(arg arg='b')]"
        " kw_defaults=['NoneType None']) body=[(Return value=(IfExp test=(Name id='b')"
        " body=(JoinedStr values=[(FormattedValue value=(Name id='a') conversion=-1)])"
        " orelse=(UnaryOp op=(USub ) operand='int 1')))] decorator_list=[(Name id='cache')])"
    )


def test_what_stands_in_for_a_parser_counts_wherever_it_comes_from() -> None:
    one, other = (lambda x: x + 1), (lambda x: x + 2)
    assert get_reachable_code(one) != get_reachable_code(other)
