"""Totals of today, this month, this year and all time: manual 3.2.1, 3.3.1, 3.4.1 and 3.5.1.

A summary is a snapshot: one answer makes its rows, stamped with the moment of asking, and the table holds
those of every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aps_pipeline.parse.context import ParseContext, Parsed, list_channels, make_rows, read_body
from aps_pipeline.parse.registry import register
from aps_pipeline.parse.values import RefusedError, read_number, read_object
from aps_pipeline.tables import Table
from aps_pipeline.tables.columns import FLOWS, SPANS
from aps_pipeline.tables.summaries import ECU_SUMMARY, INVERTER_SUMMARY, METER_SUMMARY, SYSTEM_SUMMARY

_LETTERS = dict(zip(SPANS, "dmyt", strict=True))
"""The spans as an inverter names them, before the number of the channel."""

_OFTEN_ABSENT = "lifetime"
"""Named among a meter's spans by the manual, but not in its example."""


@register(SYSTEM_SUMMARY, ECU_SUMMARY)
def total_summary(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build the row of `system_summary` or `ecu_summary` in kWh; no `today` before the first production.

    Raises RefusedError.
    """
    body = read_body(table, data, context)
    return make_rows(table, context, {f"{span}_kwh": [_required_number(body, span)] for span in SPANS}, 1)


@register(METER_SUMMARY)
def meter_summary(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build the row of `meter_summary` in kWh; `today` is null as a whole before the day's first record.

    Raises RefusedError.
    """
    body = read_body(table, data, context)
    columns: dict[str, Any] = {}
    for span in SPANS:
        if span not in body and span != _OFTEN_ABSENT:
            raise RefusedError(f"no {span}")
        given = body.get(span)
        flows = dict.fromkeys(FLOWS) if given is None else read_object(given, span)
        columns |= {f"{flow}_{span}_kwh": [_required_number(flows, flow, f"{span}.{flow}")] for flow in FLOWS}
    return make_rows(table, context, columns, 1)


@register(INVERTER_SUMMARY)
def inverter_summary(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build the rows of `inverter_summary` in kWh: d, m, y and t of each channel. Raises RefusedError."""
    body = read_body(table, data, context)
    channels = list_channels(body, [*_LETTERS.values()])
    if not channels:  # all null is an inverter that has not produced yet; no name at all is another body
        for letter in _LETTERS.values():
            _required_number(body, f"{letter}1")
    columns = {
        f"{span}_kwh": [_required_number(body, f"{letter}{channel}") for channel in channels]
        for span, letter in _LETTERS.items()
    }
    return make_rows(table, context, columns | {"channel": channels}, len(channels))


def _required_number(values: Mapping[str, Any], name: str, what: str = "") -> float | None:
    """Read the number of that name, which may be null but must stand there. Raises RefusedError."""
    if name not in values:
        raise RefusedError(f"no {what or name}")
    return read_number(values[name], what or name)
