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

from aps_pipeline.parse.context import (
    ParseContext,
    Parsed,
    SeriesReader,
    constant_columns,
    make_rows_of_series,
    read_body,
)
from aps_pipeline.parse.registry import register
from aps_pipeline.parse.timeslots import TimeAxis, read_time_axis
from aps_pipeline.parse.values import NotBegunError, RefusedError, read_number, read_object, try_read_doubles
from aps_pipeline.request import ID_PATTERN, BadIdError, check_id
from aps_pipeline.tables import Table, from_columns
from aps_pipeline.tables.columns import FLOWS
from aps_pipeline.tables.telemetry import ECU_POWER, INVERTER_BATCH_POWER, METER_POWER

_POWERS = ("produced", "consumed", "imported_exported")
_PANEL = re.compile(rf"(?P<uid>{ID_PATTERN})-(?P<channel>[1-9])", re.ASCII)


@register(ECU_POWER)
def ecu_power(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build rows of `ecu_power`: W and kWh. Raises RefusedError."""
    body = read_body(table, data, context)
    read_number(body.get("today"), "today")
    axis, series = read_time_axis(body.get("time"), "time", context), SeriesReader()
    columns = axis.columns() | {
        "power_w": axis.read_column(series, body.get("power"), "power"),
        "energy_kwh": axis.read_column(series, body.get("energy"), "energy"),
    }
    return make_rows_of_series(table, context, columns, len(axis), series)


@register(METER_POWER)
def meter_power(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Rows of `meter_power`: W, import above 0 in `imported_exported_w`, and kWh. Raises RefusedError."""
    body = read_body(table, data, context)
    if body.get("today") is not None:
        for flow, value in read_object(body["today"], "today").items():
            read_number(value, f"today.{flow}")
    axis, series = read_time_axis(body.get("time"), "time", context), SeriesReader()
    power, energy = (read_object(body.get(name), name) for name in ("power", "energy"))
    columns = (
        axis.columns()
        | {f"{name}_w": axis.read_column(series, power.get(name), f"power.{name}") for name in _POWERS}
        | {f"{name}_kwh": axis.read_column(series, energy.get(name), f"energy.{name}") for name in FLOWS}
    )
    return make_rows_of_series(table, context, columns, len(axis), series)


@register(INVERTER_BATCH_POWER)
def batch_power(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Rows of `inverter_batch_power` in W, and the panels refused one by one: for name, length or values.

    Raises RefusedError, also where no panel is left.
    """
    body = read_body(table, data, context)
    axis, series = read_time_axis(body.get("time"), "time", context), SeriesReader()
    power = read_object(body.get("power"), "power")
    panels, watts = _read_panel_series(axis, power, series)
    columns = {**constant_columns(context), **_panel_columns(axis, panels), "power_w": watts}
    rows = from_columns(table, columns, len(axis) * len(panels))
    return Parsed(rows, series.rejected_rows(table, context), series.count)


def _read_panel_series(
    axis: TimeAxis, power: Mapping[str, Any], series: SeriesReader
) -> tuple[list[tuple[str, int]], pa.Array]:
    """Select the panels that are right, and their power one after another."""
    named = {
        name: panel for name in power if (panel := series.read_series(name, partial(_read_panel_name, name)))
    }
    try:
        return list(named.values()), _read_watts(axis, power, list(named))
    except NotBegunError:
        raise
    except RefusedError:  # one of them is wrong: find it
        series.forget()
    found: list[tuple[tuple[str, int], pa.Array]] = []
    for name, entries in power.items():
        read = series.read_series(name, partial(_one_panel, axis, name, entries))
        found += [read] if read else []
    values = [pa.nulls(0, pa.float64()), *(watts for _, watts in found)]
    return [panel for panel, _ in found], pa.concat_arrays(values)


def _one_panel(axis: TimeAxis, name: str, entries: Any) -> tuple[tuple[str, int], pa.Array]:
    return _read_panel_name(name), axis.read_series(entries, f"power.{name}")


def _read_panel_name(name: str) -> tuple[str, int]:
    """Inverter and channel of `uid-channel`, read from the right, since ids may hold hyphens."""
    match = _PANEL.fullmatch(name)
    with suppress(BadIdError):
        if match is not None:
            return check_id(match["uid"]), int(match["channel"])
    raise RefusedError("not of the form uid-channel")


def _panel_columns(axis: TimeAxis, panels: Sequence[tuple[str, int]]) -> dict[str, pa.Array]:
    """Build what says whose and when: a row for each panel and slot; labels were read once for all."""
    of_panel = np.repeat(np.arange(len(panels)), len(axis))
    of_slot = np.tile(np.arange(len(axis)), len(panels))
    uids = pa.array([uid for uid, _ in panels], pa.string())
    channels = pa.array([channel for _, channel in panels], pa.int8())
    return {name: column.take(of_slot) for name, column in axis.columns().items()} | {
        "inverter_id": uids.take(of_panel),
        "channel": channels.take(of_panel),
    }


def _read_watts(axis: TimeAxis, power: Mapping[str, Any], names: Sequence[str]) -> pa.Array:
    """Read the series of all panels at once, one after another. Raises RefusedError if one is wrong."""
    entries = [entry for name in names for entry in axis.check_length(power[name], f"power.{name}")]
    found = try_read_doubles(entries)
    if found is None:
        raise RefusedError("power holds what is not a number")
    begun = np.tile(np.arange(axis.came) < len(axis), len(names))
    if pc.any(pc.not_equal(found.filter(~begun), 0)).as_py():
        raise NotBegunError("power gives values for a time that has not begun")
    return found.filter(begun)
