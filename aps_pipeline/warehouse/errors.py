"""The errors of the warehouse.

OSError
└── WarehouseError        it cannot be written or read; the message names the path
    └── NoWarehouseError  it has not been built yet
ValueError
├── QueryError            a user's SQL is wrong, or would do more than read
└── HeaderError           the header of one of our .sql files is wrong
"""

from __future__ import annotations

from aps_pipeline.errors import Exit, PipelineError


class WarehouseError(PipelineError, OSError):
    """The warehouse cannot be written or read; the message names the path."""

    exit_code = Exit.STORAGE


class NoWarehouseError(WarehouseError):
    """There is no warehouse yet; the message says what to do."""

    exit_code = Exit.USAGE


class QueryError(PipelineError, ValueError):
    """SQL that DuckDB refuses, or that is not a query; one line."""


class HeaderError(ValueError):
    """The header of a .sql file is malformed or does not fit its query."""


def one_line(error: Exception) -> str:
    """Shorten DuckDB's message to one line, without its picture of the statement."""
    return " ".join(str(error).split("\n\nLINE ")[0].split())
