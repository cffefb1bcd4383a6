"""Tables on the terminal, wide enough to be read by other programs when piped."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

_PIPED_WIDTH = 500


def grid_of(title: str, *columns: str) -> RichTable:
    """An empty table; a column whose name ends with `>` is set to the right."""
    grid = RichTable(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(cell(column.removesuffix(">")), justify="right" if column.endswith(">") else "left")
    return grid


def cell(value: object) -> Text:
    """A value as plain text: null is empty, no markup is read, and what steers terminals is escaped."""
    text = "" if value is None else str(value)
    return Text("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


def show(what: RichTable | str, file: TextIO | None = None) -> None:
    """Print a table or a sentence, to standard output unless a file is given."""
    console = Console(soft_wrap=isinstance(what, str), file=file)
    if not console.is_terminal:
        console = Console(width=_PIPED_WIDTH, soft_wrap=isinstance(what, str), file=file)
    console.print(what)
