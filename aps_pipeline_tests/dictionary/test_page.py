"""The dictionary in docs/ is the one that declarations, headers and the sample make."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aps_pipeline import dictionary
from aps_pipeline.dictionary import QUERIES, Query, markdown
from aps_pipeline.tables import CAVEATS, TABLES
from aps_pipeline.warehouse import BuiltWarehouse, all_checks, group_by_kind, query
from aps_pipeline.warehouse.marts import marts

PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


@pytest.fixture(scope="module")
def page(sample: BuiltWarehouse) -> str:
    return dictionary.page(sample)


def _section(page: str, heading: str) -> str:
    found = page.partition(f"\n### {heading}\n")[2]
    assert found, f"no section {heading}"
    return re.split(r"\n##+ ", found)[0]


def test_the_page_is_up_to_date(page: str) -> None:
    assert PAGE.read_text(encoding="utf-8") == page, "run `make docs`"


def test_every_column_of_every_table_stands_there_with_its_meaning(sample: BuiltWarehouse, page: str) -> None:
    names = {f"{table.schema}.{table.name}" for table in sample.tables}
    told = {mart.table.name for mart in marts() if mart.table.schema == "mart"}
    assert names >= {*(f"core.{name}" for name in TABLES), *(f"mart.{name}" for name in told)}
    for table in sample.tables:
        section = _section(page, f"{table.schema}.{table.name}")
        assert all(f"| `{c.name}` |" in section for c in table.columns), table.name
        assert all(c.meaning.replace("|", "\\|") in section for c in table.columns), table.name
        assert all(note in section for note in table.notes), table.name
        assert all(f"[{caveat.code}](#{caveat.code})" in section for caveat in table.caveats), table.name
        assert ("```text" in section) == (sample.rows[f"{table.schema}.{table.name}"] > 0), table.name


def test_every_link_of_the_page_leads_somewhere(page: str) -> None:
    headings = re.findall(r"^##+ (.+)$", page, re.MULTILINE)
    anchors = {markdown.link(heading).partition("](#")[2].rstrip(")") for heading in headings}
    assert len(anchors) == len(headings)
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= anchors


def test_every_check_and_caveat_stands_there(page: str) -> None:
    for kind, checks in group_by_kind(all_checks()).items():
        assert f"| `{kind}` |" in page and checks[0].advice in page
    assert all(caveat.text in _section(page, code) for code, caveat in CAVEATS.items())


def test_every_caveat_applies_somewhere(sample: BuiltWarehouse) -> None:
    assert {caveat.code for table in sample.tables for caveat in table.caveats} == set(CAVEATS)


@pytest.mark.parametrize("each", QUERIES, ids=lambda each: each.question)
def test_the_queries_for_newcomers_give_rows(sample: BuiltWarehouse, each: Query) -> None:
    assert each.sql.endswith(";")
    assert query(sample.path, each.sql.removesuffix(";")).num_rows > 0


def test_nothing_of_the_machine_is_in_it(sample: BuiltWarehouse, page: str) -> None:
    assert str(sample.path.parent) not in page
    assert not re.search(r"127\.0\.0\.1|localhost|simulated123", page)


def test_what_is_absent_is_shown_as_null_and_never_as_0() -> None:
    assert list(markdown.data([{"a": None, "b": 0.0, "c": ""}])) == [
        "```text",
        "a     b  c",
        "null  0  ''",
        "```",
        "",
    ]
