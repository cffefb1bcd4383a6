"""Pages as files: `<folder>/<month>/index.html` for the fleet, one beside it for each system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from aps_pipeline.reports.asking import Asker, month_after
from aps_pipeline.reports.model import INDEX, Page, page_name
from aps_pipeline.reports.rendering import rendered
from aps_pipeline.reports.words import month_name
from aps_pipeline.warehouse import Connection, open_warehouse
from aps_pipeline.warehouse.reading import of_this_version
from aps_pipeline.warehouse.replacing import replacing

_SYSTEMS = "SELECT system_id FROM core.systems ORDER BY system_id"
_HELD = """
    SELECT min(month), max(month), coalesce(bool_or(month = $month), false)
    FROM mart.monthly_production
    WHERE energy_kwh IS NOT NULL OR daily_kwh IS NOT NULL
"""
_NEWEST = """
    SELECT max(date) FROM core.system_daily_energy
    WHERE is_final AND energy_kwh IS NOT NULL
"""


class NothingToReportError(LookupError):
    """The warehouse holds nothing of that month, or not that system; the message says what there is."""


class ReportNotWrittenError(OSError):
    """A page cannot be written; the message names it."""


@dataclass(frozen=True)
class Written:
    """A page that was written; `system_id` is empty for the fleet."""

    system_id: str
    path: Path
    size: int


def newest_month(connection: Connection) -> date:
    """The newest month whose last day is final for some system; the running one if it is the first.

    Raises NothingToReportError.
    """
    newest = connection.execute(_NEWEST).fetchall()[0][0]
    if newest is None:
        raise NothingToReportError("no day of any system is final yet: collect some with `aps backfill`")
    first: date = newest.replace(day=1)
    before = month_after(first, -1)
    is_whole = newest == month_after(first, 1, -1)
    return first if is_whole or not _held(connection, before)[2] else before


def write_reports(
    warehouse: Path, folder: Path, month: date | None, made_utc: datetime, systems: Iterable[str] = ()
) -> Iterator[Written]:
    """Write the pages of a month, each as it is ready: those systems, or all of them, and the fleet.

    `month` is its first day; without one the newest that is whole is taken. Makes no call. Raises
    NothingToReportError, NoWarehouseError, WarehouseError, ReportNotWrittenError.
    """
    # Here, because Altair takes 0.3 s to import, and most commands draw nothing.
    from aps_pipeline.reports.fleet import fleet_page  # noqa: PLC0415
    from aps_pipeline.reports.system import system_page  # noqa: PLC0415

    with of_this_version(), closing(open_warehouse(warehouse)) as connection:
        month = month or newest_month(connection)
        known = [row[0] for row in connection.execute(_SYSTEMS).fetchall()]
        _refuse_nothing(connection, month)
        wanted = list(systems) or known
        if unknown := set(wanted) - set(known):
            raise NothingToReportError(
                f"no such system: {', '.join(sorted(unknown))}; there are {', '.join(known) or 'none'}"
            )
        for system_id in wanted:
            page = system_page(Asker(connection, month, system_id), made_utc)
            yield _write(page, folder / f"{month:%Y-%m}" / page_name(system_id))
        if not systems:
            page = fleet_page(Asker(connection, month), f"Solar in {month_name(month)}", made_utc)
            yield _write(page, folder / f"{month:%Y-%m}" / INDEX)


def _held(connection: Connection, month: date) -> tuple[date | None, date | None, bool]:
    """The first and the last month with a figure, and whether that one has any."""
    first, last, is_held = connection.execute(_HELD, {"month": month}).fetchall()[0]
    return first, last, is_held


def _refuse_nothing(connection: Connection, month: date) -> None:
    first, last, is_held = _held(connection, month)
    if not is_held:
        held = f"it holds {first:%Y-%m} to {last:%Y-%m}" if first else "it holds no month at all"
        raise NothingToReportError(f"the warehouse has no figure of {month:%Y-%m}: {held}")


def _write(page: Page, path: Path) -> Written:
    text = rendered(page).encode()
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(text)
    except OSError as error:
        raise ReportNotWrittenError(f"cannot write {path}: {error.strerror or error}") from error
    return Written(page.system_id, path, len(text))
