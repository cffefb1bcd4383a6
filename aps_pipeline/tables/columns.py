"""Columns that stand in more than one table, each declared once."""

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
