"""What stands on the roof: systems, ECUs, inverters, meters."""

from __future__ import annotations

import pyarrow as pa

from aps_pipeline.periods import Grain
from aps_pipeline.tables import columns as c
from aps_pipeline.tables.caveats import REPLACED_DEVICE
from aps_pipeline.tables.model import Column, Source, Table

DETAILS = Source("system_details", "", "3.1.1")
INVERTERS = Source("system_inverters", "", "3.1.2")
METERS = Source("system_meters", "", "3.1.3")

_seen = (c.first_seen_utc, c.last_seen_utc, c.call_id)
_gone_utc = Column(
    "gone_utc", c.INSTANT, "When an answer first named it no more; null while it is there", nullable=True
)
_listed_as = Column(
    "listed_as",
    pa.string(),
    "MAIN-VIRTUAL, as the inventory lists the share of a home in an ECU of several; what stands after the "
    "last hyphen is asked. Null where that is all",
    nullable=True,
)
_device_seen = (c.first_seen_utc, c.last_seen_utc, _gone_utc, c.call_id)
_capacity_kw = Column("capacity_kw", pa.float64(), "Installed size", "kW", True)
_timezone = Column("timezone", pa.string(), "IANA time zone, as the API names it", nullable=True)

INVENTORY = (
    Table(
        name="systems",
        group="inventory",
        row_description="one row per system",
        description="Systems with capacity, time zone and registration date.",
        partition_grain=Grain.LIFETIME,
        keys=("system_id",),
        columns=(
            c.system_id,
            _capacity_kw,
            _timezone,
            Column("type", pa.int16(), "1 PV, 2 storage, 3 PV and storage", nullable=True),
            Column(
                "create_date",
                pa.date32(),
                "Day of registration. What lies before it is asked where lists of years, months or days show "
                "energy there",
                nullable=True,
            ),
            Column("light", pa.int16(), "State lamp: 1 green, 2 yellow, 3 red, 4 grey", nullable=True),
            *_seen,
        ),
        source=DETAILS,
    ),
    Table(
        name="system_capacity",
        group="inventory",
        row_description="one row per system and stretch of time in which its capacity was the same",
        description="The capacity of systems, dated.",
        partition_grain=Grain.LIFETIME,
        keys=("system_id", "first_seen_utc"),
        columns=(c.system_id, c.first_seen_utc, c.last_seen_utc, _capacity_kw, c.call_id),
        source=DETAILS,
        notes=("What it was before the first answer is not known.",),
    ),
    Table(
        name="ecus",
        group="inventory",
        row_description="one row per system and ECU",
        description="ECUs: the gateways that inverters report to.",
        partition_grain=Grain.LIFETIME,
        keys=("system_id", "ecu_id"),
        columns=(
            c.system_id,
            c.ecu_id,
            _listed_as,
            Column("type", pa.int16(), "0 ECU, 1 with meter, 2 with storage", nullable=True),
            _timezone,
            Column("model", pa.string(), "Model of a storage ECU", nullable=True),
            Column("capacity_kwh", pa.float64(), "Capacity of a storage ECU", "kWh", True),
            *_device_seen,
        ),
        source=INVERTERS,
        also_from=(DETAILS,),
        caveats=(REPLACED_DEVICE,),
    ),
    Table(
        name="inverters",
        group="inventory",
        row_description="one row per system, ECU and inverter",
        description="Microinverters and the ECU each reports to.",
        partition_grain=Grain.LIFETIME,
        keys=("system_id", "ecu_id", "inverter_id"),
        columns=(
            c.system_id,
            c.ecu_id,
            c.inverter_id,
            Column(
                "type", pa.string(), "Model family, such as DS3 (two inputs) or QT2D (four)", nullable=True
            ),
            *_device_seen,
        ),
        source=INVERTERS,
        caveats=(REPLACED_DEVICE,),
    ),
    Table(
        name="meters",
        group="inventory",
        row_description="one row per system and meter",
        description="Meter ECUs, which measure consumption, import and export.",
        partition_grain=Grain.LIFETIME,
        keys=("system_id", "meter_id"),
        columns=(c.system_id, c.meter_id, _listed_as, *_device_seen),
        source=METERS,
        caveats=(REPLACED_DEVICE,),
    ),
)
