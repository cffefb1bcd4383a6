"""Checks: queries that return the failing rows.

Those that hold for every table are made from the declarations; the others are files in checks/, whose
header says what a failing row means and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from aps_pipeline.tables import TABLES, Table
from aps_pipeline.warehouse.described import Connection, count, identifier, identifiers
from aps_pipeline.warehouse.errors import HeaderError
from aps_pipeline.warehouse.headers import SqlFile, packaged

Severity = Literal["error", "warning"]
_SAMPLE = 5


@dataclass(frozen=True)
class Check:
    """A query that returns failing rows. An error is a fault of this program, a warning one of the data."""

    name: str
    meaning: str
    severity: Severity
    advice: str
    statement: str


@dataclass(frozen=True)
class CheckResult:
    """How a check went: the number of failing rows, the first of them, and what to do about them."""

    name: str
    severity: Severity
    failing: int
    sample: tuple[dict[str, Any], ...]
    meaning: str
    advice: str

    @property
    def passed(self) -> bool:
        """Whether no row fails."""
        return self.failing == 0


def run_checks(connection: Connection) -> list[CheckResult]:
    """Run every check on an open warehouse."""
    return [run(connection, check) for check in all_checks()]


def run(connection: Connection, check: Check) -> CheckResult:
    """Run one check."""
    result = connection.execute(check.statement)
    names = [column[0] for column in result.description]
    sample = tuple(dict(zip(names, row, strict=True)) for row in result.fetchmany(_SAMPLE))
    failing = count(connection, check.statement)
    return CheckResult(check.name, check.severity, failing, sample, check.meaning, check.advice)


def all_checks() -> list[Check]:
    """Every check there is. Raises HeaderError."""
    generated = [check for table in TABLES.values() for check in checks_of(table)]
    return generated + [check_of(file) for file in packaged("checks")]


def checks_of(table: Table) -> Iterator[Check]:
    """What must hold for every table of `core`: unique keys, known calls, no energy below 0."""
    name, keys = f"core.{identifier(table.name)}", identifiers(table.keys)
    yield Check(
        f"unique_key {table.name}",
        f"core.{table.name} is {table.grain}; these keys stand in several rows",
        "error",
        "Run `aps rebuild`; if it stays, report it.",
        f"SELECT {keys}, count(*) AS row_count FROM {name} GROUP BY ALL"  # noqa: S608
        f" HAVING row_count > 1 ORDER BY {keys}",
    )
    yield Check(
        f"known_call {table.name}",
        f"rows of core.{table.name} whose call is not in the ledger",
        "error",
        "The lake and the ledger do not belong together: check APS_LAKE_URL and APS_LEDGER_URL.",
        f"SELECT * FROM {name} ANTI JOIN meta.calls USING (call_id) ORDER BY {keys}",  # noqa: S608
    )
    energies = [identifier(column.name) for column in table.columns if column.unit == "kWh"]
    if energies:
        yield Check(
            f"negative_energy {table.name}",
            f"rows of core.{table.name} with fewer than 0 kWh, as the API gave it",
            "warning",
            "Look at the call in meta.calls; leave these rows out of sums, or report them to APsystems.",
            f"SELECT * FROM {name} WHERE least({', '.join(energies)}) < 0 ORDER BY {keys}",  # noqa: S608
        )


def check_of(file: SqlFile) -> Check:
    """A check from its file. Raises HeaderError."""
    name, severity = file.name.removesuffix(".sql"), file.one("severity")
    if severity not in ("error", "warning"):
        raise HeaderError(f"{file.name}: severity is error or warning, not {severity}")
    if unknown := [e.word for e in file.header if e.word not in (f"check.{name}", "severity", "advice")]:
        raise HeaderError(f"{file.name}: unknown header line '{unknown[0]}: …'")
    meaning = file.one(f"check.{name}")
    return Check(name, meaning, cast(Severity, severity), file.one("advice"), file.statement)
