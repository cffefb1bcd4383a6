"""What differs between two answers: against a slow reference, and for every table that can be compared."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aps_pipeline.ingest.answer_diffs import COMPARED, all_numbers, compare
from aps_pipeline.tables import Table, from_columns, get_table

METERS = get_table("meter_hourly_energy")
VOLTS = get_table("inverter_ac_telemetry")
NUMBERS = st.none() | st.sampled_from([0.0, 0.1, 0.2, 12.5, 0.000001, -3.25])
_FILLING = {
    pa.string(): "x", pa.int8(): 1, pa.int16(): 2024, pa.int64(): 7, pa.bool_(): True, pa.float64(): 1.5,
    pa.date32(): date(2024, 3, 5), pa.timestamp("us", "UTC"): datetime(2024, 3, 5, tzinfo=UTC),
}  # fmt: skip
Numbers = dict[tuple[Any, ...], tuple[float | None, ...]]
"""The measures of each key."""


def rows_of(table: Table, numbers: Numbers, **also: Any) -> pa.Table:
    """Rows with these measures; what is neither key nor measure is filled with something."""
    measures = [column.name for column in table.measures]
    columns: dict[str, Any] = {
        column.name: [also.get(column.name, _FILLING[column.type])] * len(numbers) for column in table.columns
    }
    for position, name in enumerate(table.keys):
        columns[name] = [key[position] for key in numbers]
    for position, name in enumerate(measures):
        columns[name] = [values[position] for values in numbers.values()]
    return from_columns(table, columns)


def reference(before: Numbers, after: Numbers, kwh: int | None) -> dict[str, Any]:
    """The same counts, one number after the other."""

    def cells(rows: Numbers) -> dict[tuple[Any, int], float]:
        return {
            (key, n): value
            for key, values in rows.items()
            for n, value in enumerate(values)
            if value is not None
        }

    def energy(rows: Numbers) -> float | None:
        values = [values[kwh] for values in rows.values()] if kwh is not None else []
        found = [value for value in values if value is not None]
        return round(sum(found), 6) if found else None

    old, new = cells(before), cells(after)
    return {
        "rows_before": len(before),
        "rows_after": len(after),
        "rows_new": len(after.keys() - before.keys()),
        "rows_gone": len(before.keys() - after.keys()),
        "numbers_before": len(old),
        "numbers_after": len(new),
        "numbers_changed": sum(old[cell] != new[cell] for cell in old.keys() & new.keys()),
        "numbers_gone": len(old.keys() - new.keys()),
        "energy_before_kwh": energy(before),
        "energy_after_kwh": energy(after),
    }


def answers(table: Table) -> st.SearchStrategy[Numbers]:
    """Answers of a few keys, so that two of them have many in common."""
    keys = [
        (f"S{n % 2}", "D", date(2024, 3, 5), *((n,) if "hour" in table.keys else (f"0{n}:00", 0)))
        for n in range(6)
    ]
    measures = st.tuples(*[NUMBERS] * len(table.measures))
    return st.dictionaries(st.sampled_from(keys), measures)


@pytest.mark.parametrize(("table", "kwh"), [(METERS, 0), (VOLTS, None)], ids=["energies", "no energy"])
def test_compare_counts_what_a_slow_reference_counts(table: Table, kwh: int | None) -> None:
    @given(before=answers(table), after=answers(table))
    def holds(before: Numbers, after: Numbers) -> None:
        change = compare(table, rows_of(table, before), rows_of(table, after))
        assert asdict(change) == reference(before, after, kwh)
        assert change.is_difference == (before != after)

    holds()


@given(one=answers(METERS), other=answers(METERS))
def test_all_numbers_hold_those_of_both(one: Numbers, other: Numbers) -> None:
    both = all_numbers(METERS, rows_of(METERS, one), rows_of(METERS, other))
    for rows in (one, other):
        assert compare(METERS, rows_of(METERS, rows), both).numbers_gone == 0
    lacks_one = compare(METERS, rows_of(METERS, one), rows_of(METERS, other)).numbers_gone
    assert compare(METERS, both, rows_of(METERS, other)).numbers_gone == lacks_one


@pytest.mark.parametrize("table", COMPARED, ids=lambda table: table.name)
def test_every_table_has_measures_that_are_compared(table: Table) -> None:
    key = tuple(
        _FILLING[column.type] for name in table.keys for column in table.columns if column.name == name
    )
    sound = rows_of(table, {key: (1.0,) * len(table.measures)})
    lacking = rows_of(table, {key: (None,) * len(table.measures)})
    change = compare(table, sound, lacking)
    assert change.numbers_gone == change.numbers_before == len(table.measures) > 0
    has_energy = any(column.unit == "kWh" for column in table.columns)
    assert (change.energy_before_kwh, change.energy_after_kwh) == (1.0 if has_energy else None, None)


def test_the_call_and_whether_it_is_final_are_no_difference() -> None:
    table, key = get_table("system_daily_energy"), ("S1", date(2024, 3, 5))
    before = rows_of(table, {key: (1.0,)}, call_id=1, is_final=False)
    after = rows_of(table, {key: (1.0,)}, call_id=2, is_final=True)
    assert not compare(table, before, after).is_difference


def test_of_a_meter_the_energy_is_what_was_produced() -> None:
    key = ("S1", "M1", date(2024, 3, 5), 12)
    change = compare(
        METERS,
        rows_of(METERS, {key: (0.1, 5.0, 4.9, 0.0)}),
        rows_of(METERS, {key: (0.3, 5.0, 4.7, 0.0)}),
    )
    assert (change.energy_before_kwh, change.energy_after_kwh) == (0.1, 0.3)
    assert change.numbers_changed == 2


def test_sums_show_no_more_decimals_than_the_api() -> None:
    table = get_table("system_daily_energy")
    days = {("S1", date(2024, 3, day)): (0.1,) for day in range(1, 4)}
    assert compare(table, rows_of(table, days), rows_of(table, {})).energy_before_kwh == 0.3
