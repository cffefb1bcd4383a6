"""Questions of a page to the warehouse: rows as dictionaries. Values are parameters, never SQL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aps_pipeline.warehouse import Connection

Row = dict[str, Any]

_USED = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True)
class Asker:
    """One month of the warehouse; `first` and `last` are its days, local to each system."""

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
        """What a query of ours gives; `$system_id`, `$month`, `$first` … in it are this month's."""
        found = self.connection.execute(sql, {name: self._values[name] for name in _USED.findall(sql)})
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, sql: str) -> Row | None:
        """The one row that a query gives, if any."""
        found = self.rows(sql)
        return found[0] if found else None


def month_after(month: date, months: int, days: int = 0) -> date:
    """The first of the month so many later, and so many days after that."""
    count = 12 * month.year + month.month - 1 + months
    first = date(count // 12, count % 12 + 1, 1)
    return date.fromordinal(first.toordinal() + days)
