"""Energy by hour, day, month and year of systems, ECUs and inverters: manual 3.2 to 3.5."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from aps_pipeline.parse import timeslots
from aps_pipeline.parse.context import (
    ParseContext,
    Parsed,
    SeriesReader,
    list_channels,
    make_rows,
    make_rows_of_series,
    read_body,
)
from aps_pipeline.parse.registry import register
from aps_pipeline.parse.timeslots import TimeAxis, read_time_axis
from aps_pipeline.parse.values import RefusedError, read_list
from aps_pipeline.tables import Table
from aps_pipeline.tables.energy import ECU_ENERGY, INVERTER_ENERGY, SYSTEM_ENERGY
from aps_pipeline.tables.telemetry import INVERTER_AC_TELEMETRY, INVERTER_DC_TELEMETRY

SLOTS: dict[str, Callable[[ParseContext], list[timeslots.Slot]]] = {
    "hourly": timeslots.hour_slots,
    "daily": timeslots.day_slots,
    "monthly": timeslots.month_slots,
    "yearly": timeslots.year_slots,
}
"""What the entries of a list stand for, by level."""

_LABELS = {"hourly": "hour", "daily": "date", "monthly": "month", "yearly": "year"}


@register(*SYSTEM_ENERGY, *ECU_ENERGY)
def energy_list(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build rows of `{system,ecu}_{hourly,daily,monthly,yearly}_energy` in kWh. Raises RefusedError."""
    found, values = list_energies(table, data, context)
    return make_rows(table, context, time_columns(table, found, context) | {"energy_kwh": values}, len(found))


def list_energies(
    table: Table, data: Any, context: ParseContext
) -> tuple[list[timeslots.Slot], list[float | None]]:
    """List the hours, days, months or years of such an answer, and the kWh of each. Raises RefusedError."""
    lists = {"data": read_list(data, "data")}
    found, (values,) = timeslots.match_slots(lists, _slots_of(table, lists, context), context)
    return found, values


@register(*INVERTER_ENERGY)
def inverter_energy(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build rows of `inverter_{hourly,daily,monthly,yearly}_energy` in kWh, channel by channel.

    A channel that cannot be right is refused alone. Raises RefusedError, also where the others differ in
    length.
    """
    body, series = read_body(table, data, context), SeriesReader()
    lists: dict[int, list[Any]] = {}
    for channel in list_channels(body, ["e"]):
        name, entries = f"e{channel}", read_list(body[f"e{channel}"], f"e{channel}")
        expected = _slots_of(table, {name: entries}, context)
        if series.read_series(name, partial(timeslots.match_slots, {name: entries}, expected, context)):
            lists[channel] = entries
    if series.count == 0:
        raise RefusedError("no channel has a list")
    rejected = series.rejected_rows(table, context)
    if len(set(map(len, lists.values()))) != 1:
        raise RefusedError(f"channels of {[len(entries) for entries in lists.values()]} entries")
    named = {f"e{n}": entries for n, entries in lists.items()}
    found, values = timeslots.match_slots(named, _slots_of(table, named, context), context)
    columns = time_columns(table, found * len(lists), context) | {
        "channel": [channel for channel in lists for _ in found],
        "energy_kwh": [value for of_channel in values for value in of_channel],
    }
    rows = make_rows(table, context, columns, len(found) * len(lists)).rows
    return Parsed(rows, rejected, series.count)


def _slots_of(
    table: Table, lists: Mapping[str, Sequence[Any]], context: ParseContext
) -> list[timeslots.Slot]:
    """List what the entries of lists stand for; how many years there are, only the lists say."""
    return (
        timeslots.year_slots_of(lists, context)
        if table.source.level == "yearly"
        else SLOTS[table.source.level](context)
    )


def time_columns(table: Table, found: Sequence[timeslots.Slot], context: ParseContext) -> dict[str, Any]:
    """Build the columns of a table that say when: its label, and bounds or `is_final` where it has them."""
    columns: dict[str, Any] = {_LABELS[table.source.level]: [slot.label for slot in found]}
    if "end_utc" in table.schema.names:
        columns["start_utc"] = [slot.start_utc for slot in found]
        columns["end_utc"] = [slot.end_utc for slot in found]
    if "is_final" in table.schema.names:
        columns["is_final"] = [context.is_final(slot.last_day) for slot in found]
    return columns


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
