"""Bodies to rows: pure functions without network, files or clock.

A body is a body, live or kept. `parse_rows` reads those of the fact tables, by table name; the inventory
(details, inverters, meters) becomes records, because its tables show a history of answers. A parser names
its tables with `context.register`.
"""

from __future__ import annotations

from typing import Any

from aps_pipeline.envelope import NotAnEnvelopeError, open_envelope
from aps_pipeline.parse import batch, energy, telemetry  # noqa: F401 - they register
from aps_pipeline.parse.context import PARSERS, ParseContext, Parsed
from aps_pipeline.parse.energy import list_energies
from aps_pipeline.parse.inventory import INVENTORY_PARSERS, EcuRecord, InverterRecord, SystemRecord
from aps_pipeline.parse.schema_drift import find_repeated_ids, find_unknown_fields
from aps_pipeline.parse.values import RefusedError
from aps_pipeline.tables import REJECTED_ITEMS, Table, empty

_OK, _NO_DATA = 0, 1001


def open_body(text: str) -> Any | None:
    """Read the `data` of a good answer; None for 'no data' (1001). Raises RefusedError."""
    try:
        envelope = open_envelope(text)
    except NotAnEnvelopeError as error:
        raise RefusedError(str(error)) from None
    return open_data(envelope.code, envelope.data)


def open_data(code: int, data: Any) -> Any | None:
    """Return the `data` of a good answer; None for 'no data' (1001). Raises RefusedError."""
    if code == _NO_DATA:
        return None
    if code != _OK:
        raise RefusedError(f"code {code} is no answer")
    if data is None:
        raise RefusedError("code 0 without data")
    return data


def parse_rows(table: Table, text: str, context: ParseContext) -> Parsed:
    """Make the rows that one answer gives to one table. Raises RefusedError."""
    return parse_data(table, open_body(text), context)


def parse_data(table: Table, data: Any | None, context: ParseContext) -> Parsed:
    """Make the rows of one table from the `data` of one answer; none for 'no data'. Raises RefusedError."""
    if data is None:
        return Parsed(empty(table), empty(REJECTED_ITEMS))
    return PARSERS[table.name](table, data, context)


__all__ = [
    "INVENTORY_PARSERS",
    "PARSERS",
    "EcuRecord",
    "InverterRecord",
    "ParseContext",
    "Parsed",
    "RefusedError",
    "SystemRecord",
    "find_repeated_ids",
    "find_unknown_fields",
    "list_energies",
    "open_body",
    "open_data",
    "parse_data",
    "parse_rows",
]
