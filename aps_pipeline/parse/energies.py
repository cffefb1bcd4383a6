"""Energy by hour, day, month and year of systems, ECUs and inverters: manual 3.2.2, 3.3.2 and 3.5.2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aps_pipeline.parse import slots
from aps_pipeline.parse.asked import Asked, Parsed, RefusedError
from aps_pipeline.parse.bodies import body_of, channels_in, parsed
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

    Raises RefusedError, also where the channels differ in length.
    """
    body = body_of(table, data, asked)
    channels = channels_in(body, ["e"])
    lists = {f"e{channel}": a_list(body[f"e{channel}"], f"e{channel}") for channel in channels}
    if len(set(map(len, lists.values()))) != 1:
        raise RefusedError(f"channels of {[len(entries) for entries in lists.values()]} entries")
    found, values = slots.matched(lists, _slots_of(table, lists, asked), asked)
    columns = when(table, found * len(channels), asked) | {
        "channel": [channel for channel in channels for _ in found],
        "energy_kwh": [value for series in values for value in series],
    }
    return parsed(table, asked, columns, len(found) * len(channels))


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
