"""What an inverter measures on its two sides in slots of 5 minutes: manual 3.5.2 `minutely`.

One body feeds two tables, so both parsers read all of it: a body is good for both or for none. A series that
alone cannot be right is refused in the table that it belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from aps_pipeline.parse.asked import Asked, Parsed, RefusedError
from aps_pipeline.parse.bodies import body_of, channels_in
from aps_pipeline.parse.labels import Axis, time_axis
from aps_pipeline.parse.series import SeriesReader, with_series
from aps_pipeline.tables import Table

_DC = {"p": "dc_power_w", "i": "dc_current_a", "v": "dc_voltage_v", "e": "dc_energy_kwh"}
_PHASES = (1, 2, 3)
_POWER_NAMES = ("ac_p1", "ac_p")
"""As in the field, and as in the manual."""


@dataclass(frozen=True, slots=True)
class _Minutely:
    """A body read: slots, DC columns of each channel, AC columns, and what was refused on either side."""

    axis: Axis
    dc: dict[int, dict[str, pa.Array]]
    dc_series: SeriesReader
    ac: dict[str, pa.Array]
    ac_series: SeriesReader


def inverter_dc(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `inverter_dc_telemetry`: W, A, V and kWh of each channel and slot. Raises RefusedError."""
    body = _read(table, data, asked)
    count = len(body.axis)
    again = np.tile(np.arange(count), len(body.dc))
    columns = {name: column.take(again) for name, column in body.axis.columns().items()}
    columns |= {
        name: pa.concat_arrays([series[name] for series in body.dc.values()]) for name in _DC.values()
    }
    columns["channel"] = pa.array(np.repeat([*body.dc], count), pa.int8())
    return with_series(table, asked, columns, len(again), body.dc_series)


def inverter_ac(table: Table, data: Any, asked: Asked) -> Parsed:
    """Rows of `inverter_ac_telemetry`: W, Hz, °C, and V of up to three phases. Raises RefusedError."""
    body = _read(table, data, asked)
    return with_series(table, asked, body.axis.columns() | body.ac, len(body.axis), body.ac_series)


def _read(table: Table, data: Any, asked: Asked) -> _Minutely:
    body = body_of(table, data, asked)
    axis = time_axis(body.get("t"), "t", asked)
    channels = channels_in(body, [f"dc_{kind}" for kind in _DC])
    if not channels:
        raise RefusedError("no channel has a list")
    dc_series, ac_series = SeriesReader(), SeriesReader()
    dc = {
        n: {
            column: axis.column(dc_series, body.get(f"dc_{kind}{n}"), f"dc_{kind}{n}")
            for kind, column in _DC.items()
        }
        for n in channels
    }
    return _Minutely(axis, dc, dc_series, _ac_side(body, axis, ac_series), ac_series)


def _ac_side(body: Mapping[str, Any], axis: Axis, series: SeriesReader) -> dict[str, pa.Array]:
    voltages = {
        n: axis.column(series, body[f"ac_v{n}"], f"ac_v{n}")
        for n in _PHASES
        if body.get(f"ac_v{n}") is not None
    }
    if [*voltages] != [*_PHASES][: len(voltages)] or not voltages:
        raise RefusedError(f"voltages of the phases {[*voltages]}")
    absent = pa.nulls(len(axis), pa.float64())
    return {
        "ac_power_w": _ac_power(body, axis, series),
        "ac_frequency_hz": axis.column(series, body.get("ac_f"), "ac_f"),
        "ac_temperature_c": axis.column(series, body.get("ac_t"), "ac_t"),
    } | {f"ac_voltage_{n}_v": voltages.get(n, absent) for n in _PHASES}


def _ac_power(body: Mapping[str, Any], axis: Axis, series: SeriesReader) -> pa.Array:
    """The AC power under either of its names; under both it must be the same."""
    names = [name for name in _POWER_NAMES if body.get(name) is not None]
    if not names:
        raise RefusedError("neither ac_p1 nor ac_p")
    found = [axis.series(body[name], name) for name in names[1:]]
    first = axis.column(series, body[names[0]], names[0])
    if any(not each.equals(first) for each in found):
        raise RefusedError("ac_p1 and ac_p differ")
    return first
