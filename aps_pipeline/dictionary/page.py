"""The page: contents, queries, caveats, every table of the warehouse with sample rows, every check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import reduce
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.dictionary import markdown
from aps_pipeline.dictionary.sample import QUERIES
from aps_pipeline.tables import CAVEATS, PROFILES, TABLES
from aps_pipeline.warehouse import BuiltWarehouse, all_checks, group_by_kind, open_warehouse
from aps_pipeline.warehouse.ddl import Connection, TableComment

_OPENING = """\
# Data dictionary

Made by `make docs` from the declarations in `aps_pipeline/tables`, the headers of the files in
`aps_pipeline/warehouse/sql` and `checks`, and a small simulated plant, whose rows are shown.

A table `core.<name>` of the warehouse is the Dagster asset `core/<name>` and the folder `lake/core/<name>/`;
`mart` holds answers made of them, `meta` what is known about the data. `date`, `hour`, `month` and `year` are
local to the system, `*_utc` are instants. null is what was not given; it is never 0.
"""

_GROUPS = {
    "inventory": "Inventory",
    "system": "Systems",
    "ecu": "ECUs",
    "inverter": "Inverters and panels",
    "meter": "Meters",
    "quality": "Quality",
    "mart": "Marts",
    "meta": "About the data",
}
_QUERIES, _CAVEATS, _CHECKS = "Queries to begin with", "Caveats", "Checks"

_OF_THE_MACHINE = {"package_version", "views_folder", "inputs"}
"""Columns of meta.build that differ from one machine or version to the next."""

_SAMPLE_ROWS = 3

_RESULT_ROWS = 8

Types = dict[tuple[str, str], tuple[str, bool]]
"""The type of a column and whether it may be null, by `schema.table` and column."""


def page(sample: BuiltWarehouse) -> str:
    """Write the whole page; `sample` is the warehouse whose tables it describes and whose rows it shows."""
    order = list(_GROUPS)
    tables = sorted(  # groups as above; in `core` as people should meet the tables, elsewhere by name
        sample.tables,
        key=lambda each: (order.index(_group(each)), "" if each.schema == "core" else each.name),
    )
    groups = {_GROUPS[name]: list(members) for name, members in groupby(tables, key=_group)}
    with closing(open_warehouse(sample.path)) as connection:
        types = _types(connection)
        lines = [_OPENING, *_contents(groups), *_queries(connection), *_caveats()]
        for title, members in groups.items():
            lines += [f"## {title}", ""]
            lines += [line for each in members for line in _section(each, connection, types)]
    return "\n".join([*lines, *_checks()])


def _group(table: TableComment) -> str:
    return TABLES[table.name].group if table.schema == "core" else table.schema


def _name(table: TableComment) -> str:
    return f"{table.schema}.{table.name}"


def _contents(groups: dict[str, list[TableComment]]) -> Iterator[str]:
    yield " · ".join(map(markdown.link, (_QUERIES, _CAVEATS, *groups, _CHECKS)))
    yield ""
    for title, tables in groups.items():
        is_core = tables[0].schema == "core"
        titles = ("one row per", *(("partition", "profile") if is_core else ()))
        rows = []
        for each in tables:
            what = each.comment.removesuffix(".").rpartition("One row")[2]  # the last sentence
            cells = [markdown.link(_name(each)), what.removeprefix(" per ") or "–"]
            if is_core:
                declared = TABLES[each.name]
                cells.append(declared.partition_grain if declared.is_partitioned else "–")
                cells.append(next((name for name, some in PROFILES.items() if declared in some), "–"))
            rows.append(cells)
        yield from markdown.table((f"**{title}**", *titles), rows)


def _queries(connection: Connection) -> Iterator[str]:
    yield f"## {_QUERIES}"
    yield ""
    yield "Paste them into `duckdb data/warehouse.duckdb` or `aps sql`; below each, rows of the sample."
    yield ""
    for each in QUERIES:
        rows = connection.sql(each.sql).to_arrow_table().to_pylist()
        yield from (f"**{each.question}**", "", "```sql", each.sql, "```", "")
        yield from markdown.data(rows[:_RESULT_ROWS])


def _caveats() -> Iterator[str]:
    yield f"## {_CAVEATS}"
    yield ""
    yield "Tables name those that apply to them by code, here and in their comments in the warehouse."
    yield ""
    for caveat in CAVEATS.values():
        yield from (f"### {caveat.code}", "", f"**{caveat.title}** {caveat.text}", "")


def _section(table: TableComment, connection: Connection, types: Types) -> Iterator[str]:
    origin = f" {TABLES[table.name].origin}" if table.schema == "core" else ""
    key = f" Key: {', '.join(f'`{name}`' for name in table.keys)}." if table.keys else ""
    yield from (f"### {_name(table)}", "", f"{table.comment}{origin}{key}", "")
    if table.caveats:
        yield from (f"Caveats: {', '.join(markdown.link(each.code) for each in table.caveats)}.", "")
    if table.notes:
        yield from (*(f"- {note}" for note in table.notes), "")
    rows = []
    for column in table.columns:
        kind, nullable = types[_name(table), column.name]
        rows.append(
            (f"`{column.name}`", kind + ("" if nullable else ", never null"), column.unit, column.meaning)
        )
    yield from markdown.table(("column", "type", "unit", "meaning"), rows)
    shown = _rows(table, connection)
    yield from markdown.data(shown) if shown else ("The sample has no such row.", "")


def _types(connection: Connection) -> Types:
    rows = connection.sql("FROM meta.columns").to_arrow_table().to_pylist()
    return {
        (f"{row['schema_name']}.{row['table_name']}", row["column_name"]): (
            row["type"].lower().replace("timestamp with time zone", "timestamptz"),
            row["nullable"],
        )
        for row in rows
    }


def _rows(table: TableComment, connection: Connection) -> list[dict[str, object]]:
    order = ", ".join(f'"{key}"' for key in table.keys) or "ALL"
    found = connection.sql(f"FROM {table.sql_name} ORDER BY {order}").to_arrow_table()
    rows: list[dict[str, object]] = found.take(_places(found)).to_pylist()
    if _name(table) == "meta.build":
        return [{name: "…" if name in _OF_THE_MACHINE else row[name] for name in row} for row in rows]
    return rows


def _places(found: pa.Table) -> pa.Array:
    """Which rows to show: two of those that have most to show, and one from the middle, whatever it lacks."""
    count = found.num_rows
    if count <= _SAMPLE_ROWS:
        return pa.array(range(count), pa.int64())
    lacking = reduce(pc.add, (column.is_null().cast(pa.int32()) for column in found.columns))
    fullest = pc.indices_nonzero(pc.equal(lacking, pc.min(lacking))).to_pylist()
    shares = (0.23, 0.81)  # of hours, these are not at midnight
    places = dict.fromkeys(
        [*(fullest[int(len(fullest) * share)] for share in shares), count // 2, 0, count - 1]
    )
    return pa.array(sorted(list(places)[:_SAMPLE_ROWS]), pa.int64())


def _checks() -> Iterator[str]:
    yield f"## {_CHECKS}"
    yield ""
    yield "`aps verify` runs them all. A check returns the rows that fail: an error is a fault of this"
    yield "program, a warning one of the data. Of a kind that holds for many tables, the first is shown."
    yield ""
    rows = []
    for kind, checks in group_by_kind(all_checks()).items():
        first = checks[0]
        tables = [each.name.partition(" ")[2] for each in checks if " " in each.name]
        where = f"{len(tables)} tables" if len(tables) > 1 else "".join(tables)
        rows.append((f"`{kind}`", where, first.severity, first.meaning, first.advice))
    yield from markdown.table(("check", "of", "severity", "a failing row", "what to do"), rows)
