"""Totals of today, this month, this year and all time: manual 3.2.1, 3.3.1, 3.4.1 and 3.5.1.

A summary is a snapshot: one answer makes its rows, stamped with the moment of asking, and the table holds
those of every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aps_pipeline.parse.asked import Asked, Parsed, RefusedError
from aps_pipeline.parse.bodies import body_of, channels_in, parsed
from aps_pipeline.parse.values import an_object, number
from aps_pipeline.tables import Table
from aps_pipeline.tables.measures import FLOWS, SPANS

_LETTERS = dict(zip(SPANS, "dmyt", strict=True))
"""The spans as an inverter names them, before the number of the channel."""

_OFTEN_ABSENT = "lifetime"
"""Named among a meter's spans by the manual, but not in its example."""


def total_summary(table: Table, data: Any, asked: Asked) -> Parsed:
    """The row of `system_summary` or `ecu_summary` in kWh; `today` is null before the first production.

    Raises RefusedError.
    """
    body = body_of(table, data, asked)
    return parsed(table, asked, {f"{span}_kwh": [_given(body, span)] for span in SPANS}, 1)


def meter_summary(table: Table, data: Any, asked: Asked) -> Parsed:
    """The row of `meter_summary` in kWh; `today` is null as a whole before the first record of the day.

    Raises RefusedError.
    """
    body = body_of(table, data, asked)
    columns: dict[str, Any] = {}
    for span in SPANS:
        if span not in body and span != _OFTEN_ABSENT:
            raise RefusedError(f"no {span}")
        given = body.get(span)
        flows = dict.fromkeys(FLOWS) if given is None else an_object(given, span)
        columns |= {f"{flow}_{span}_kwh": [_given(flows, flow, f"{span}.{flow}")] for flow in FLOWS}
    return parsed(table, asked, columns, 1)


def inverter_summary(table: Table, data: Any, asked: Asked) -> Parsed:
    """The rows of `inverter_summary` in kWh: d, m, y and t of each channel. Raises RefusedError."""
    body = body_of(table, data, asked)
    channels = channels_in(body, [*_LETTERS.values()])
    if not channels:  # all null is an inverter that has not produced yet; no name at all is another body
        for letter in _LETTERS.values():
            _given(body, f"{letter}1")
    columns = {
        f"{span}_kwh": [_given(body, f"{letter}{channel}") for channel in channels]
        for span, letter in _LETTERS.items()
    }
    return parsed(table, asked, columns | {"channel": channels}, len(channels))


def _given(values: Mapping[str, Any], name: str, what: str = "") -> float | None:
    """The number of that name, which may be null but must stand there. Raises RefusedError."""
    if name not in values:
        raise RefusedError(f"no {what or name}")
    return number(values[name], what or name)
