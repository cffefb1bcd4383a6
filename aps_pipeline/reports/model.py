"""What a page consists of, before anything of it is HTML. All texts are plain: escaping is the template's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from aps_pipeline.question import checked_id

Tone = Literal["", "good", "warn", "bad"]


INDEX = "index.html"
"""The page of the fleet."""


def page_name(system_id: str) -> str:
    """The file of a system's page. Raises BadIdError."""
    name = f"{checked_id(system_id)}.html"
    return f"_{name}" if name.casefold() == INDEX else name  # no id begins with _


@dataclass(frozen=True)
class Number:
    """A figure to be seen at once. `have` of `of` parts are known; both None where that says nothing."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    have: int | None = None
    of: int | None = None
    tone: Tone = ""


@dataclass(frozen=True)
class Grid:
    """A table of texts. `is_number` says which columns are set to the right; `links` lead from the first."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_number: Sequence[bool] = ()
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Key:
    """One line of the key to a drawing; `swatch` is a class of the style sheet."""

    swatch: str
    text: str


@dataclass(frozen=True)
class Drawing:
    """A chart as two SVG elements of ours, for wide and narrow pages, with its figures as a table."""

    title: str
    wide: str
    narrow: str
    keys: Sequence[Key] = ()
    caption: str = ""
    grid: Grid | None = None


@dataclass(frozen=True)
class Finding:
    """Something to know, in plain words; `hint` says what to do about it."""

    tone: Tone
    title: str
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page."""

    anchor: str
    title: str
    lead: str = ""
    findings: Sequence[Finding] = ()
    drawings: Sequence[Drawing] = ()
    grids: Sequence[Grid] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """A page of a report: one month of a system, or of the fleet where `system_id` is empty."""

    name: str
    system_id: str
    month: date
    subtitle: str
    numbers: Sequence[Number]
    sections: Sequence[Section]
    is_simulated: bool
    made_utc: datetime
