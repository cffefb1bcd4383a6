"""Checks: queries that return the failing rows.

Those that hold for every table are made in `declared`; the others are files in checks/, whose header says
what a failing row means and what to do about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

import duckdb

from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse.declared import Check, Severity, checks_of
from aps_pipeline.warehouse.described import Connection, count
from aps_pipeline.warehouse.errors import HeaderError, WarehouseError, one_line
from aps_pipeline.warehouse.headers import SqlFile, packaged
from aps_pipeline.warehouse.reading import of_this_version
from aps_pipeline.warehouse.steady import steadily
from aps_pipeline.warehouse.views import view_folders

__all__ = [
    "Check",
    "CheckResult",
    "all_checks",
    "by_kind",
    "check_of",
    "checks_of",
    "kind_of",
    "run",
    "run_checks",
]

_SAMPLE = 5
_COMMANDS = 5
_ASKED_AGAIN = ("system_id", "tables", "first_date", "last_date")
"""The columns by which a failing row says what to ask for again."""


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
        """Whether no row fails."""
        return self.failing == 0


Named = TypeVar("Named", Check, CheckResult)


def run_checks(connection: Connection) -> list[CheckResult]:
    """Run every check on an open warehouse. Raises WarehouseError, also where another version built it."""
    with of_this_version():
        folders = view_folders(connection)
        return [_run_alone(connection, folders, check) for check in all_checks()]


def _run_alone(connection: Connection, folders: list[str], check: Check) -> CheckResult:
    """Run one check; what keeps it from ending is its result, so that the others are run all the same."""
    try:
        return steadily(folders, partial(run, connection, check))
    except (duckdb.CatalogException, duckdb.BinderException):
        raise  # a warehouse of another version: none of them can be run
    except (duckdb.Error, WarehouseError) as error:
        problem = ({"problem": one_line(error)},)
        advice = "It could not be run: a file of the lake may be damaged, which `aps verify` names."
        return CheckResult(check.name, "error", 1, problem, check.meaning, advice)


def run(connection: Connection, check: Check) -> CheckResult:
    """Run one check."""
    result = connection.execute(check.statement)
    names = [column[0] for column in result.description]
    sample = tuple(dict(zip(names, row, strict=True)) for row in result.fetchmany(_SAMPLE))
    failing = count(connection, check.statement) if len(sample) == _SAMPLE else len(sample)
    commands = tuple(_commands(connection, check)) if sample and set(_ASKED_AGAIN) <= set(names) else ()
    return CheckResult(check.name, check.severity, failing, sample, check.meaning, check.advice, commands)


def _commands(connection: Connection, check: Check) -> Iterator[str]:
    """One command for each stretch of days without a gap: what lies between two is not bought again."""
    stretches: list[list[Any]] = []
    wanted = f"SELECT DISTINCT {', '.join(_ASKED_AGAIN)} FROM ({check.statement}) ORDER BY ALL"  # noqa: S608
    for system_id, tables, first, last in connection.execute(wanted).fetchall():
        if first is None:  # of all time: no range names it
            continue
        newest = stretches[-1] if stretches else None
        if newest and newest[:2] == [system_id, tables] and first <= newest[3] + timedelta(days=1):
            newest[3] = max(newest[3], last)
        else:
            stretches.append([system_id, tables, first, last])
    for system_id, tables, first, last in sorted(stretches, key=lambda each: each[3], reverse=True)[
        :_COMMANDS
    ]:
        yield f"aps backfill --from {first} --to {last} --tables {tables} --systems {system_id} --again"


def all_checks() -> list[Check]:
    """Every check there is. Raises HeaderError."""
    generated = [check for table in TABLES.values() for check in checks_of(table)]
    return generated + [check_of(file) for file in packaged("checks")]


def check_of(file: SqlFile) -> Check:
    """A check from its file. Raises HeaderError."""
    name, severity = file.name.removesuffix(".sql"), file.one("severity")
    if severity not in ("error", "warning"):
        raise HeaderError(f"{file.name}: severity is error or warning, not {severity}")
    if unknown := [e.word for e in file.header if e.word not in (f"check.{name}", "severity", "advice")]:
        raise HeaderError(f"{file.name}: unknown header line '{unknown[0]}: …'")
    meaning = file.one(f"check.{name}")
    return Check(name, meaning, cast(Severity, severity), file.one("advice"), file.statement)


def kind_of(name: str) -> str:
    """The kind of a check whose name may go on with a table: `unique_key systems` is a `unique_key`."""
    return re.sub(r"\W", "_", name.split(maxsplit=1)[0])


def by_kind(checks: Iterable[Named]) -> dict[str, list[Named]]:
    """Checks, or how they went, by kind; kinds and members in the order in which they come."""
    kinds: dict[str, list[Named]] = {}
    for check in checks:
        kinds.setdefault(kind_of(check.name), []).append(check)
    return kinds
