"""Bodies to rows: pure functions without network, files or clock.

A body is a body, live or kept. `parse_rows` reads those of the fact tables, by table name; the inventory
(details, inverters, meters) becomes records, because its tables show a history of answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aps_pipeline.envelope import NotAnEnvelopeError, open_envelope
from aps_pipeline.parse.asked import Asked, Parsed, RefusedError
from aps_pipeline.parse.batch import inverter_batch_energy
from aps_pipeline.parse.devices import DEVICE_PARSERS
from aps_pipeline.parse.drift import repeated_ids, unknown_fields
from aps_pipeline.parse.inventory import (
    EcuRecord,
    InverterRecord,
    SystemRecord,
    system_details,
    system_inverters,
    system_meters,
)
from aps_pipeline.tables import REJECTED_ITEMS, Table, empty

_OK, _NO_DATA = 0, 1001

PARSERS: dict[str, Callable[[Table, Any, Asked], Parsed]] = {
    **DEVICE_PARSERS,
    "inverter_batch_energy": inverter_batch_energy,
}
"""Table name to the function that makes its rows of `data`."""

INVENTORY_PARSERS: dict[str, Callable[[Any, str], Any]] = {
    "system_details": system_details,
    "system_inverters": system_inverters,
    "system_meters": system_meters,
}
"""Endpoint to the function that makes its record of `data` and the system id."""


def opened(text: str) -> Any | None:
    """The `data` of a good answer; None for 'no data' (1001). Raises RefusedError."""
    try:
        envelope = open_envelope(text)
    except NotAnEnvelopeError as error:
        raise RefusedError(str(error)) from None
    if envelope.code == _NO_DATA:
        return None
    if envelope.code != _OK:
        raise RefusedError(f"code {envelope.code} is no answer")
    if envelope.data is None:
        raise RefusedError("code 0 without data")
    return envelope.data


def parse_rows(table: Table, text: str, asked: Asked) -> Parsed:
    """The rows that one answer gives to one table. Raises RefusedError."""
    return rows_of(table, opened(text), asked)


def rows_of(table: Table, data: Any | None, asked: Asked) -> Parsed:
    """The rows that the `data` of one answer gives to one table; none for 'no data'. Raises RefusedError."""
    if data is None:
        return Parsed(empty(table), empty(REJECTED_ITEMS))
    return PARSERS[table.name](table, data, asked)


__all__ = [
    "INVENTORY_PARSERS",
    "PARSERS",
    "Asked",
    "EcuRecord",
    "InverterRecord",
    "Parsed",
    "RefusedError",
    "SystemRecord",
    "opened",
    "parse_rows",
    "repeated_ids",
    "rows_of",
    "unknown_fields",
]
