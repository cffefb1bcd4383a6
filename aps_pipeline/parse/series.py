"""Energy lists by hour, day, month and year: manual 3.2.2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aps_pipeline.parse import slots
from aps_pipeline.parse.asked import Asked, Parsed
from aps_pipeline.parse.values import a_list
from aps_pipeline.tables import REJECTED_ITEMS, empty, from_columns, table_named

_LABELLED: dict[str, tuple[str, Callable[[Asked], list[slots.Slot]]]] = {
    "hourly": ("hour", slots.hours),
    "daily": ("date", slots.days),
    "monthly": ("month", slots.months),
    "yearly": ("year", slots.years),
}


def system_energy(name: str, data: Any, asked: Asked) -> Parsed:
    """Rows of `system_{hourly,daily,monthly,yearly}_energy` in kWh. Raises RefusedError."""
    table = table_named(name)
    label, slots_of = _LABELLED[table.source.level]
    found = slots.matched(a_list(data, "data"), slots_of(asked), asked)
    columns: dict[str, Any] = {
        "system_id": asked.system_id,
        label: [slot.label for slot, _ in found],
        "energy_kwh": [value for _, value in found],
        "call_id": asked.call_id,
    }
    if label == "hour":
        columns["date"] = asked.period.first
        columns["start_utc"] = [slot.start_utc for slot, _ in found]
        columns["end_utc"] = [slot.end_utc for slot, _ in found]
    else:
        columns["is_final"] = [asked.is_final(slot.last_day) for slot, _ in found]
    return Parsed(from_columns(table, columns, len(found)), empty(REJECTED_ITEMS))
