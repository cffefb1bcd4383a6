"""Checks that are made from the table declarations, so that a new table has them from its first day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aps_pipeline.tables import Table
from aps_pipeline.warehouse.described import identifier, identifiers, literal

Severity = Literal["error", "warning"]

_FLOWS = ("produced_kwh", "imported_kwh", "consumed_kwh", "exported_kwh")
_REBUILD = "Run `aps rebuild`; if it stays, report it."


@dataclass(frozen=True)
class Check:
    """A query that returns failing rows. An error is a fault of this program, a warning one of the data."""

    name: str
    meaning: str
    severity: Severity
    advice: str
    statement: str


def checks_of(table: Table) -> Iterator[Check]:
    """What must hold for every table of `core`, and for those that have such columns."""
    names = [column.name for column in table.columns]
    yield _unique_key(table)
    if table.is_five_minute:
        yield _not_null(table)
    yield _known_call(table)
    if any(column.unit == "kWh" for column in table.columns):
        yield _negative_energy(table)
    if set(_FLOWS) <= set(names):
        yield _energy_balance(table)
    if "inverter_id" in names and table.group != "inventory":
        yield _unknown_inverters(table)


def _unique_key(table: Table) -> Check:
    name, keys = _name(table), identifiers(table.keys)
    # Hashes first, to find the days with doubles: grouping years of slots by their texts fills the memory.
    only = (
        f' WHERE "date" IN (SELECT "date" FROM {name} GROUP BY "date"'  # noqa: S608
        f" HAVING count(*) > count(DISTINCT hash({keys})))"
        if table.is_five_minute
        else ""
    )
    return Check(
        f"unique_key {table.name}",
        f"core.{table.name} is {table.grain}; these keys stand in several rows",
        "error",
        _REBUILD,
        f"SELECT {keys}, count(*) AS row_count FROM {name}{only} GROUP BY ALL"  # noqa: S608
        f" HAVING row_count > 1 ORDER BY {keys}",
    )


def _not_null(table: Table) -> Check:
    """For views; a table cannot hold such a row."""
    absent = " OR ".join(f"{identifier(c.name)} IS NULL" for c in table.columns if not c.nullable)
    return Check(
        f"not_null {table.name}",
        f"rows of core.{table.name} that lack what every row has",
        "error",
        _REBUILD,
        f"SELECT * FROM {_name(table)} WHERE {absent} ORDER BY {identifiers(table.keys)}",  # noqa: S608
    )


def _known_call(table: Table) -> Check:
    # A view may show rows of calls that were made after this build.
    only = " WHERE call_id <= (SELECT newest_call_id FROM meta.build)" if table.is_five_minute else ""
    return Check(
        f"known_call {table.name}",
        f"rows of core.{table.name} whose call is not in the ledger",
        "error",
        "Lake and ledger do not fit together: check APS_LAKE_URL and APS_LEDGER_URL, and whether one of them"
        " was put back from an older copy.",
        f"SELECT * FROM {_name(table)} ANTI JOIN meta.calls USING (call_id){only}"  # noqa: S608
        f" ORDER BY {identifiers(table.keys)}",
    )


def _negative_energy(table: Table) -> Check:
    energies = identifiers([column.name for column in table.columns if column.unit == "kWh"])
    return Check(
        f"negative_energy {table.name}",
        f"rows of core.{table.name} with fewer than 0 kWh, as the API gave it",
        "warning",
        "Look at the call in meta.calls; leave these rows out of sums, or report them to APsystems.",
        f"SELECT * FROM {_name(table)} WHERE least({energies}) < 0"  # noqa: S608
        f" ORDER BY {identifiers(table.keys)}",
    )


def _energy_balance(table: Table) -> Check:
    """Each of the four figures is rounded by itself, by half of the last decimal that came at most."""
    decimals, tolerance = (5, "0.00002") if table.is_five_minute else (3, "0.002")
    produced, imported, consumed, exported = map(identifier, _FLOWS)
    residual = f"round({produced} + {imported} - {consumed} - {exported}, 6)"
    return Check(
        f"energy_balance {table.name}",
        f"rows of core.{table.name} where produced + imported is not consumed + exported within {tolerance}"
        f" kWh, by which four figures of {decimals} decimals may be off together, or half a unit of the last"
        " decimal of each where a meter has others; compared where all four are given",
        "warning",
        "Look at the call in meta.calls: the four figures of one answer contradict each other, which no"
        " further call mends, so ask APsystems.",
        f"WITH tolerances AS ({_tolerances(table, decimals)})"  # noqa: S608
        f" SELECT {table.name}.*, {residual} AS residual_kwh, tolerance_kwh FROM {_name(table)}"
        f" JOIN tolerances USING (system_id, meter_id)"
        f" WHERE abs({residual}) > tolerance_kwh ORDER BY {identifiers(table.keys)}",
    )


def _tolerances(table: Table, usual: int) -> str:
    """By how much the four figures of each meter may be off together."""
    if not table.is_five_minute:
        return (
            "SELECT system_id, device_id AS meter_id, round(sum(half_unit_kwh), 9) AS tolerance_kwh"  # noqa: S608
            f" FROM mart.decimals WHERE table_name = {literal(table.name)} GROUP BY ALL"
        )
    # Too many for mart.decimals, which every build makes: read here, where they are compared.
    units = " + ".join(
        f"half_unit(decimals_of_series(max(decimals_of({flow})),"
        f" approx_count_distinct(nullif({flow}, 0)), {usual}))"
        for flow in map(identifier, _FLOWS)
    )
    return (
        f"SELECT system_id, meter_id, round({units}, 9) AS tolerance_kwh"  # noqa: S608
        f" FROM {_name(table)} GROUP BY system_id, meter_id"
    )


def _unknown_inverters(table: Table) -> Check:
    return Check(
        f"unknown_inverters {table.name}",
        f"inverters with rows in core.{table.name} that neither inventory nor roof file names; all rows stay",
        "warning",
        "Run `aps refresh`, which asks for the inventory again. If it stays, no answer lists the inverter:"
        " look whether it was replaced or belongs to another system.",
        f"SELECT {literal(table.name)} AS table_name, system_id, inverter_id, count(*) AS row_count,"  # noqa: S608
        f" min(call_id) AS first_call_id FROM {_name(table)}"
        " ANTI JOIN core.inverters USING (system_id, inverter_id)"
        " ANTI JOIN meta.panels USING (system_id, inverter_id)"
        " GROUP BY ALL ORDER BY system_id, inverter_id",
    )


def _name(table: Table) -> str:
    return f"core.{identifier(table.name)}"
