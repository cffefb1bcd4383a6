"""Power in slots of 5 minutes: of ECUs, meters and panels (manual 3.3.2, 3.4.2 and 3.5.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.parse.arrays import doubles, quick_doubles
from aps_pipeline.parse.asked import Asked, Parsed, RefusedError
from aps_pipeline.parse.bodies import body_of, known, parsed
from aps_pipeline.parse.labels import Axis, time_axis
from aps_pipeline.parse.values import an_object, number
from aps_pipeline.question import ID_PATTERN, BadIdError, checked_id
from aps_pipeline.tables import REJECTED_ITEMS, Table, empty, from_columns
from aps_pipeline.tables.measures import FLOWS

_POWERS = ("produced", "consumed", "imported_exported")
_PANEL = re.compile(rf"(?P<uid>{ID_PATTERN})-(?P<channel>[1-9])", re.ASCII)
_SHOWN = 200


def ecu_power(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `ecu_power`: W and kWh. Raises RefusedError."""
    body = body_of(table, data, asked)
    number(body.get("today"), "today")
    axis = time_axis(body.get("time"), "time", asked)
    columns = axis.columns() | {
        "power_w": axis.series(body.get("power"), "power"),
        "energy_kwh": axis.series(body.get("energy"), "energy"),
    }
    return parsed(table, asked, columns, len(axis))


def meter_power(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `meter_power`: W, import above 0 in `imported_exported_w`, and kWh. Raises RefusedError."""
    body = body_of(table, data, asked)
    if body.get("today") is not None:
        for flow, value in an_object(body["today"], "today").items():
            number(value, f"today.{flow}")
    axis = time_axis(body.get("time"), "time", asked)
    power, energy = (an_object(body.get(name), name) for name in ("power", "energy"))
    columns = (
        axis.columns()
        | {f"{name}_w": axis.series(power.get(name), f"power.{name}") for name in _POWERS}
        | {f"{name}_kwh": axis.series(energy.get(name), f"energy.{name}") for name in FLOWS}
    )
    return parsed(table, asked, columns, len(axis))


def batch_power(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `inverter_batch_power` in W, and the panels refused one by one for a bad name.

    Raises RefusedError, also for a single list that is not as long as `time`.
    """
    body = body_of(table, data, asked)
    axis = time_axis(body.get("time"), "time", asked)
    power = an_object(body.get("power"), "power")
    panels = {name: panel for name in power if (panel := _panel(name))}
    columns = {**known(asked), **_of_panels(axis, power, panels)}
    rows = from_columns(table, columns, len(axis) * len(panels))
    return Parsed(rows, _rejected(table, list(power), panels, asked))


def _panel(name: str) -> tuple[str, int] | None:
    """Inverter and channel of `uid-channel`, read from the right, since ids may hold hyphens."""
    match = _PANEL.fullmatch(name)
    try:
        return (checked_id(match["uid"]), int(match["channel"])) if match else None
    except BadIdError:
        return None


def _of_panels(
    axis: Axis, power: Mapping[str, Any], panels: Mapping[str, tuple[str, int]]
) -> dict[str, pa.Array]:
    """One row for each panel and slot, panel by panel; the labels were read once for all."""
    of_panel = np.repeat(np.arange(len(panels)), len(axis))
    of_slot = np.tile(np.arange(len(axis)), len(panels))
    uids = pa.array([uid for uid, _ in panels.values()], pa.string())
    channels = pa.array([channel for _, channel in panels.values()], pa.int8())
    return {name: column.take(of_slot) for name, column in axis.columns().items()} | {
        "inverter_id": uids.take(of_panel),
        "channel": channels.take(of_panel),
        "power_w": _watts(axis, power, list(panels)),
    }


def _watts(axis: Axis, power: Mapping[str, Any], names: Sequence[str]) -> pa.Array:
    """The series of all panels one after another."""
    entries = [entry for name in names for entry in axis.fitting(power[name], f"power.{name}")]
    found = quick_doubles(entries)
    if found is None:  # one of them is wrong: say which
        found = pa.concat_arrays([doubles(power[name], f"power.{name}") for name in names])
    begun = np.tile(np.arange(axis.came) < len(axis), len(names))
    if pc.any(pc.not_equal(found.filter(~begun), 0)).as_py():
        raise RefusedError("power gives values for a time that has not begun")
    return found.filter(begun)


def _rejected(
    table: Table, names: Sequence[str], panels: Mapping[str, tuple[str, int]], asked: Asked
) -> pa.Table:
    bad = [(position, name) for position, name in enumerate(names) if name not in panels]
    if not bad:
        return empty(REJECTED_ITEMS)
    columns = known(asked) | {
        "source_table": table.name,
        "device_id": asked.device_id,
        "position": [position for position, _ in bad],
        "item": [name[:_SHOWN].encode("utf-8", "replace").decode() for _, name in bad],
        "reason": "not of the form uid-channel",
    }
    return from_columns(REJECTED_ITEMS, columns, len(bad))
