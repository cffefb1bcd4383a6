"""Power in slots of 5 minutes: of ECUs, meters and panels (manual 3.3.2, 3.4.2 and 3.5.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.parse.arrays import quick_doubles
from aps_pipeline.parse.asked import Asked, NotBegunError, Parsed, RefusedError
from aps_pipeline.parse.bodies import body_of, known
from aps_pipeline.parse.labels import Axis, time_axis
from aps_pipeline.parse.series import SeriesReader, with_series
from aps_pipeline.parse.values import an_object, number
from aps_pipeline.question import ID_PATTERN, BadIdError, checked_id
from aps_pipeline.tables import Table, from_columns
from aps_pipeline.tables.measures import FLOWS

_POWERS = ("produced", "consumed", "imported_exported")
_PANEL = re.compile(rf"(?P<uid>{ID_PATTERN})-(?P<channel>[1-9])", re.ASCII)


def ecu_power(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `ecu_power`: W and kWh. Raises RefusedError."""
    body = body_of(table, data, asked)
    number(body.get("today"), "today")
    axis, series = time_axis(body.get("time"), "time", asked), SeriesReader()
    columns = axis.columns() | {
        "power_w": axis.column(series, body.get("power"), "power"),
        "energy_kwh": axis.column(series, body.get("energy"), "energy"),
    }
    return with_series(table, asked, columns, len(axis), series)


def meter_power(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `meter_power`: W, import above 0 in `imported_exported_w`, and kWh. Raises RefusedError."""
    body = body_of(table, data, asked)
    if body.get("today") is not None:
        for flow, value in an_object(body["today"], "today").items():
            number(value, f"today.{flow}")
    axis, series = time_axis(body.get("time"), "time", asked), SeriesReader()
    power, energy = (an_object(body.get(name), name) for name in ("power", "energy"))
    columns = (
        axis.columns()
        | {f"{name}_w": axis.column(series, power.get(name), f"power.{name}") for name in _POWERS}
        | {f"{name}_kwh": axis.column(series, energy.get(name), f"energy.{name}") for name in FLOWS}
    )
    return with_series(table, asked, columns, len(axis), series)


def batch_power(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `inverter_batch_power` in W, and the panels refused one by one: for name, length or values.

    Raises RefusedError, also where no panel is left.
    """
    body = body_of(table, data, asked)
    axis, series = time_axis(body.get("time"), "time", asked), SeriesReader()
    power = an_object(body.get("power"), "power")
    panels, watts = _read_panels(axis, power, series)
    columns = {**known(asked), **_of_panels(axis, panels), "power_w": watts}
    rows = from_columns(table, columns, len(axis) * len(panels))
    return Parsed(rows, series.rejected(table, asked), series.count)


def _read_panels(
    axis: Axis, power: Mapping[str, Any], series: SeriesReader
) -> tuple[list[tuple[str, int]], pa.Array]:
    """The panels that are right, and their power one after another."""
    named = {name: panel for name in power if (panel := series.read(name, partial(_panel, name)))}
    try:
        return list(named.values()), _watts(axis, power, list(named))
    except NotBegunError:
        raise
    except RefusedError:  # one of them is wrong: find it
        series.forget()
    found: list[tuple[tuple[str, int], pa.Array]] = []
    for name, entries in power.items():
        read = series.read(name, partial(_one_panel, axis, name, entries))
        found += [read] if read else []
    values = [pa.nulls(0, pa.float64()), *(watts for _, watts in found)]
    return [panel for panel, _ in found], pa.concat_arrays(values)


def _one_panel(axis: Axis, name: str, entries: Any) -> tuple[tuple[str, int], pa.Array]:
    return _panel(name), axis.series(entries, f"power.{name}")


def _panel(name: str) -> tuple[str, int]:
    """Inverter and channel of `uid-channel`, read from the right, since ids may hold hyphens."""
    match = _PANEL.fullmatch(name)
    with suppress(BadIdError):
        if match is not None:
            return checked_id(match["uid"]), int(match["channel"])
    raise RefusedError("not of the form uid-channel")


def _of_panels(axis: Axis, panels: Sequence[tuple[str, int]]) -> dict[str, pa.Array]:
    """What says whose and when: a row for each panel and slot; the labels were read once for all."""
    of_panel = np.repeat(np.arange(len(panels)), len(axis))
    of_slot = np.tile(np.arange(len(axis)), len(panels))
    uids = pa.array([uid for uid, _ in panels], pa.string())
    channels = pa.array([channel for _, channel in panels], pa.int8())
    return {name: column.take(of_slot) for name, column in axis.columns().items()} | {
        "inverter_id": uids.take(of_panel),
        "channel": channels.take(of_panel),
    }


def _watts(axis: Axis, power: Mapping[str, Any], names: Sequence[str]) -> pa.Array:
    """The series of all panels one after another, read at once. Raises RefusedError if one is wrong."""
    entries = [entry for name in names for entry in axis.fitting(power[name], f"power.{name}")]
    found = quick_doubles(entries)
    if found is None:
        raise RefusedError("power holds what is not a number")
    begun = np.tile(np.arange(axis.came) < len(axis), len(names))
    if pc.any(pc.not_equal(found.filter(~begun), 0)).as_py():
        raise NotBegunError("power gives values for a time that has not begun")
    return found.filter(begun)
