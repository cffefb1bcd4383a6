"""Slots of 5 minutes: of ECUs, meters, inverters and panels (manual 3.3.2, 3.4.2, 3.5.2 and 3.5.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
    list_channels,
    make_rows_of_series,
    read_body,
    register,
)
from aps_pipeline.parse.timeslots import TimeAxis, read_time_axis
from aps_pipeline.parse.values import NotBegunError, RefusedError, read_number, read_object, try_read_doubles
from aps_pipeline.request import ID_PATTERN, BadIdError, check_id
from aps_pipeline.tables import Table, from_columns
from aps_pipeline.tables.columns import FLOWS
from aps_pipeline.tables.telemetry import (
    ECU_POWER,
    INVERTER_AC_TELEMETRY,
    INVERTER_BATCH_POWER,
    INVERTER_DC_TELEMETRY,
    METER_POWER,
)

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

    def read_panel(name: str) -> tuple[tuple[str, int], pa.Array]:
        return _read_panel_name(name), axis.read_series(power[name], f"power.{name}")

    for name in power:
        read = series.read_series(name, partial(read_panel, name))
        found += [read] if read else []
    values = [pa.nulls(0, pa.float64()), *(watts for _, watts in found)]
    return [panel for panel, _ in found], pa.concat_arrays(values)


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


_DC = {"p": "dc_power_w", "i": "dc_current_a", "v": "dc_voltage_v", "e": "dc_energy_kwh"}
_PHASES = (1, 2, 3)
_POWER_NAMES = ("ac_p1", "ac_p")
"""As in the field, and as in the manual."""


@dataclass(frozen=True, slots=True)
class _Minutely:
    """A body read: slots, DC columns of each channel, AC columns, and what was refused on either side."""

    axis: TimeAxis
    dc: dict[int, dict[str, pa.Array]]
    dc_series: SeriesReader
    ac: dict[str, pa.Array]
    ac_series: SeriesReader


@register(INVERTER_DC_TELEMETRY)
def inverter_dc(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Rows of `inverter_dc_telemetry`: W, A, V and kWh of each channel and slot. Raises RefusedError."""
    body = _read_slots(table, data, context)
    count = len(body.axis)
    again = np.tile(np.arange(count), len(body.dc))
    columns = {name: column.take(again) for name, column in body.axis.columns().items()}
    columns |= {
        name: pa.concat_arrays([series[name] for series in body.dc.values()]) for name in _DC.values()
    }
    columns["channel"] = pa.array(np.repeat([*body.dc], count), pa.int8())
    return make_rows_of_series(table, context, columns, len(again), body.dc_series)


@register(INVERTER_AC_TELEMETRY)
def inverter_ac(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build rows of `inverter_ac_telemetry`: W, Hz, °C, and V of up to three phases. Raises RefusedError."""
    body = _read_slots(table, data, context)
    return make_rows_of_series(table, context, body.axis.columns() | body.ac, len(body.axis), body.ac_series)


def _read_slots(table: Table, data: Any, context: ParseContext) -> _Minutely:
    body = read_body(table, data, context)
    axis = read_time_axis(body.get("t"), "t", context)
    channels = list_channels(body, [f"dc_{kind}" for kind in _DC])
    if not channels:
        raise RefusedError("no channel has a list")
    dc_series, ac_series = SeriesReader(), SeriesReader()
    dc = {
        n: {
            column: axis.read_column(dc_series, body.get(f"dc_{kind}{n}"), f"dc_{kind}{n}")
            for kind, column in _DC.items()
        }
        for n in channels
    }
    return _Minutely(axis, dc, dc_series, _read_ac_columns(body, axis, ac_series), ac_series)


def _read_ac_columns(body: Mapping[str, Any], axis: TimeAxis, series: SeriesReader) -> dict[str, pa.Array]:
    voltages = {
        n: axis.read_column(series, body[f"ac_v{n}"], f"ac_v{n}")
        for n in _PHASES
        if body.get(f"ac_v{n}") is not None
    }
    if [*voltages] != [*_PHASES][: len(voltages)] or not voltages:
        raise RefusedError(f"voltages of the phases {[*voltages]}")
    absent = pa.nulls(len(axis), pa.float64())
    return {
        "ac_power_w": _read_ac_power(body, axis, series),
        "ac_frequency_hz": axis.read_column(series, body.get("ac_f"), "ac_f"),
        "ac_temperature_c": axis.read_column(series, body.get("ac_t"), "ac_t"),
    } | {f"ac_voltage_{n}_v": voltages.get(n, absent) for n in _PHASES}


def _read_ac_power(body: Mapping[str, Any], axis: TimeAxis, series: SeriesReader) -> pa.Array:
    """Read the AC power under either of its names; under both it must be the same."""
    names = [name for name in _POWER_NAMES if body.get(name) is not None]
    if not names:
        raise RefusedError("neither ac_p1 nor ac_p")
    found = [axis.read_series(body[name], name) for name in names[1:]]
    first = axis.read_column(series, body[names[0]], names[0])
    if any(not each.equals(first) for each in found):
        raise RefusedError("ac_p1 and ac_p differ")
    return first
