"""Which function reads which table of systems, ECUs, inverters and meters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aps_pipeline.parse.asked import Asked, Parsed
from aps_pipeline.parse.energies import energy_list, inverter_energy
from aps_pipeline.parse.inverters import inverter_ac, inverter_dc
from aps_pipeline.parse.meters import meter_energy
from aps_pipeline.parse.summaries import inverter_summary, meter_summary, total_summary
from aps_pipeline.parse.telemetry import batch_power, ecu_power, meter_power
from aps_pipeline.tables import Table
from aps_pipeline.tables.levels import ECU_ENERGY, INVERTER_ENERGY, METER_ENERGY, SYSTEM_ENERGY

DEVICE_PARSERS: dict[str, Callable[[Table, Any, Asked], Parsed]] = {
    **{table.name: energy_list for table in (*SYSTEM_ENERGY, *ECU_ENERGY)},
    **{table.name: inverter_energy for table in INVERTER_ENERGY},
    **{table.name: meter_energy for table in METER_ENERGY},
    "ecu_power": ecu_power,
    "meter_power": meter_power,
    "inverter_batch_power": batch_power,
    "inverter_dc_telemetry": inverter_dc,
    "inverter_ac_telemetry": inverter_ac,
    "system_summary": total_summary,
    "ecu_summary": total_summary,
    "meter_summary": meter_summary,
    "inverter_summary": inverter_summary,
}
"""Table name to the function that makes its rows of `data`, given the table and the call."""
