"""Columns that stand in more than one table, and measures, each declared once."""

from __future__ import annotations

import pyarrow as pa

from aps_pipeline.tables.model import Column

INSTANT = pa.timestamp("us", "UTC")

system_id = Column("system_id", pa.string(), "System, as the API names it (sid)")
ecu_id = Column("ecu_id", pa.string(), "ECU, the gateway that inverters report to (eid)")
inverter_id = Column("inverter_id", pa.string(), "Inverter (uid)")
meter_id = Column("meter_id", pa.string(), "Meter ECU")
channel = Column("channel", pa.int8(), "Input of the inverter, from 1; not a position on the roof")
date = Column("date", pa.date32(), "Local day at the system")
hour = Column("hour", pa.int8(), "Local hour 0-23 at the system, as its clock shows it")
month = Column("month", pa.date32(), "First day of the local month")
year = Column("year", pa.int16(), "Local year")
start_utc = Column("start_utc", INSTANT, "Start of the hour; a skipped hour lasts 0, a repeated one 2 hours")
end_utc = Column("end_utc", INSTANT, "End of the hour")
energy_kwh = Column("energy_kwh", pa.float64(), "Energy produced; null where the API gave none", "kWh", True)
is_final = Column(
    "is_final", pa.bool_(), "Whether the answer came after the period and its revision days had ended"
)
answered_by = Column(
    "answered_by", pa.string(), "Whose answer the row was read from: ecu, or system where both say the same"
)
first_seen_utc = Column("first_seen_utc", INSTANT, "When an answer first named it")
last_seen_utc = Column("last_seen_utc", INSTANT, "When an answer last named it")
call_id = Column("call_id", pa.int64(), "The call that this row came from: meta.calls")


FLOWS = ("produced", "consumed", "imported", "exported")
"""What a meter counts, by the names of the API."""

_FLOWS_MEANING = {
    "produced": "Energy produced",
    "consumed": "Energy consumed",
    "imported": "Energy taken from the grid",
    "exported": "Energy given to the grid",
}
_SPANS_MEANING = {
    "today": "on the local day until then",
    "month": "in the local month until then",
    "year": "in the local year until then",
    "lifetime": "since installation",
}
SPANS = tuple(_SPANS_MEANING)
"""What a summary sums over, by the names of the API."""

_NULL = "; null where the API gave none"

label = Column("label", pa.string(), "Local wall time HH:mm at which the slot ended, as it came")
fold = Column(
    "fold", pa.int8(), "0; 1 where the label stands for the second time, in the hour that autumn repeats"
)
slot_end_utc = Column("end_utc", INSTANT, "End of the slot: the instant at which a clock there showed label")
taken_utc = Column("taken_utc", INSTANT, "When the summary was asked for")
power_w = Column("power_w", pa.float64(), f"Mean power of the slot{_NULL}", "W", True)
slot_energy_kwh = Column("energy_kwh", pa.float64(), f"Energy produced in the slot{_NULL}", "kWh", True)

flows_kwh = tuple(
    Column(f"{flow}_kwh", pa.float64(), f"{_FLOWS_MEANING[flow]}{_NULL}", "kWh", True) for flow in FLOWS
)
totals_kwh = tuple(
    Column(f"{span}_kwh", pa.float64(), f"Energy produced {_SPANS_MEANING[span]}{_NULL}", "kWh", True)
    for span in SPANS
)
flow_totals_kwh = tuple(
    Column(
        f"{flow}_{span}_kwh",
        pa.float64(),
        f"{_FLOWS_MEANING[flow]} {_SPANS_MEANING[span]}{_NULL}",
        "kWh",
        True,
    )
    for span in SPANS
    for flow in FLOWS
)
