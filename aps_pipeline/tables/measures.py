"""Columns of 5-minute tables, meters and summaries that stand in more than one table."""

from __future__ import annotations

import pyarrow as pa

from aps_pipeline.tables.columns import INSTANT
from aps_pipeline.tables.model import Column

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
