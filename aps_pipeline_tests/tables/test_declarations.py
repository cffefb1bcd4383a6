"""Every table declaration keeps the contract's promises."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.tables import (
    FETCHED,
    PROFILES,
    REJECTED_ITEMS,
    TABLES,
    TYPE_NAMES,
    Table,
    UnknownTableError,
    empty,
    from_columns,
    get_table,
)

UNITS = {"_kwh": "kWh", "_kw": "kW", "_w": "W", "_v": "V", "_a": "A", "_hz": "Hz", "_c": "°C"}
_LEVELS = {
    "hourly": ("day", ("date", "hour")),
    "daily": ("month", ("date",)),
    "monthly": ("year", ("month",)),
    "yearly": ("lifetime", ("year",)),
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
    "systems": ("lifetime", ("system_id",)),
    "system_capacity": ("lifetime", ("system_id", "first_seen_utc")),
    "ecus": ("lifetime", ("system_id", "ecu_id")),
    "inverters": ("lifetime", ("system_id", "ecu_id", "inverter_id")),
    "meters": ("lifetime", ("system_id", "meter_id")),
    "inverter_batch_energy": ("day", ("system_id", "ecu_id", "inverter_id", "channel", "date")),
    "rejected_items": ("day", ("source_table", "system_id", "device_id", "date", "position")),
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
    **{f"{kind}_summary": ("lifetime", (*ids, "taken_utc")) for kind, ids in _IDS.items()},
}
MEASURES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("inverters", "meters", "rejected_items"), ()),
    **dict.fromkeys(("systems", "system_capacity"), ("capacity_kw",)),
    "ecus": ("capacity_kwh",),
    "inverter_batch_energy": ("energy_kwh",),
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
every_table = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)


def test_partitions_keys_and_measures_are_those_of_the_contract() -> None:
    assert {name: (table.partition_grain, table.keys) for name, table in TABLES.items()} == CONTRACT
    assert {name: tuple(c.name for c in table.measures) for name, table in TABLES.items()} == MEASURES


@every_table
def test_bounds_and_finality_stand_where_the_contract_has_them(table: Table) -> None:
    dated = table.group in ("system", "ecu")
    coarse = table.source.level in ("daily", "monthly", "yearly")
    assert ("is_final" in table.schema.names) == (dated and coarse)
    assert ("start_utc" in table.schema.names) == (dated and table.source.level == "hourly")


@every_table
def test_the_source_is_a_level_of_the_manual(table: Table) -> None:
    endpoint = ENDPOINTS[table.source.endpoint]
    assert table.source.level in endpoint.levels and table.source.section == endpoint.section


def test_every_level_of_every_endpoint_has_its_table() -> None:
    fed = {(table.source.endpoint, table.source.level) for table in TABLES.values()}
    assert fed == {(name, level) for name, each in ENDPOINTS.items() for level in each.levels}


def test_a_profile_holds_the_one_before() -> None:
    lean, standard, full = (set(PROFILES[name]) for name in ("lean", "standard", "full"))
    assert lean < standard < full == set(FETCHED)
    assert {table.name for table in lean if table.group != "inventory"} == {
        *(
            f"{kind}_{level}_energy"
            for kind in ("system", "meter")
            for level in ("daily", "monthly", "yearly")
        ),
        "inverter_batch_energy",
    }
    assert {table.name for table in standard - lean} == {
        "system_hourly_energy", "meter_hourly_energy", "inverter_batch_power",
    }  # fmt: skip


@every_table
def test_names_say_what_a_column_is(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    for column in table.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.type in TYPE_NAMES, column
        assert column.meaning and not column.meaning[0].islower() and not column.meaning.endswith(".")
        suffix = next((unit for end, unit in UNITS.items() if column.name.endswith(end)), "")
        assert column.unit == suffix, f"{column.name} is in {column.unit or 'nothing'}"
        assert column.name.endswith("_utc") == (column.type == pa.timestamp("us", "UTC"))
        assert not column.name.endswith("_id") or column.name == "call_id" or column.type == pa.string()


@every_table
def test_keys_come_first_and_are_never_absent(table: Table) -> None:
    by_name = {column.name: column for column in table.columns}
    assert all(not by_name[key].nullable for key in table.keys)
    assert {column.name for column in table.columns[: len(table.keys)]} == set(table.keys)
    assert table.columns[-1].name == "call_id" and not by_name["call_id"].nullable
    assert all(column.nullable for column in table.measures), "what is absent is not 0"


@every_table
def test_sentences(table: Table) -> None:
    assert table.row_description.startswith("one row per ")
    assert table.description.endswith(".") and all(remark.endswith(".") for remark in table.remarks)
    assert [c.comment for c in table.columns if c.unit] == [f"{c.meaning} [{c.unit}]" for c in table.measures]


@every_table
def test_schemas(table: Table) -> None:
    assert empty(table).schema.equals(table.schema, check_metadata=True) and empty(table).num_rows == 0
    assert set(table.file_schema.names) == set(table.schema.names) - set(table.folder_columns)


def test_tables_by_name() -> None:
    assert get_table("systems") is TABLES["systems"]
    with pytest.raises(
        UnknownTableError, match="no table 'system_daly_energy': did you mean system_daily_energy"
    ):
        get_table("system_daly_energy")
    with pytest.raises(UnknownTableError, match="no table 'zzz'; `aps tables` lists them"):
        get_table("zzz")
    with pytest.raises(UnknownTableError) as caught:
        get_table("x" * 10_000)
    assert len(str(caught.value)) < 400


def test_what_is_written_along_cannot_be_asked_for() -> None:
    assert set(TABLES.values()) - set(FETCHED) == {REJECTED_ITEMS}
    assert set(REJECTED_ITEMS.side_of) < set(TABLES)


def test_rows_from_columns() -> None:
    meters = get_table("meters")
    with pytest.raises(KeyError):
        from_columns(meters, {"system_id": ["A"]})
    with pytest.raises(pa.ArrowInvalid):
        from_columns(get_table("system_yearly_energy"), {
            "system_id": ["A"], "year": [99_999], "energy_kwh": [1.0], "is_final": [True], "call_id": [1],
        })  # fmt: skip
