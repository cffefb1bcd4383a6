"""What can go wrong with the warehouse.

OSError
└── WarehouseError        it cannot be written or read; the message names the path
    └── NoWarehouseError  it has not been built yet
ValueError
├── QueryError            somebody's SQL is wrong, or wants more than to read
└── HeaderError           one of our .sql files does not say what it gives
"""

from __future__ import annotations


class WarehouseError(OSError):
    """The warehouse cannot be written or read; the message names the path."""


class NoWarehouseError(WarehouseError):
    """There is no warehouse yet; the message says what to do."""


class QueryError(ValueError):
    """SQL that DuckDB refuses, or that is not a query; one line."""


class HeaderError(ValueError):
    """The header of a .sql file is malformed or does not fit its query."""


def one_line(error: Exception) -> str:
    """DuckDB's message without the drawing of the statement."""
    message = str(error).split("\n\nLINE ")[0]
    return " ".join(message.split())
