"""The reader of a table in one digest: while it stays the same, the same answers give the same rows.

It is made of the declaration and of the code of the parser, not of what that makes of a kept corpus: a parser
is mended for a body that nobody had seen, so no corpus would hold it. A change that alters nothing but how
the code is put costs one rebuild of the partitions it reaches, and no call.
"""

from __future__ import annotations

import hashlib

from aps_pipeline.ingest.code_digest import reached_code
from aps_pipeline.ingest.history import inventory_endpoints, inventory_rows
from aps_pipeline.parse import INVENTORY_PARSERS, PARSERS, Asked, opened
from aps_pipeline.periods import Period
from aps_pipeline.planning import is_inventory
from aps_pipeline.tables import FETCHED, REJECTED_ITEMS, Table

_HANDED_OVER = (opened, Asked, Period)
"""What every parser is given, and so uses without naming it."""


class Readers:
    """The digests of the readers, each made once."""

    def __init__(self) -> None:
        self._of_table: dict[str, str] = {}

    def of_table(self, table: Table) -> str:
        """The digest of the reader of one table."""
        if table.name not in self._of_table:
            self._of_table[table.name] = _reader(table)
        return self._of_table[table.name]

    def of_kind(self, kind: tuple[str, str]) -> str:
        """The digest of all readers of one endpoint and level: each of them may refuse a body."""
        return _digest(*(self.of_table(table) for table in FETCHED if table.source.kind == kind))


def _reader(table: Table) -> str:
    parsers: tuple[object, ...]
    if is_inventory(table):
        parsers = (*(INVENTORY_PARSERS[each] for each in inventory_endpoints(table)), inventory_rows)
    else:
        parsers = (PARSERS[table.name],)
    declarations = [table, *([REJECTED_ITEMS] if table.name in REJECTED_ITEMS.side_of else [])]
    schemas = (each.schema.to_string(show_schema_metadata=True) for each in declarations)
    return _digest(table.source.endpoint, table.source.level, *schemas, reached_code(*parsers, *_HANDED_OVER))


def _digest(*lines: str) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
