"""Checks on the warehouse: those made from table declarations, and those written in SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal, TypeVar, cast

import duckdb

from aps_pipeline.tables import TABLES, Table
from aps_pipeline.warehouse.connection import as_warehouse_error, read_stable
from aps_pipeline.warehouse.ddl import Connection, count, identifier, identifiers, literal, view_folders
from aps_pipeline.warehouse.errors import HeaderError, WarehouseError, one_line
from aps_pipeline.warehouse.marts import SqlFile, list_sql_files

Severity = Literal["error", "warning"]

_FLOWS = ("produced_kwh", "imported_kwh", "consumed_kwh", "exported_kwh")
_REBUILD = "Run `aps rebuild`; if it stays, report it."


@dataclass(frozen=True)
class Check:
    """A query that returns failing rows. Errors are faults of this program, warnings of the data."""

    name: str
    meaning: str
    severity: Severity
    advice: str
    statement: str


def checks_of(table: Table) -> Iterator[Check]:
    """List the checks of a table of `core`, as its declaration and its columns ask for them."""
    names = {column.name for column in table.columns}
    yield _unique_key(table)
    if table.is_five_minute:
        yield _not_null(table)
    yield _known_call(table)
    if any(column.unit == "kWh" for column in table.columns):
        yield _negative_energy(table)
    if set(_FLOWS) <= names:
        yield _energy_balance(table)
    if "inverter_id" in names and table.group != "inventory":
        yield _unknown_inverters(table)


def _unique_key(table: Table) -> Check:
    name, keys = _name(table), identifiers(table.keys)
    # Hashes first, to find the days with doubles: grouping years of slots by their texts fills the memory.
    condition = (
        f' WHERE "date" IN (SELECT "date" FROM {name} GROUP BY "date"'  # noqa: S608
        f" HAVING count(*) > count(DISTINCT hash({keys})))"
        if table.is_five_minute
        else ""
    )
    return Check(
        f"unique_key {table.name}",
        f"core.{table.name} is {table.row_description}; these keys stand in several rows",
        "error",
        _REBUILD,
        f"SELECT {keys}, count(*) AS row_count FROM {name}{condition} GROUP BY ALL"  # noqa: S608
        f" HAVING row_count > 1 ORDER BY {keys}",
    )


def _not_null(table: Table) -> Check:
    """Build the check for rows without a value that is never absent; only a view can show one."""
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
    condition = " WHERE call_id <= (SELECT newest_call_id FROM meta.build)" if table.is_five_minute else ""
    return Check(
        f"known_call {table.name}",
        f"rows of core.{table.name} whose call is not in the ledger",
        "error",
        "Lake and ledger do not fit together: check APS_LAKE_URL and APS_LEDGER_URL, and whether one of them"
        " was put back from an older copy.",
        f"SELECT * FROM {_name(table)} ANTI JOIN meta.calls USING (call_id){condition}"  # noqa: S608
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
    """Build the check of the four figures; each is rounded by itself, by half its last decimal at most."""
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
    """Build the query of how far off the four figures of each meter may be together."""
    if not table.is_five_minute:
        return (
            "SELECT system_id, device_id AS meter_id, round(sum(half_unit_kwh), 9) AS tolerance_kwh"  # noqa: S608
            f" FROM mart.decimals WHERE table_name = {literal(table.name)} GROUP BY ALL"
        )
    # Too many rows for mart.decimals, which every build makes, so this reads them where it compares them.
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


_SAMPLE = 5
_COMMANDS = 5
_REQUEST_COLUMNS = ("system_id", "tables", "first_date", "last_date")
"""The columns of failing rows that name a request to make again."""


@dataclass(frozen=True)
class CheckResult:
    """How a check went: the number of failing rows, the first of them, and what to do about them."""

    name: str
    severity: Severity
    failing: int
    sample: tuple[dict[str, Any], ...]
    meaning: str
    advice: str
    commands: tuple[str, ...] = ()
    """Commands that ask for the failing rows again, newest days first, at most 5."""

    @property
    def passed(self) -> bool:
        """Whether no row failed."""
        return self.failing == 0


Named = TypeVar("Named", Check, CheckResult)


def run_checks(connection: Connection) -> list[CheckResult]:
    """Run every check on an open warehouse. Raises WarehouseError, also where another version built it."""
    with as_warehouse_error():
        folders = view_folders(connection)
        return [_run_safely(connection, folders, check) for check in all_checks()]


def _run_safely(connection: Connection, folders: list[str], check: Check) -> CheckResult:
    """Run one check; a failure to run it becomes its result, so that the others still run."""
    try:
        return read_stable(folders, partial(run_check, connection, check))
    except (duckdb.CatalogException, duckdb.BinderException):
        raise  # another version built this warehouse: no check can run
    except (duckdb.Error, WarehouseError) as error:
        problem = ({"problem": one_line(error)},)
        advice = "It could not be run: a file of the lake may be damaged, which `aps verify` names."
        return CheckResult(check.name, "error", 1, problem, check.meaning, advice)


def run_check(connection: Connection, check: Check) -> CheckResult:
    """Run one check."""
    result = connection.execute(check.statement)
    names = [column[0] for column in result.description]
    sample = tuple(dict(zip(names, row, strict=True)) for row in result.fetchmany(_SAMPLE))
    failing = count(connection, check.statement) if len(sample) == _SAMPLE else len(sample)
    commands = tuple(_commands(connection, check)) if sample and set(_REQUEST_COLUMNS) <= set(names) else ()
    return CheckResult(check.name, check.severity, failing, sample, check.meaning, check.advice, commands)


def _commands(connection: Connection, check: Check) -> Iterator[str]:
    """List one command for each range of days without a gap, so that no call is spent on days between."""
    ranges: list[list[Any]] = []
    requests = f"SELECT DISTINCT {', '.join(_REQUEST_COLUMNS)} FROM ({check.statement}) ORDER BY ALL"  # noqa: S608
    for system_id, tables, first, last in connection.execute(requests).fetchall():
        if first is None:  # of all time: no range names it
            continue
        newest = ranges[-1] if ranges else None
        if newest and newest[:2] == [system_id, tables] and first <= newest[3] + timedelta(days=1):
            newest[3] = max(newest[3], last)
        else:
            ranges.append([system_id, tables, first, last])
    ranges.sort(key=lambda each: each[3], reverse=True)
    for system_id, tables, first, last in ranges[:_COMMANDS]:
        yield f"aps backfill --from {first} --to {last} --tables {tables} --systems {system_id} --again"


def all_checks() -> list[Check]:
    """List every check. Raises HeaderError."""
    generated = [check for table in TABLES.values() for check in checks_of(table)]
    return generated + [check_of(file) for file in list_sql_files("checks")]


def check_of(file: SqlFile) -> Check:
    """Build a check from its file. Raises HeaderError."""
    name, severity = file.name.removesuffix(".sql"), file.text("severity")
    if severity not in ("error", "warning"):
        raise HeaderError(f"{file.name}: severity is error or warning, not {severity}")
    if unknown := [e.word for e in file.header if e.word not in (f"check.{name}", "severity", "advice")]:
        raise HeaderError(f"{file.name}: unknown header line '{unknown[0]}: …'")
    meaning = file.text(f"check.{name}")
    return Check(name, meaning, cast(Severity, severity), file.text("advice"), file.statement)


def kind_of(name: str) -> str:
    """Take the kind from the name of a check: `unique_key systems` is a `unique_key`."""
    return re.sub(r"\W", "_", name.split(maxsplit=1)[0])


def group_by_kind(checks: Iterable[Named]) -> dict[str, list[Named]]:
    """Group checks or their results by kind; kinds and members keep their order."""
    kinds: dict[str, list[Named]] = {}
    for check in checks:
        kinds.setdefault(kind_of(check.name), []).append(check)
    return kinds
