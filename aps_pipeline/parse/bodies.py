"""What parsers of several endpoints share: the columns that the question answers, ids, and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aps_pipeline.parse.asked import Asked, Parsed, RefusedError
from aps_pipeline.parse.values import an_id, an_object
from aps_pipeline.tables import REJECTED_ITEMS, Table, empty, from_columns

CHANNELS = range(1, 10)
"""The channels that a body may name; the manual knows four."""

_DEVICE = {
    **dict.fromkeys(("ecu_summary", "ecu_energy", "meter_summary", "meter_energy", "inverter_batch"), "eid"),
    **dict.fromkeys(("inverter_summary", "inverter_energy"), "uid"),
}
"""What the API calls the device that an endpoint is about."""


def parsed(table: Table, asked: Asked, columns: Mapping[str, Any], count: int) -> Parsed:
    """Rows of `table`: `columns` beside those that the question itself answers. Nothing is rejected."""
    return Parsed(from_columns(table, {**known(asked), **columns}, count), empty(REJECTED_ITEMS))


def known(asked: Asked) -> dict[str, Any]:
    """Columns that hold the same for every row of an answer; a table takes those that it has."""
    device = dict.fromkeys(("ecu_id", "inverter_id", "meter_id"), asked.device_id)
    return {
        "system_id": asked.system_id,
        **device,
        "date": asked.period.first,
        "taken_utc": asked.asked_utc,
        "answered_by": asked.answered_by,
        "call_id": asked.call_id,
    }


def body_of(table: Table, data: Any, asked: Asked) -> dict[str, Any]:
    """The object in `data`. Raises RefusedError, also where it names another system or device than asked.

    The manual promises no ids in these bodies; where one stands all the same it must be the right one.
    """
    body = an_object(data, "data")
    ids = {"sid": asked.system_id}
    if table.source.endpoint in _DEVICE:
        ids[_DEVICE[table.source.endpoint]] = asked.device_id
    for name, expected in ids.items():
        if body.get(name) is not None and an_id(body[name], name) != expected:
            raise RefusedError(f"the body is of another {name} than {expected}")
    return body


def channels_in(body: Mapping[str, Any], prefixes: Sequence[str]) -> list[int]:
    """The channels that have anything under `prefix1`, `prefix2` …: 1 to n. Raises RefusedError.

    An inverter with two channels names no third, or names it null.
    """
    found = [n for n in CHANNELS if any(body.get(f"{prefix}{n}") is not None for prefix in prefixes)]
    if found != [*CHANNELS][: len(found)]:
        raise RefusedError(f"channel {found[-1]} without those before it")
    return found
