"""Whether the warehouse still is what a build would make of lake and ledger now."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import duckdb

from aps_pipeline.lake import Lake
from aps_pipeline.ledger import Ledger
from aps_pipeline.site import Site
from aps_pipeline.warehouse.errors import WarehouseError
from aps_pipeline.warehouse.inputs import inputs_of
from aps_pipeline.warehouse.reading import open_warehouse


def is_current(
    path: Path, lake: Lake, ledger: Ledger, revision_days: int = 5, site: Site | None = None
) -> bool:
    """Whether a build with these arguments would change nothing; where that cannot be seen, it is not.

    A build leaves the digest of its inputs in `meta.build` and, as the time of the file, the moment at which
    it began to read. Nothing in the lake may have changed since. Raises StorageError, LedgerError.
    """
    inputs = inputs_of(lake, ledger, revision_days, site or Site())
    if inputs.lake is None:
        return False
    try:
        began_ns = Path(path).stat().st_mtime_ns  # first: a file that replaces it meanwhile began later
        with closing(open_warehouse(path)) as connection:
            built = connection.execute("SELECT inputs FROM meta.build").fetchall()
    except (WarehouseError, OSError, duckdb.Error):
        return False  # missing, damaged or of another time: to be built
    return built == [(inputs.digest,)] and inputs.were_read_at(began_ns)
