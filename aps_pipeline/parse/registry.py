"""The registry of parsers: each function says with a decorator which tables, or which endpoint, it reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from aps_pipeline.parse.context import ParseContext, Parsed
from aps_pipeline.tables import Table

PARSERS: dict[str, Callable[[Table, Any, ParseContext], Parsed]] = {}
"""Table name to the function that makes its rows of `data`, given the table and the call."""

INVENTORY_PARSERS: dict[str, Callable[[Any, str], Any]] = {}
"""Endpoint to the function that makes its record of `data` and the system id."""

_TableParser = TypeVar("_TableParser", bound=Callable[[Table, Any, ParseContext], Parsed])
_InventoryParser = TypeVar("_InventoryParser", bound=Callable[[Any, str], Any])


def register(*tables: Table) -> Callable[[_TableParser], _TableParser]:
    """Let a function be the parser of fact tables."""

    def add(parser: _TableParser) -> _TableParser:
        PARSERS.update({table.name: parser for table in tables})
        return parser

    return add


def register_inventory(endpoint: str) -> Callable[[_InventoryParser], _InventoryParser]:
    """Let a function be the parser of an inventory endpoint."""

    def add(parser: _InventoryParser) -> _InventoryParser:
        INVENTORY_PARSERS[endpoint] = parser
        return parser

    return add
