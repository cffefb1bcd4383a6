"""The questions of the cookbook are answered by the warehouse that its reader has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aps_pipeline.warehouse import BuiltWarehouse, query

COOKBOOK = (Path(__file__).parents[2] / "docs" / "cookbook.md").read_text("utf-8")
QUESTIONS = dict(re.findall(r"^## ([^\n]+)\n```sql\n(.*?)```", COOKBOOK, re.MULTILINE | re.DOTALL))


def test_ten_questions_each_with_its_query() -> None:
    assert len(QUESTIONS) == COOKBOOK.count("\n## ") == COOKBOOK.count("```sql") == 10


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered(sample: BuiltWarehouse, question: str) -> None:
    rows = query(sample.path, QUESTIONS[question].rstrip().removesuffix(";"))
    assert rows.num_rows, "the sample has something to say"
    assert "name" in rows.column_names


def test_what_is_not_known_is_said(sample: BuiltWarehouse) -> None:
    losses = query(sample.path, QUESTIONS["How much do panels lose from year to year?"]).to_pylist()
    assert {row["verdict"] for row in losses} == {"not enough years"}
    assert {row["percent_a_year"] for row in losses} == {None}
    years = query(sample.path, QUESTIONS["Is this year better than the last, on equal days?"]).to_pylist()
    assert {row["kwh"] for row in years if not row["days"]} <= {None}
