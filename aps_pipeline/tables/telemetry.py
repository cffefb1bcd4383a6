"""Five-minute tables: power of ECUs, meters and panels, and what an inverter measures on its two sides."""

from __future__ import annotations

import pyarrow as pa

from aps_pipeline.periods import Grain
from aps_pipeline.tables import columns as c
from aps_pipeline.tables.caveats import CHANNEL_IS_NOT_PANEL_POSITION, POWER_IS_NOT_ENERGY, SLOTS
from aps_pipeline.tables.model import Column, Source, Table

_SLOT = (c.date, c.label, c.fold)
_SLOT_KEYS = ("date", "label", "fold")

_NIGHT = "A meter reports day and night, a panel by daylight only."

_INVERTER_MINUTELY = Source("inverter_energy", "minutely", "3.5.2")


def _watt(name: str, meaning: str) -> Column:
    return Column(name, pa.float64(), meaning, "W", True)


ECU_POWER = Table(
    name="ecu_power",
    group="ecu",
    row_description="one row per system, ECU, local day and slot",
    description="Power and energy below an ECU in slots of 5 minutes.",
    partition_grain=Grain.DAY,
    keys=("system_id", "ecu_id", *_SLOT_KEYS),
    columns=(c.system_id, c.ecu_id, *_SLOT, c.slot_end_utc, c.power_w, c.slot_energy_kwh, c.call_id),
    source=Source("ecu_energy", "minutely", "3.3.2"),
    caveats=(*SLOTS, POWER_IS_NOT_ENERGY),
)

METER_POWER = Table(
    name="meter_power",
    group="meter",
    row_description="one row per system, meter, local day and slot",
    description="Power and energy at a meter in slots of 5 minutes: production, consumption and the grid.",
    partition_grain=Grain.DAY,
    keys=("system_id", "meter_id", *_SLOT_KEYS),
    columns=(
        c.system_id,
        c.meter_id,
        *_SLOT,
        c.slot_end_utc,
        _watt("produced_w", "Power produced"),
        _watt("consumed_w", "Power consumed"),
        _watt("imported_exported_w", "Power from the grid above 0, to the grid below 0, as served"),
        *c.flows_kwh,
        c.call_id,
    ),
    source=Source("meter_energy", "minutely", "3.4.2"),
    caveats=(*SLOTS, POWER_IS_NOT_ENERGY),
    notes=(_NIGHT,),
)

INVERTER_BATCH_POWER = Table(
    name="inverter_batch_power",
    group="inverter",
    row_description="one row per system, ECU, inverter, channel, local day and slot",
    description="Power of every panel in slots of 5 minutes, one call for all panels of an ECU.",
    partition_grain=Grain.DAY,
    keys=("system_id", "ecu_id", "inverter_id", "channel", *_SLOT_KEYS),
    columns=(c.system_id, c.ecu_id, c.inverter_id, c.channel, *_SLOT, c.slot_end_utc, c.power_w, c.call_id),
    source=Source("inverter_batch", "power", "3.5.3"),
    caveats=(*SLOTS, POWER_IS_NOT_ENERGY, CHANNEL_IS_NOT_PANEL_POSITION),
)

INVERTER_DC_TELEMETRY = Table(
    name="inverter_dc_telemetry",
    group="inverter",
    row_description="one row per system, inverter, channel, local day and slot",
    description="What every channel of an inverter takes in, in slots of 5 minutes.",
    partition_grain=Grain.DAY,
    keys=("system_id", "inverter_id", "channel", *_SLOT_KEYS),
    columns=(
        c.system_id,
        c.inverter_id,
        c.channel,
        *_SLOT,
        c.slot_end_utc,
        _watt("dc_power_w", "Power of the panel"),
        Column("dc_current_a", pa.float64(), "Current of the panel", "A", True),
        Column("dc_voltage_v", pa.float64(), "Voltage of the panel", "V", True),
        Column("dc_energy_kwh", pa.float64(), "Energy of the panel in the slot", "kWh", True),
        c.call_id,
    ),
    source=_INVERTER_MINUTELY,
    caveats=(*SLOTS, POWER_IS_NOT_ENERGY, CHANNEL_IS_NOT_PANEL_POSITION),
    notes=("One call feeds this table and inverter_ac_telemetry.",),
)

INVERTER_AC_TELEMETRY = Table(
    name="inverter_ac_telemetry",
    group="inverter",
    row_description="one row per system, inverter, local day and slot",
    description="What an inverter gives to the house, and the grid it sees, in slots of 5 minutes.",
    partition_grain=Grain.DAY,
    keys=("system_id", "inverter_id", *_SLOT_KEYS),
    columns=(
        c.system_id,
        c.inverter_id,
        *_SLOT,
        c.slot_end_utc,
        _watt("ac_power_w", "Power given, named ac_p1 in the field and ac_p in the manual"),
        Column("ac_frequency_hz", pa.float64(), "Frequency of the grid", "Hz", True),
        Column("ac_temperature_c", pa.float64(), "Temperature of the inverter", "°C", True),
        *(
            Column(
                f"ac_voltage_{n}_v", pa.float64(), f"Voltage of phase {n}; null where it has none", "V", True
            )
            for n in (1, 2, 3)
        ),
        c.call_id,
    ),
    source=_INVERTER_MINUTELY,
    caveats=(*SLOTS, POWER_IS_NOT_ENERGY),
    notes=("One call feeds this table and inverter_dc_telemetry.",),
)

TELEMETRY = (ECU_POWER, METER_POWER, INVERTER_BATCH_POWER, INVERTER_DC_TELEMETRY, INVERTER_AC_TELEMETRY)
