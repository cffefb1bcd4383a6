"""One build: core from the lake, meta from the ledger, marts from both, then the rename."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from aps_pipeline.atomic import replace_file
from aps_pipeline.lake import Lake, StorageError
from aps_pipeline.ledger import Ledger, LedgerError
from aps_pipeline.planning import Claim, CoverageSpan
from aps_pipeline.site import Site
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse.connection import CONNECTION_SETTINGS, begin_session, open_warehouse
from aps_pipeline.warehouse.coverage import (
    ZONE_DAYS,
    add_claims,
    add_coverage,
    add_zone_days,
    has_current_zone_days,
)
from aps_pipeline.warehouse.ddl import Connection, TableComment, add_core_table, count, drop
from aps_pipeline.warehouse.errors import WarehouseError, one_line
from aps_pipeline.warehouse.inputs import Inputs, inputs_of
from aps_pipeline.warehouse.marts import add_mart, marts
from aps_pipeline.warehouse.meta import (
    CALLS,
    add_build,
    add_calls,
    add_columns,
    add_news,
    add_revisions,
    update_calls,
)
from aps_pipeline.warehouse.site_tables import (
    CLEAR_SKY,
    DAYLIGHT,
    add_clear_sky_tables,
    add_site_tables,
    update_clear_sky_tables,
)
from aps_pipeline.warehouse.sources import CannotUpdateError, Marks, keep_sources, read_all_marks
from aps_pipeline.warehouse.update import check_old_file, update_core, update_marts

_LOG = logging.getLogger(__name__)

STORAGE_VERSION = "v1.2.0"
"""The format of the file: every command line and driver of DuckDB from this version on opens it."""


def is_current(
    path: Path, lake: Lake, ledger: Ledger, revision_days: int = 5, site: Site | None = None
) -> bool:
    """Tell whether a build with these arguments would change nothing; False where that cannot be seen.

    A build leaves the digest of its inputs in `meta.build` and, as the mtime of the file, the moment at which
    it began to read. The lake must not have changed since. Raises StorageError, LedgerError.
    """
    inputs = inputs_of(lake, ledger, revision_days, site or Site())
    if inputs.lake is None:
        return False
    try:
        began_ns = Path(path).stat().st_mtime_ns  # first: a file that replaces it meanwhile began later
        with closing(open_warehouse(path)) as connection:
            built = connection.execute("SELECT inputs FROM meta.build").fetchall()
    except (WarehouseError, OSError, duckdb.Error):
        return False  # missing, damaged or made by another version
    return built == [(inputs.digest,)] and inputs.were_read_at(began_ns)


@dataclass(frozen=True)
class BuiltWarehouse:
    """A finished build: the file, its tables in order, and the rows of each by `schema.table`."""

    path: Path
    rows: dict[str, int]
    tables: tuple[TableComment, ...]


def build(
    path: Path,
    lake: Lake,
    ledger: Ledger,
    revision_days: int = 5,
    coverage: Callable[[], Iterable[CoverageSpan]] = tuple,
    site: Site | None = None,
    claims: Callable[[], Sequence[Claim]] = tuple,
    *,
    from_nothing: bool = False,
) -> BuiltWarehouse:
    """Build the warehouse whole and put it in the place of the one at `path` in one step.

    Where it can, it takes a copy of the old file and replaces what has changed, which gives the same rows.
    Several may build at once: each swaps in a whole file, and the last one stays.

    Args:
        path: where the file goes; its directory is made.
        lake: the rows of `core`.
        ledger: the calls of `meta`.
        revision_days: days after a period's end until its answer counts as final, as when it was parsed.
        coverage: gives how periods stand, for `meta.coverage`; called after all else was read.
        site: roofs and prices as the owner gives them, for `meta.sites` and what follows from it.
        claims: gives what is concluded from answers, for `meta.claims`.
        from_nothing: do not look at the old file.

    Raises WarehouseError, StorageError (lake), LedgerError; the file at `path` then stays as it was.
    """
    path = Path(path).absolute()
    if set(str(path)) & set("?\\"):
        raise WarehouseError(f"cannot build {path}: DuckDB opens no file with ? or \\ in its path")
    site = site or Site()
    inputs = inputs_of(lake, ledger, revision_days, site)  # first, so that `is_current` sees later changes
    began_ns = inputs.wait_for_mtime_tick()
    with _name_path(path, lake), replace_file(path, time_ns=began_ns) as temporary:
        marks = read_all_marks(lake, began_ns)  # before the rows, so that a later change shows the next time
        recipe = Recipe(lake, ledger, revision_days, coverage, site, claims, inputs, marks)
        built = None if from_nothing else _update(path, temporary, recipe)
        rows, tables = built or _write(temporary, recipe, _add_tables)
    return BuiltWarehouse(path, rows, tuple(tables))


@dataclass(frozen=True)
class Recipe:
    """What a build is made from: the arguments of `build`, and what was found at its beginning."""

    lake: Lake
    ledger: Ledger
    revision_days: int
    coverage: Callable[[], Iterable[CoverageSpan]]
    site: Site
    claims: Callable[[], Sequence[Claim]]
    inputs: Inputs
    marks: Mapping[str, Marks] | None


_Rows = tuple[dict[str, int], list[TableComment]]


def _update(path: Path, temporary: Path, recipe: Recipe) -> _Rows | None:
    """Bring a copy of the old file up to date; None, with a line in the log, where that cannot be done."""
    if recipe.marks is None or not path.exists():
        return None
    try:
        shutil.copyfile(path, temporary)
        return _write(temporary, recipe, _update_tables)
    except Exception as error:  # noqa: BLE001 - whatever it is, a build from nothing decides what is reported
        level = logging.INFO if isinstance(error, CannotUpdateError) else logging.WARNING
        _LOG.log(level, "the warehouse is built from nothing, not brought up to date: %s", one_line(error))
        for leftover in temporary.parent.glob(f"{temporary.name}*"):
            leftover.unlink()
        return None


def _write(
    temporary: Path, recipe: Recipe, work: Callable[[Connection, Recipe], list[TableComment]]
) -> _Rows:
    """Do the work on the file in one transaction; return its tables and their rows."""
    config = {**CONNECTION_SETTINGS, "storage_compatibility_version": STORAGE_VERSION}
    with closing(duckdb.connect(str(temporary), config=config)) as connection:
        begin_session(connection)
        connection.begin()  # one transaction: a commit for each comment would take longer than all else
        tables = work(connection, recipe)
        if recipe.marks is not None:
            keep_sources(connection, recipe.inputs.terms, recipe.marks)
        connection.commit()
        rows = {
            f"{t.schema}.{t.name}": count(connection, t.unordered or f"FROM {t.sql_name}") for t in tables
        }
        connection.execute("CHECKPOINT")
        connection.close()  # before the rename: nothing may be left in the write-ahead log
    return rows, tables


def _add_tables(connection: Connection, recipe: Recipe) -> list[TableComment]:
    for schema in ("core", "mart", "meta"):
        connection.execute(f"CREATE SCHEMA {schema}")
    tables = [add_core_table(connection, table, recipe.lake) for table in TABLES.values()]
    tables.append(add_calls(connection, recipe.ledger))  # after core, so that every row there finds its call
    tables.append(add_zone_days(connection))
    tables.extend(_add_findings(connection, recipe))
    tables.extend(add_site_tables(connection, recipe.site))
    tables.extend(add_clear_sky_tables(connection, recipe.site))
    tables.append(_add_build(connection, recipe, tables))
    tables.extend([add_mart(connection, mart) for mart in marts()])
    tables.append(add_columns(connection, tables))
    return tables


def _update_tables(connection: Connection, recipe: Recipe) -> list[TableComment]:
    """Do what `_add_tables` does to the tables that are there already."""
    check_old_file(connection, recipe.inputs.terms)
    tables, changed = update_core(connection, recipe.lake, recipe.marks or {})
    kept = {CALLS.name, ZONE_DAYS.name, CLEAR_SKY.name, DAYLIGHT.name}
    names = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'meta'"
    ).fetchall()
    for (name,) in names:
        if name not in kept:
            drop(connection, "meta", name)
    if update_calls(connection, recipe.ledger):
        changed["meta.calls"] = None
    tables.append(CALLS)
    if not has_current_zone_days(connection):
        drop(connection, "meta", ZONE_DAYS.name)
        add_zone_days(connection)
        changed["meta.zone_days"] = None
    tables.append(ZONE_DAYS)
    findings = _add_findings(connection, recipe)
    changed |= dict.fromkeys(f"{table.schema}.{table.name}" for table in findings)
    tables.extend(findings)
    tables.extend(add_site_tables(connection, recipe.site))  # as before: the site is one of the terms
    if update_clear_sky_tables(connection, recipe.site, zones_changed="core.systems" in changed):
        changed |= dict.fromkeys(("meta.clear_sky", "meta.daylight"))
    tables.extend([CLEAR_SKY, DAYLIGHT])
    tables.append(_add_build(connection, recipe, tables))
    tables.extend(update_marts(connection, marts(), changed))
    tables.append(add_columns(connection, tables))
    return tables


def _add_findings(connection: Connection, recipe: Recipe) -> list[TableComment]:
    """Add what follows from calls: each build makes these tables whole."""
    return [
        add_news(connection, recipe.ledger),
        *add_coverage(connection, recipe.coverage()),
        add_claims(connection, recipe.claims()),
        add_revisions(connection, recipe.ledger),
    ]


def _add_build(connection: Connection, recipe: Recipe, tables: Sequence[TableComment]) -> TableComment:
    has_views = any(table.schema == "core" and table.kind == "VIEW" for table in tables)
    views_folder = str(Path(recipe.lake.path(TABLES["systems"])).parents[1]) if has_views else None
    return add_build(connection, recipe.ledger, recipe.revision_days, views_folder, recipe.inputs.digest)


@contextmanager
def _name_path(path: Path, lake: Lake) -> Iterator[None]:
    """Turn a failure of storage into one that names the path; let faults of our SQL pass as they are.

    DuckDB has no error of its own for a damaged Parquet file, so the files of the lake are checked.
    """
    try:
        yield
    except (WarehouseError, StorageError, LedgerError):
        raise
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
        raise WarehouseError(f"cannot build {path}: {str(error).splitlines()[0]}") from error
    except duckdb.Error as error:
        files = lake.check_files(TABLES.values())
        if fault := next((fault for _, fault in files if fault is not None), None):
            reason = f"{fault.path} is damaged: {fault.reason}"
            raise WarehouseError(f"cannot build {path}: {reason}") from error
        raise
