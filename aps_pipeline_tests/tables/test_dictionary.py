"""The dictionary in docs/ is the one that the declarations make."""

from __future__ import annotations

from pathlib import Path

from aps_pipeline.tables import TABLES
from aps_pipeline.tables.dictionary import dictionary

PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary(), "run `make docs`"


def test_every_column_stands_there() -> None:
    text = dictionary()
    for table in TABLES.values():
        section = text.partition(f"\n## {table.name}\n")[2].partition("\n## ")[0]
        assert all(f"| `{c.name}` |" in section and c.meaning in section for c in table.columns), table.name
