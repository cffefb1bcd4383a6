"""What options and arguments share: their types, their help, and how a day or month is typed.

Help and completion read this and `app` alone, so nothing here imports what a command works with.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How the result of a query is written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def parse_day(text: str) -> date:
    """Read a day as it is typed. Raises BadParameter."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not a day of the calendar, yyyy-mm-dd")


def parse_month(text: str) -> date:
    """Read a month as it is typed, by its first day. Raises BadParameter."""
    try:
        if len(text) == 7:
            return date.fromisoformat(f"{text}-01")
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not a month of the calendar, yyyy-mm")


PROFILE_NAMES = ("lean", "standard", "full")
"""The keys of `tables.PROFILES`, without the declarations."""


def complete_profile(start: str) -> list[str]:
    """List the profiles that begin like this."""
    return [name for name in PROFILE_NAMES if name.startswith(start)]


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write to this file instead; parquet needs it.")
]
OutputFile = Annotated[Path, typer.Option("--output", metavar="FILE", help="The file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]

Tables = Annotated[str, typer.Option(help="Only these tables, comma separated; see `aps tables`.")]
Systems = Annotated[str, typer.Option(help="Only these systems, comma separated.")]
System = Annotated[str, typer.Option(help="The system, by its id.")]
Profile = Annotated[
    str,
    typer.Option(
        help=f"A set of tables instead: {', '.join(PROFILE_NAMES)}.",
        metavar="PROFILE",
        autocompletion=complete_profile,
    ),
]
Again = Annotated[
    bool, typer.Option("--again", help="Ask once more whatever is held or concluded; it costs calls.")
]
MaxCalls = Annotated[int | None, typer.Option(min=0, help="Make at most this many calls in this run.")]

First = Annotated[
    date, typer.Option("--from", parser=parse_day, metavar="YYYY-MM-DD", help="First local day.")
]
Last = Annotated[date, typer.Option("--to", parser=parse_day, metavar="YYYY-MM-DD", help="Last local day.")]
