"""A warehouse with only what a test looks at: a build of every mart takes most of the time of a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from unittest import mock

from aps_pipeline import warehouse
from aps_pipeline.warehouse import CheckResult, builder, checks, ddl
from aps_pipeline.warehouse import marts as marts_
from aps_pipeline.warehouse.ddl import Connection
from aps_pipeline.warehouse.marts import Mart


@contextmanager
def only_marts(*names: str) -> Iterator[None]:
    """Let builds make only these marts and what they read, and neither comments nor `meta.columns`."""
    chosen = _with_what_they_read(names)
    with mock.patch.object(builder, "marts", lambda: chosen), without_comments():
        yield


@contextmanager
def without_comments() -> Iterator[None]:
    """Let builds make every mart, but neither comments nor `meta.columns`."""
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(builder, "add_columns", lambda _, tables: tables[0]))
        for module in (ddl, marts_):
            stack.enter_context(mock.patch.object(module, "add_comments"))
        yield


@cache
def _with_what_they_read(names: tuple[str, ...]) -> list[Mart]:
    """Those marts and all that they come after, in order. Raises KeyError for a mart that is none."""
    every = marts_.marts()
    by_name = {mart.table.name: mart for mart in every}
    wanted, needed = list(names), set[str]()
    while wanted:
        if (name := wanted.pop()) not in needed:
            needed.add(name)
            wanted.extend(by_name[name].after)
    return [mart for mart in every if mart.table.name in needed]


def check_alone(connection: Connection, name: str) -> CheckResult:
    """Run one check without the others."""
    chosen = [each for each in checks.all_checks() if each.name == name]
    with mock.patch.object(checks, "all_checks", lambda: chosen):
        (found,) = warehouse.run_checks(connection)
    return found
