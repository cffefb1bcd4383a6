"""Five-minute labels to instants: `HH:mm` on a wall at the system, the end of a slot (manual 3.3 to 3.5).

A label is read with the calendar of the system, never by its position. Labels ascend; where autumn turns the
clock back they may go back once, and what stands for the second time is fold 1. A label that no clock showed
there, or that repeats for no such reason, refuses the body.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.parse.arrays import doubles
from aps_pipeline.parse.asked import Asked, NotBegunError, RefusedError
from aps_pipeline.parse.series import SeriesReader
from aps_pipeline.parse.values import a_list, shown
from aps_pipeline.periods import day_end_utc

SLOT = timedelta(minutes=5)
"""The shortest slot: what ends later than this after now has not begun."""

_LABEL = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_MIDNIGHT = "00:00"


@dataclass(frozen=True, slots=True)
class Axis:
    """The slots of a body that have begun: label, fold 0 or 1, end in UTC, each as an Arrow column.

    `came` counts all labels of the body, so that every list beside them can be held against it.
    """

    labels: pa.Array
    folds: pa.Array
    ends: pa.Array
    came: int

    def __len__(self) -> int:
        return len(self.labels)

    def columns(self) -> dict[str, pa.Array]:
        """The columns `label`, `fold` and `end_utc`."""
        return {"label": self.labels, "fold": self.folds, "end_utc": self.ends}

    def series(self, values: Any, what: str) -> pa.Array:
        """The numbers of a list that belongs to the labels, one for each slot that has begun.

        Raises RefusedError: not a list, of another length, not numbers, or values for what has not begun.
        """
        found = doubles(self.fitting(values, what), what)
        if pc.any(pc.not_equal(found.slice(len(self)), 0)).as_py():
            raise NotBegunError(f"{what} gives values for a time that has not begun")
        return found.slice(0, len(self))

    def column(self, series: SeriesReader, values: Any, what: str) -> pa.Array:
        """The same for a list that is one column beside others: null where it alone is refused.

        Raises RefusedError for what is not a list.
        """
        entries = a_list(values, what)
        found = series.read(what, lambda: self.series(entries, what))
        return pa.nulls(len(self), pa.float64()) if found is None else found

    def fitting(self, values: Any, what: str) -> list[Any]:
        """The list, if it is as long as the labels that came. Raises RefusedError."""
        entries = a_list(values, what)
        if len(entries) != self.came:
            raise RefusedError(f"{what} has {len(entries)} entries for {self.came} labels")
        return entries


def time_axis(labels: Any, what: str, asked: Asked) -> Axis:
    """The slots that the labels of a day name. Raises RefusedError."""
    texts = a_list(labels, what)
    ends, folds = _stamped(texts, what, asked)
    begun = sum(asked.has_begun(end - SLOT) for end in ends)
    return Axis(
        pa.array(texts[:begun], pa.string()),
        pa.array(folds[:begun], pa.int8()),
        pa.array(ends[:begun], pa.timestamp("us", "UTC")),
        len(texts),
    )


def _stamped(texts: Sequence[Any], what: str, asked: Asked) -> tuple[list[datetime], list[int]]:
    day = asked.period.first
    ends: list[datetime] = []
    folds: list[int] = []
    for position, text in enumerate(texts):
        if not isinstance(text, str) or not _LABEL.fullmatch(text):
            raise RefusedError(f"{what}[{position}] is {shown(text)}, not HH:mm")
        moments = moments_of(day, text, asked.zone)
        times = len(moments)
        if text == _MIDNIGHT and 0 < position == len(texts) - 1 and _MIDNIGHT not in texts[:position]:
            moments += (day_end_utc(day, asked.zone),)
        later = next((n for n, moment in enumerate(moments) if not ends or moment > ends[-1]), None)
        if later is None:
            raise RefusedError(f"{what}[{position}] is {text}, {_reason(bool(moments), day, asked.zone)}")
        ends.append(moments[later])
        folds.append(later if later < times else 0)
    return ends, folds


def _reason(is_shown: bool, day: date, zone: ZoneInfo) -> str:
    if is_shown:
        return "which does not follow the label before"
    return f"which no clock in {zone.key} showed on {day}"


def moments_of(day: date, label: str, zone: ZoneInfo) -> tuple[datetime, ...]:
    """When (UTC) a clock in `zone` shows `label` on that day: once, twice in autumn, or never."""
    wall = datetime.combine(day, time.fromisoformat(label))
    first, second = wall.replace(tzinfo=zone), wall.replace(tzinfo=zone, fold=1)
    early, late = first.utcoffset(), second.utcoffset()
    if early == late:
        return (first.astimezone(UTC),)
    assert early is not None and late is not None  # noqa: S101 - a ZoneInfo always has an offset
    return (first.astimezone(UTC), second.astimezone(UTC)) if early > late else ()
