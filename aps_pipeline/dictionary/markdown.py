"""Markdown of the page: tables of words, and rows of data as text that lines up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

_WIDTH = 110
_LONGEST = 48

Row = Mapping[str, object]


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write a Markdown table and an empty line."""
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def link(heading: str) -> str:
    """Write a link to a heading of the same page, made as GitHub makes it."""
    return f"[{heading}](#{re.sub(r'[^a-z0-9_-]', '', heading.lower().replace(' ', '-'))})"


def data(rows: Sequence[Row]) -> Iterator[str]:
    """Write rows as a block of text, each a line; each a column where that would be too wide."""
    cells = [[cell(value) for value in row.values()] for row in rows]
    across = _align([list(rows[0]), *cells])
    is_wide = max(map(len, across)) > _WIDTH
    lines = _align([list(each) for each in zip(rows[0], *cells, strict=True)]) if is_wide else across
    yield from ("```text", *lines, "```", "")


def cell(value: object) -> str:
    """Write one value, short enough to be read: 6 digits, UTC as Z, null where there is none."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}Z"
    text = str(value) or "''"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _align(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
