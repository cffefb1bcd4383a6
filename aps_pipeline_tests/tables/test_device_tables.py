"""The tables of systems, ECUs, inverters and meters are those of the contract."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from aps_pipeline.api import ENDPOINTS
from aps_pipeline.parse.devices import DEVICE_PARSERS
from aps_pipeline.tables import Table, type_names
from aps_pipeline.tables.levels import ECU_ENERGY, INVERTER_ENERGY, METER_ENERGY, SYSTEM_ENERGY
from aps_pipeline.tables.summaries import SUMMARIES
from aps_pipeline.tables.telemetry import TELEMETRY

UNITS = {"_kwh": "kWh", "_w": "W", "_v": "V", "_a": "A", "_hz": "Hz", "_c": "°C"}
DECLARED = (*SYSTEM_ENERGY, *ECU_ENERGY, *INVERTER_ENERGY, *METER_ENERGY, *TELEMETRY, *SUMMARIES)
_LEVELS = {
    "hourly": ("day", ("date", "hour")),
    "daily": ("month", ("date",)),
    "monthly": ("year", ("month",)),
    "yearly": ("", ("year",)),
}
_IDS = {
    "system": ("system_id",),
    "ecu": ("system_id", "ecu_id"),
    "inverter": ("system_id", "inverter_id", "channel"),
    "meter": ("system_id", "meter_id"),
}
_SLOT = ("date", "label", "fold")
_FLOWS = ("produced_kwh", "consumed_kwh", "imported_kwh", "exported_kwh")
_TOTALS = ("today_kwh", "month_kwh", "year_kwh", "lifetime_kwh")
CONTRACT: dict[str, tuple[str, tuple[str, ...]]] = {
    **{
        f"{kind}_{level}_energy": (partition, (*ids, *when))
        for kind, ids in _IDS.items()
        for level, (partition, when) in _LEVELS.items()
    },
    "ecu_power": ("day", ("system_id", "ecu_id", *_SLOT)),
    "meter_power": ("day", ("system_id", "meter_id", *_SLOT)),
    "inverter_batch_power": ("day", ("system_id", "ecu_id", "inverter_id", "channel", *_SLOT)),
    "inverter_dc_telemetry": ("day", ("system_id", "inverter_id", "channel", *_SLOT)),
    "inverter_ac_telemetry": ("day", ("system_id", "inverter_id", *_SLOT)),
    **{f"{kind}_summary": ("", (*ids, "taken_utc")) for kind, ids in _IDS.items()},
}
MEASURES: dict[str, tuple[str, ...]] = {
    **{f"{kind}_{level}_energy": ("energy_kwh",) for kind in _IDS for level in _LEVELS},
    **{f"meter_{level}_energy": _FLOWS for level in _LEVELS},
    "ecu_power": ("power_w", "energy_kwh"),
    "meter_power": ("produced_w", "consumed_w", "imported_exported_w", *_FLOWS),
    "inverter_batch_power": ("power_w",),
    "inverter_dc_telemetry": ("dc_power_w", "dc_current_a", "dc_voltage_v", "dc_energy_kwh"),
    "inverter_ac_telemetry": (
        "ac_power_w", "ac_frequency_hz", "ac_temperature_c",
        "ac_voltage_1_v", "ac_voltage_2_v", "ac_voltage_3_v",
    ),
    **{f"{kind}_summary": _TOTALS for kind in ("system", "ecu", "inverter")},
    "meter_summary": tuple(
        f"{flow}_{span}_kwh"
        for span in ("today", "month", "year", "lifetime")
        for flow in ("produced", "consumed", "imported", "exported")
    ),
}  # fmt: skip
every_table = pytest.mark.parametrize("table", DECLARED, ids=lambda table: table.name)


def test_partitions_keys_and_measures_are_those_of_the_contract() -> None:
    assert {table.name: (table.partition, table.keys) for table in DECLARED} == CONTRACT
    assert {table.name: tuple(c.name for c in table.measures) for table in DECLARED} == MEASURES
    assert set(DEVICE_PARSERS) == set(CONTRACT)


@every_table
def test_names_say_what_a_column_is(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    for column in table.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name) and column.type in type_names
        assert column.meaning and not column.meaning[0].islower() and not column.meaning.endswith(".")
        assert column.unit == next((unit for end, unit in UNITS.items() if column.name.endswith(end)), "")
        assert column.name.endswith("_utc") == (column.type == pa.timestamp("us", "UTC"))
        assert column.nullable == bool(column.unit), "what is absent is not 0, and a key is never absent"


@every_table
def test_keys_come_first_and_the_call_last(table: Table) -> None:
    assert tuple(column.name for column in table.columns[: len(table.keys)]) == table.keys
    assert table.columns[-1].name == "call_id"
    dated = table.group in ("system", "ecu") and table.source.level in ("daily", "monthly", "yearly")
    assert ("is_final" in table.schema.names) == dated
    assert ("start_utc" in table.schema.names) == (
        table.name in ("system_hourly_energy", "ecu_hourly_energy")
    )


@every_table
def test_sentences_and_sources(table: Table) -> None:
    assert table.grain.startswith("one row per ") and table.description.endswith(".")
    assert all(caveat.endswith(".") for caveat in table.caveats)
    endpoint = ENDPOINTS[table.source.endpoint]
    assert table.source.level in endpoint.levels and table.source.section == endpoint.section


def test_every_level_of_every_endpoint_has_its_table() -> None:
    asked = {(table.source.endpoint, table.source.level) for table in DECLARED}
    rest = {
        ("inverter_batch", "energy"),
        ("system_details", ""),
        ("system_inverters", ""),
        ("system_meters", ""),
    }
    assert asked | rest == {(name, level) for name, each in ENDPOINTS.items() for level in each.levels}
