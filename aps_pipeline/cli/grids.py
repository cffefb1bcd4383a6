"""Tables on the terminal, wide enough to be read by other programs when piped."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as RichTable

_PIPED_WIDTH = 500


def grid_of(title: str, *columns: str) -> RichTable:
    """An empty table; a column whose name ends with `>` is set to the right."""
    grid = RichTable(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left")
    return grid


def show(what: RichTable | str) -> None:
    """Print a table or a sentence."""
    console = Console(soft_wrap=isinstance(what, str))
    if not console.is_terminal:
        console = Console(width=_PIPED_WIDTH, soft_wrap=isinstance(what, str))
    console.print(what)
