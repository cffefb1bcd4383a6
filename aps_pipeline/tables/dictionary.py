"""The data dictionary as Markdown, from the declarations: `make docs` writes docs/data-dictionary.md."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from aps_pipeline.tables import PROFILES, TABLES
from aps_pipeline.tables.model import Table, type_names

_OPENING = """\
# Data dictionary

Generated from `aps_pipeline/tables` by `make docs`. The name of a table is that of the Dagster asset, of
the folder `lake/core/<name>/` and of the DuckDB table `core.<name>`. `date`, `hour`, `month` and `year` are
local to the system, `*_utc` are instants. null is what was not given; it is never 0.
"""


def dictionary() -> str:
    """All tables in order, each with its rows, source, caveats and columns."""
    return "\n".join(
        [_OPENING, *_contents(), *(line for table in TABLES.values() for line in _section(table))]
    )


def _contents() -> Iterator[str]:
    yield "| table | one row per | partition | profile |"
    yield "|---|---|---|---|"
    for table in TABLES.values():
        profile = next((name for name, tables in PROFILES.items() if table in tables), "–")
        row = table.grain.removeprefix("one row per ")
        yield f"| [{table.name}](#{table.name}) | {row} | {table.partition or '–'} | {profile} |"
    yield ""


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.name}"
    yield ""
    yield table.summary
    yield f"{table.origin} Key: {', '.join(f'`{key}`' for key in table.keys)}."
    yield ""
    for caveat in table.caveats:
        yield f"- {caveat}"
    if table.caveats:
        yield ""
    yield "| column | type | unit | meaning |"
    yield "|---|---|---|---|"
    for column in table.columns:
        absent = "" if column.nullable else ", never null"
        yield f"| `{column.name}` | {type_names[column.type]}{absent} | {column.unit} | {column.meaning} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(dictionary())
