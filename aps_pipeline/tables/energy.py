"""Energy by panel and day, and the items that no table could take."""

from __future__ import annotations

import pyarrow as pa

from aps_pipeline.tables import columns as c
from aps_pipeline.tables.caveats import CHANNEL_IS_NOT_PANEL_POSITION, ENERGY
from aps_pipeline.tables.model import Column, Source, Table

INVERTER_BATCH_ENERGY = Table(
    name="inverter_batch_energy",
    group="inverter",
    grain="one row per system, ECU, inverter, channel and local day",
    description="Energy of every panel by day, from the batch strings uid-channel-energy.",
    partition="day",
    keys=("system_id", "ecu_id", "inverter_id", "channel", "date"),
    columns=(c.system_id, c.ecu_id, c.inverter_id, c.channel, c.date, c.energy_kwh, c.call_id),
    source=Source("inverter_batch", "energy", "3.5.3"),
    caveats=(*ENERGY, CHANNEL_IS_NOT_PANEL_POSITION),
    notes=("A panel without a row did not report that day.",),
)

_LEVELS = ("hourly", "daily", "monthly")

REJECTED_ITEMS = Table(
    name="rejected_items",
    group="quality",
    grain="one row per item that an answer held and no table could take",
    description="Items and series refused one by one, with the reason.",
    partition="day",
    keys=("source_table", "system_id", "device_id", "date", "position"),
    columns=(
        Column("source_table", pa.string(), "Table that the item was meant for"),
        c.system_id,
        Column("device_id", pa.string(), "ECU, inverter or meter that was asked"),
        c.date,
        Column("position", pa.int32(), "Position in the answer's list, or of the series, from 0"),
        Column("item", pa.string(), "The item as it came, or the name of the series; at most 200 characters"),
        Column("reason", pa.string(), "Why it was refused"),
        c.call_id,
    ),
    source=INVERTER_BATCH_ENERGY.source,
    side_of=(
        "inverter_batch_energy",
        "inverter_batch_power",
        *(f"{kind}_{level}_energy" for kind in ("inverter", "meter") for level in _LEVELS),
        "ecu_power",
        "meter_power",
        "inverter_dc_telemetry",
        "inverter_ac_telemetry",
    ),
    notes=(
        "An item or series of a month or a year stands under its first day.",
        "A refused series that is a column beside others is null there; one with rows of its own has none.",
    ),
)
