"""What a warehouse was made from, kept in it: its terms, and the file of each partition of the lake.

A file is known by what its replacement changes, as nothing of it has to be read for that.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from aps_pipeline.lake import LakeState
from aps_pipeline.tables import TABLES, Column
from aps_pipeline.warehouse.ddl import Connection, add_table, drop
from aps_pipeline.warehouse.inputs import is_before

Values = tuple[str, ...]
Marks = Mapping[Values, str]
"""The mark of the file of each partition; empty where a later change might not show in it."""


class CannotUpdateError(Exception):
    """The old file cannot be brought up to date; the message says why."""


_TERMS = (Column("terms", pa.string(), "Digest of code, settings, files of the owner and place of the lake"),)
_SOURCES = (
    Column("table_name", pa.string(), "Table of core"),
    Column("partition", pa.string(), "Values of its folder columns"),
    Column("mark", pa.string(), "What a replacement of the file changes; empty where that might not show"),
)


def marks_of(lake: LakeState) -> dict[str, dict[Values, str]] | None:
    """Build the marks of all tables by name; None where something strange lies among the partitions.

    A file that changed just before the listing gets none, as it may have changed again in the same instant.
    """
    if lake.has_strange_files:
        return None
    return {
        name: {
            values: " ".join(map(str, mark)) if is_before(max(mark[2:]), lake.listed_ns) else ""
            for values, mark in files.items()
        }
        for name, files in lake.files.items()
    }


def keep_sources(connection: Connection, terms: str, marks: Mapping[str, Marks]) -> None:
    """Write what the tables of this file were made from."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS internal")
    comment = "For the program only: what has to be the same for this file to be brought up to date. One row."
    drop(connection, "internal", "terms")
    add_table(connection, "terms", comment, _TERMS, ("terms",), [{"terms": terms}], schema="internal")
    comment = "For the program only: the file that each partition was loaded from. One row per partition."
    rows = [
        {"table_name": name, "partition": "/".join(values), "mark": mark}
        for name, of_table in marks.items()
        for values, mark in of_table.items()
    ]
    keys = ("table_name", "partition")
    drop(connection, "internal", "sources")
    add_table(connection, "sources", comment, _SOURCES, keys, rows, schema="internal")


def find_terms(connection: Connection) -> str:
    """Find the terms that the tables of this file were made under."""
    return str(connection.execute("SELECT terms FROM internal.terms").fetchall()[0][0])


def find_marks(connection: Connection) -> dict[str, dict[Values, str]]:
    """Find the marks of the files that each table was loaded from."""
    found: dict[str, dict[Values, str]] = {name: {} for name in TABLES}
    for name, partition, mark in connection.execute("FROM internal.sources").fetchall():
        found[name][tuple(partition.split("/")) if partition else ()] = mark
    return found
