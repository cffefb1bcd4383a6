"""The parts of a page, and the query of a month. Values go into SQL as parameters, never as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from aps_pipeline.request import check_id
from aps_pipeline.warehouse import Connection

Row = dict[str, Any]

_PARAMETER = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True)
class MonthQuery:
    """A query of one month in the warehouse; `first` and `last` are its days, local to each system."""

    connection: Connection
    month: date
    system_id: str = ""

    @property
    def first(self) -> date:
        """The first day of the month."""
        return self.month

    @property
    def last(self) -> date:
        """The last day of the month."""
        return month_after(self.month, 1, -1)

    @property
    def is_simulated(self) -> bool:
        """Whether a simulator gave the answers behind the warehouse."""
        build = self.row("SELECT is_simulated FROM meta.build")
        return bool(build and build["is_simulated"])

    @property
    def _values(self) -> Mapping[str, Any]:
        return {
            "system_id": self.system_id,
            "month": self.month,
            "first": self.first,
            "last": self.last,
            "year_before": month_after(self.month, -11),
            "first_before": month_after(self.month, -12),
            "last_before": month_after(self.month, -11, -1),
        }

    def rows(self, sql: str) -> list[Row]:
        """Run a query of ours; `$system_id`, `$month`, `$first` … in it are this month's."""
        values = self._values
        result = self.connection.execute(sql, {name: values[name] for name in _PARAMETER.findall(sql)})
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def row(self, sql: str) -> Row | None:
        """Run a query that gives at most one row."""
        return next(iter(self.rows(sql)), None)


def month_after(month: date, months: int, days: int = 0) -> date:
    """Find the first day of the month `months` later, and go `days` on from there."""
    count = 12 * month.year + month.month - 1 + months
    first = date(count // 12, count % 12 + 1, 1)
    return date.fromordinal(first.toordinal() + days)


Tone = Literal["", "good", "warn", "bad"]

INDEX = "index.html"
"""The page of the fleet."""


def page_name(system_id: str) -> str:
    """Name the file of a system's page. Raises BadIdError."""
    name = f"{check_id(system_id)}.html"
    return f"_{name}" if name.casefold() == INDEX else name  # no id begins with _


@dataclass(frozen=True)
class Number:
    """A figure at the top of a page. `have` of `of` parts are known; None where there are no parts."""

    label: str
    value: str
    unit: str = ""
    note: str = ""
    have: int | None = None
    of: int | None = None
    tone: Tone = ""


@dataclass(frozen=True)
class Grid:
    """A table of texts. Columns with `is_number` are aligned right; `links` are those of the first column."""

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
