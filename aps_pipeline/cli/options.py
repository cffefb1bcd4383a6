"""Options that several commands take."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from aps_pipeline.question import checked_id

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write to this file instead; parquet needs it.")
]
OutputFile = Annotated[Path, typer.Option("--output", metavar="FILE", help="The file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]


def listed_ids(text: str) -> tuple[str, ...]:
    """Ids as they are typed, comma separated. Raises BadIdError."""
    return tuple(checked_id(each.strip()) for each in text.split(",") if each.strip())


def day(text: str) -> date:
    """A day as it is typed. Raises BadParameter."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not a day of the calendar, yyyy-mm-dd")


def month(text: str) -> date:
    """A month as it is typed, by its first day. Raises BadParameter."""
    try:
        if len(text) == 7:
            return date.fromisoformat(f"{text}-01")
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is not a month of the calendar, yyyy-mm")
