"""Energy by hour, day, month and year of systems, ECUs and inverters: manual 3.2.2, 3.3.2 and 3.5.2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from aps_pipeline.parse import slots
from aps_pipeline.parse.asked import Asked, Parsed, RefusedError
from aps_pipeline.parse.bodies import body_of, channels_in, parsed
from aps_pipeline.parse.series import SeriesReader
from aps_pipeline.parse.values import a_list
from aps_pipeline.tables import Table

SLOTS: dict[str, Callable[[Asked], list[slots.Slot]]] = {
    "hourly": slots.hours,
    "daily": slots.days,
    "monthly": slots.months,
    "yearly": slots.years,
}
"""What the entries of a list stand for, by level."""

_LABELS = {"hourly": "hour", "daily": "date", "monthly": "month", "yearly": "year"}


def energy_list(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `{system,ecu}_{hourly,daily,monthly,yearly}_energy` in kWh. Raises RefusedError."""
    lists = {"data": a_list(data, "data")}
    found, (values,) = slots.matched(lists, _slots_of(table, lists, asked), asked)
    return parsed(table, asked, when(table, found, asked) | {"energy_kwh": values}, len(found))


def inverter_energy(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `inverter_{hourly,daily,monthly,yearly}_energy` in kWh, channel by channel.

    A channel that cannot be right is refused alone. Raises RefusedError, also where the others differ in
    length.
    """
    body, series = body_of(table, data, asked), SeriesReader()
    lists: dict[int, list[Any]] = {}
    for channel in channels_in(body, ["e"]):
        name, entries = f"e{channel}", a_list(body[f"e{channel}"], f"e{channel}")
        expected = _slots_of(table, {name: entries}, asked)
        if series.read(name, partial(slots.matched, {name: entries}, expected, asked)):
            lists[channel] = entries
    if series.count == 0:
        raise RefusedError("no channel has a list")
    rejected = series.rejected(table, asked)
    if len(set(map(len, lists.values()))) != 1:
        raise RefusedError(f"channels of {[len(entries) for entries in lists.values()]} entries")
    named = {f"e{n}": entries for n, entries in lists.items()}
    found, values = slots.matched(named, _slots_of(table, named, asked), asked)
    columns = when(table, found * len(lists), asked) | {
        "channel": [channel for channel in lists for _ in found],
        "energy_kwh": [value for of_channel in values for value in of_channel],
    }
    rows = parsed(table, asked, columns, len(found) * len(lists)).rows
    return Parsed(rows, rejected, series.count)


def _slots_of(table: Table, lists: Mapping[str, Sequence[Any]], asked: Asked) -> list[slots.Slot]:
    """What the entries of lists stand for; how many years there are, only the lists say."""
    return (
        slots.years_of(lists, asked) if table.source.level == "yearly" else SLOTS[table.source.level](asked)
    )


def when(table: Table, found: Sequence[slots.Slot], asked: Asked) -> dict[str, Any]:
    """The columns of a table that say when: its label, and bounds or `is_final` where it has them."""
    columns: dict[str, Any] = {_LABELS[table.source.level]: [slot.label for slot in found]}
    if "end_utc" in table.schema.names:
        columns["start_utc"] = [slot.start_utc for slot in found]
        columns["end_utc"] = [slot.end_utc for slot in found]
    if "is_final" in table.schema.names:
        columns["is_final"] = [asked.is_final(slot.last_day) for slot in found]
    return columns
