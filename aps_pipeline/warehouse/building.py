"""One build: core from the lake, meta from the ledger, marts from both, then the rename."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from aps_pipeline.lake import Lake, StorageError
from aps_pipeline.ledger import Ledger, LedgerError
from aps_pipeline.planning import Claim, Covered
from aps_pipeline.site import Site
from aps_pipeline.tables import TABLES
from aps_pipeline.warehouse.calendar import add_zone_days
from aps_pipeline.warehouse.core import add_core_table
from aps_pipeline.warehouse.covering import add_claims, add_coverage
from aps_pipeline.warehouse.described import Connection, Described, count
from aps_pipeline.warehouse.errors import WarehouseError
from aps_pipeline.warehouse.inputs import Inputs, inputs_of
from aps_pipeline.warehouse.marts import add_mart, marts
from aps_pipeline.warehouse.meta import add_build, add_calls, add_columns, add_news
from aps_pipeline.warehouse.replacing import replacing
from aps_pipeline.warehouse.revisions import add_revisions
from aps_pipeline.warehouse.rounding import add_macros
from aps_pipeline.warehouse.siting import add_site
from aps_pipeline.warehouse.sky import add_sky

CLOSED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    # DuckDB 2.0 refuses a sum of integers below a filter and an ORDER BY, which it packs too tightly.
    "disabled_optimizers": "compressed_materialization",
}
"""Settings of every connection: nothing is downloaded, no Python variable is read as a table, sums hold."""


@dataclass(frozen=True)
class Built:
    """A finished build: the file, its tables in order, and the rows of each by `schema.table`."""

    path: Path
    rows: dict[str, int]
    tables: tuple[Described, ...]


def build(
    path: Path,
    lake: Lake,
    ledger: Ledger,
    revision_days: int = 5,
    covered: Callable[[], Sequence[Covered]] = tuple,
    site: Site | None = None,
    claims: Callable[[], Sequence[Claim]] = tuple,
) -> Built:
    """Build the warehouse whole and put it in the place of the one at `path` in one step.

    Several may build at once: each swaps in a whole file, and the last one stays.

    Args:
        path: where the file goes; its directory is made.
        lake: the rows of `core`.
        ledger: the calls of `meta`.
        revision_days: days after a period's end until its answer counts as final, as when it was parsed.
        covered: says how every period stands, for `meta.coverage`; asked after everything else was read.
        site: what the owner says of roofs and prices, for `meta.sites` and what follows from it.
        claims: says what is concluded from answers, for `meta.claims`.

    Raises WarehouseError, StorageError (lake), LedgerError; the file at `path` is as it was then.
    """
    path = Path(path).absolute()
    if set(str(path)) & set("?\\"):
        raise WarehouseError(f"cannot build {path}: DuckDB opens no file with ? or \\ in its path")
    site = site or Site()
    inputs = inputs_of(lake, ledger, revision_days, site)  # before anything is read: what comes later is seen
    began_ns = inputs.rest()
    with _named(path, lake), replacing(path, began_ns) as temporary, closing(_open(temporary)) as connection:
        connection.begin()  # one transaction: a commit for each comment would take longer than all else
        described = _fill(connection, lake, ledger, revision_days, inputs, covered, site, claims)
        connection.commit()
        rows = {f"{t.schema}.{t.name}": count(connection, f"FROM {t.sql_name}") for t in described}
        connection.execute("CHECKPOINT")
        connection.close()  # before the rename: nothing may be left in the write-ahead log
    return Built(path, rows, tuple(described))


def _open(path: Path) -> Connection:
    connection = duckdb.connect(str(path), config=CLOSED)
    begin_session(connection)
    return connection


def begin_session(connection: Connection) -> None:
    """What every connection begins with: UTC, our macros, and no progress bar amid the results."""
    connection.execute("SET TimeZone = 'UTC'")
    add_macros(connection)
    # In a notebook without ipywidgets the bar is off, and DuckDB refuses to touch it.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() != (False,):
        connection.execute("SET enable_progress_bar = false")


def _fill(
    connection: Connection,
    lake: Lake,
    ledger: Ledger,
    revision_days: int,
    inputs: Inputs,
    covered: Callable[[], Sequence[Covered]],
    site: Site,
    claims: Callable[[], Sequence[Claim]],
) -> list[Described]:
    for schema in ("core", "mart", "meta"):
        connection.execute(f"CREATE SCHEMA {schema}")
    core = [add_core_table(connection, table, lake) for table in TABLES.values()]
    described = list(core)
    described.append(add_calls(connection, ledger))  # after core: so every row there finds its call
    described.append(add_zone_days(connection))
    described.append(add_news(connection, ledger))
    described.append(add_coverage(connection, covered()))
    described.append(add_claims(connection, claims()))
    described.append(add_revisions(connection, ledger))
    described.extend(add_site(connection, site))
    described.extend(add_sky(connection, site))
    views = _views_folder(lake, core)
    described.append(add_build(connection, ledger, revision_days, views, inputs.digest))
    described.extend([add_mart(connection, mart) for mart in marts()])
    described.append(add_columns(connection, described))
    return described


def _views_folder(lake: Lake, core: list[Described]) -> str | None:
    """The folder above those that the views read, if there are views."""
    is_any = any(table.kind == "VIEW" for table in core)
    return str(Path(lake.path(TABLES["systems"])).parents[1]) if is_any else None


@contextmanager
def _named(path: Path, lake: Lake) -> Iterator[None]:
    """Turn a failure of storage into one that names the path; faults of our SQL pass as they are.

    DuckDB has no error of its own for a Parquet file that is damaged, so the files are looked at.
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
