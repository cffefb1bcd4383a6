"""One build: core from the lake, meta from the ledger, marts from both, then the rename."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from aps_pipeline.warehouse.coverage import add_claims, add_coverage, add_zone_days
from aps_pipeline.warehouse.ddl import Connection, TableComment, add_core_table, count
from aps_pipeline.warehouse.errors import WarehouseError
from aps_pipeline.warehouse.inputs import Inputs, inputs_of
from aps_pipeline.warehouse.marts import add_mart, marts
from aps_pipeline.warehouse.meta import add_build, add_calls, add_columns, add_news, add_revisions
from aps_pipeline.warehouse.site_tables import add_clear_sky_tables, add_site_tables


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
) -> BuiltWarehouse:
    """Build the warehouse whole and put it in the place of the one at `path` in one step.

    Several may build at once: each swaps in a whole file, and the last one stays.

    Args:
        path: where the file goes; its directory is made.
        lake: the rows of `core`.
        ledger: the calls of `meta`.
        revision_days: days after a period's end until its answer counts as final, as when it was parsed.
        coverage: gives how periods stand, for `meta.coverage`; called after all else was read.
        site: roofs and prices as the owner gives them, for `meta.sites` and what follows from it.
        claims: gives what is concluded from answers, for `meta.claims`.

    Raises WarehouseError, StorageError (lake), LedgerError; the file at `path` then stays as it was.
    """
    path = Path(path).absolute()
    if set(str(path)) & set("?\\"):
        raise WarehouseError(f"cannot build {path}: DuckDB opens no file with ? or \\ in its path")
    site = site or Site()
    inputs = inputs_of(lake, ledger, revision_days, site)  # first, so that `is_current` sees later changes
    began_ns = inputs.wait_for_mtime_tick()
    with (
        _name_path(path, lake),
        replace_file(path, time_ns=began_ns) as temporary,
        closing(duckdb.connect(str(temporary), config=CONNECTION_SETTINGS)) as connection,
    ):
        begin_session(connection)
        connection.begin()  # one transaction: a commit for each comment would take longer than all else
        tables = _add_tables(connection, lake, ledger, revision_days, inputs, coverage, site, claims)
        connection.commit()
        rows = {
            f"{t.schema}.{t.name}": count(connection, t.unordered or f"FROM {t.sql_name}") for t in tables
        }
        connection.execute("CHECKPOINT")
        connection.close()  # before the rename: nothing may be left in the write-ahead log
    return BuiltWarehouse(path, rows, tuple(tables))


def _add_tables(
    connection: Connection,
    lake: Lake,
    ledger: Ledger,
    revision_days: int,
    inputs: Inputs,
    coverage: Callable[[], Iterable[CoverageSpan]],
    site: Site,
    claims: Callable[[], Sequence[Claim]],
) -> list[TableComment]:
    for schema in ("core", "mart", "meta"):
        connection.execute(f"CREATE SCHEMA {schema}")
    tables = [add_core_table(connection, table, lake) for table in TABLES.values()]
    has_views = any(table.kind == "VIEW" for table in tables)
    views_folder = str(Path(lake.path(TABLES["systems"])).parents[1]) if has_views else None
    tables.append(add_calls(connection, ledger))  # after core, so that every row there finds its call
    tables.append(add_zone_days(connection))
    tables.append(add_news(connection, ledger))
    tables.extend(add_coverage(connection, coverage()))
    tables.append(add_claims(connection, claims()))
    tables.append(add_revisions(connection, ledger))
    tables.extend(add_site_tables(connection, site))
    tables.extend(add_clear_sky_tables(connection, site))
    tables.append(add_build(connection, ledger, revision_days, views_folder, inputs.digest))
    tables.extend([add_mart(connection, mart) for mart in marts()])
    tables.append(add_columns(connection, tables))
    return tables


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
