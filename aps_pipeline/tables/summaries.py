"""Summaries: totals of today, this month, this year and all time, every snapshot kept."""

from __future__ import annotations

from aps_pipeline.periods import Grain
from aps_pipeline.tables import columns as c
from aps_pipeline.tables.caveats import ABSENT_IS_NOT_ZERO, CHANNEL_IS_NOT_PANEL_POSITION, Caveat
from aps_pipeline.tables.model import Column, Group, Source, Table

_KEPT = "Every answer is kept as a row of its own: the newest taken_utc is the present."
_MORNING = "What is summed over today is null before the first production of the day."


def _summary(
    group: Group,
    section: str,
    ids: tuple[Column, ...],
    words: str,
    what: str,
    totals: tuple[Column, ...] = c.totals_kwh,
    caveats: tuple[Caveat, ...] = (ABSENT_IS_NOT_ZERO,),
) -> Table:
    return Table(
        name=f"{group}_summary",
        group=group,
        row_description=f"one row per {words} and moment of asking",
        description=f"{what} today, this month, this year and in all, as it stood when asked.",
        partition_grain=Grain.LIFETIME,
        keys=(*(column.name for column in ids), "taken_utc"),
        columns=(*ids, c.taken_utc, *totals, c.call_id),
        source=Source(f"{group}_summary", "", section),
        caveats=caveats,
        notes=(_KEPT, _MORNING),
    )


SYSTEM_SUMMARY = _summary("system", "3.2.1", (c.system_id,), "system", "Energy of a system")
ECU_SUMMARY = _summary("ecu", "3.3.1", (c.system_id, c.ecu_id), "system, ECU", "Energy below an ECU")
METER_SUMMARY = _summary(
    "meter",
    "3.4.1",
    (c.system_id, c.meter_id),
    "system, meter",
    "Energy produced, consumed, imported and exported",
    c.flow_totals_kwh,
)
INVERTER_SUMMARY = _summary(
    "inverter",
    "3.5.1",
    (c.system_id, c.inverter_id, c.channel),
    "system, inverter, channel",
    "Energy of every channel of an inverter",
    caveats=(ABSENT_IS_NOT_ZERO, CHANNEL_IS_NOT_PANEL_POSITION),
)

SUMMARIES = (SYSTEM_SUMMARY, ECU_SUMMARY, METER_SUMMARY, INVERTER_SUMMARY)
