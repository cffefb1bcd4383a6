"""Every table declaration keeps the contract's promises."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from aps_pipeline.tables import (
    FETCHED,
    REJECTED_ITEMS,
    TABLES,
    Table,
    UnknownTableError,
    empty,
    from_columns,
    table_named,
    type_names,
)

UNITS = {"_kwh": "kWh", "_kw": "kW", "_w": "W", "_v": "V", "_a": "A", "_hz": "Hz", "_c": "°C"}
CONTRACT = {
    "systems": ("", ("system_id",)),
    "ecus": ("", ("system_id", "ecu_id")),
    "inverters": ("", ("system_id", "ecu_id", "inverter_id")),
    "meters": ("", ("system_id", "meter_id")),
    "system_hourly_energy": ("day", ("system_id", "date", "hour")),
    "system_daily_energy": ("month", ("system_id", "date")),
    "system_monthly_energy": ("year", ("system_id", "month")),
    "system_yearly_energy": ("", ("system_id", "year")),
    "inverter_batch_energy": ("day", ("system_id", "ecu_id", "inverter_id", "channel", "date")),
    "rejected_items": ("day", ("source_table", "system_id", "device_id", "date", "position")),
}
every_table = pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)


def test_partitions_and_keys_are_those_of_the_contract() -> None:
    assert {name: (table.partition, table.keys) for name, table in TABLES.items()} == CONTRACT


@every_table
def test_names_say_what_a_column_is(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    for column in table.columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert column.type in type_names, column
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
    assert table.grain.startswith("one row per ")
    assert table.description.endswith(".") and all(caveat.endswith(".") for caveat in table.caveats)
    assert [c.comment for c in table.columns if c.unit] == [f"{c.meaning} [{c.unit}]" for c in table.measures]


@every_table
def test_schemas(table: Table) -> None:
    assert empty(table).schema.equals(table.schema, check_metadata=True) and empty(table).num_rows == 0
    assert set(table.file_schema.names) == set(table.schema.names) - set(table.folder_columns)


def test_tables_by_name() -> None:
    assert table_named("systems") is TABLES["systems"]
    with pytest.raises(UnknownTableError, match="no table 'system'; there are: systems, "):
        table_named("system")
    with pytest.raises(UnknownTableError) as caught:
        table_named("x" * 10_000)
    assert len(str(caught.value)) < 400


def test_what_is_written_along_cannot_be_asked_for() -> None:
    assert set(TABLES.values()) - set(FETCHED) == {REJECTED_ITEMS}
    assert REJECTED_ITEMS.side_of in TABLES


def test_rows_from_columns() -> None:
    meters = table_named("meters")
    with pytest.raises(KeyError):
        from_columns(meters, {"system_id": ["A"]})
    with pytest.raises(pa.ArrowInvalid):
        from_columns(table_named("system_yearly_energy"), {
            "system_id": ["A"], "year": [99_999], "energy_kwh": [1.0], "is_final": [True], "call_id": [1],
        })  # fmt: skip
