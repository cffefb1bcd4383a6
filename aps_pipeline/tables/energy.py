"""Energy by hour, day, month and year, and by panel and day."""

from __future__ import annotations

import pyarrow as pa

from aps_pipeline.tables import columns as c
from aps_pipeline.tables.model import Column, Source, Table

_LOCAL = "Hours and days are the system's own; a skipped hour of a DST day lasts 0, a repeated one 2 hours."
_NULL = "Null means that the API gave no number; it is never counted as 0."
_OPEN = "Rows of a period still open are provisional: is_final is false."

SYSTEM_ENERGY = (
    Table(
        name="system_hourly_energy",
        group="system",
        grain="one row per system, local day and hour",
        description="Energy of a system by hour.",
        partition="day",
        keys=("system_id", "date", "hour"),
        columns=(c.system_id, c.date, c.hour, c.start_utc, c.end_utc, c.energy_kwh, c.call_id),
        source=Source("system_energy", "hourly", "3.2.2"),
        caveats=(_LOCAL, _NULL, "Hours that had not begun when the call was made have no row."),
    ),
    Table(
        name="system_daily_energy",
        group="system",
        grain="one row per system and local day",
        description="Energy of a system by day.",
        partition="month",
        keys=("system_id", "date"),
        columns=(c.system_id, c.date, c.energy_kwh, c.is_final, c.call_id),
        source=Source("system_energy", "daily", "3.2.2"),
        caveats=(_NULL, _OPEN),
    ),
    Table(
        name="system_monthly_energy",
        group="system",
        grain="one row per system and local month",
        description="Energy of a system by month.",
        partition="year",
        keys=("system_id", "month"),
        columns=(c.system_id, c.month, c.energy_kwh, c.is_final, c.call_id),
        source=Source("system_energy", "monthly", "3.2.2"),
        caveats=(_NULL, _OPEN),
    ),
    Table(
        name="system_yearly_energy",
        group="system",
        grain="one row per system and local year",
        description="Energy of a system by year since installation.",
        partition="",
        keys=("system_id", "year"),
        columns=(c.system_id, c.year, c.energy_kwh, c.is_final, c.call_id),
        source=Source("system_energy", "yearly", "3.2.2"),
        caveats=(_NULL, _OPEN, "The API gives no labels: the list starts with the year of registration."),
    ),
)

INVERTER_BATCH_ENERGY = Table(
    name="inverter_batch_energy",
    group="inverter",
    grain="one row per system, ECU, inverter, channel and local day",
    description="Energy of every panel by day, from the batch strings uid-channel-energy.",
    partition="day",
    keys=("system_id", "ecu_id", "inverter_id", "channel", "date"),
    columns=(c.system_id, c.ecu_id, c.inverter_id, c.channel, c.date, c.energy_kwh, c.call_id),
    source=Source("inverter_batch", "energy", "3.5.3"),
    caveats=("A panel without a row did not report that day; that is not 0.",),
)

REJECTED_ITEMS = Table(
    name="rejected_items",
    group="quality",
    grain="one row per item that an answer held and no table could take",
    description="Items refused one by one, as they came, with the reason.",
    partition="day",
    keys=("source_table", "system_id", "device_id", "date", "position"),
    columns=(
        Column("source_table", pa.string(), "Table that the item was meant for"),
        c.system_id,
        Column("device_id", pa.string(), "ECU, inverter or meter that was asked"),
        c.date,
        Column("position", pa.int32(), "Position in the answer's list, from 0"),
        Column("item", pa.string(), "The item as it came, at most 200 characters"),
        Column("reason", pa.string(), "Why it was refused"),
        c.call_id,
    ),
    source=INVERTER_BATCH_ENERGY.source,
    side_of="inverter_batch_energy",
)
