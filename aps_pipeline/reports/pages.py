"""Write pages: HTML in one file, without script or request, under a policy that the browser enforces."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from aps_pipeline.atomic import replace_file
from aps_pipeline.errors import Exit, PipelineError
from aps_pipeline.reports.model import INDEX, MonthQuery, Page, month_after, page_name
from aps_pipeline.reports.words import month_name
from aps_pipeline.warehouse import Connection, open_warehouse
from aps_pipeline.warehouse.connection import as_warehouse_error

_FILES = files("aps_pipeline.reports") / "templates"


def render(page: Page) -> str:
    """The page as HTML. Every text in it is escaped; only the drawings, made here, are taken as they are."""
    style = _text("style.css")
    template = _environment().from_string(_text("page.html.j2"))
    return template.render(
        page=page,
        month=month_name(page.month),
        style=Markup(style),  # noqa: S704 - ours
        policy=_policy(style),
        drawn=Markup,
        made=f"{page.made_utc:%Y-%m-%d %H:%M} UTC",
    )


def _policy(style: str) -> str:
    """Nothing is loaded, run or sent; the one style element is named by its digest."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@cache
def _text(name: str) -> str:
    return (_FILES / name).read_text("utf-8")


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


class NothingToReportError(PipelineError, LookupError):
    """The warehouse holds nothing of that month, or not that system; the message says what there is."""


class ReportNotWrittenError(PipelineError, OSError):
    """A page cannot be written; the message names it."""

    exit_code = Exit.STORAGE


@dataclass(frozen=True)
class WrittenPage:
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
    return first if is_whole or not _figure_range(connection, before)[2] else before


def write_reports(
    warehouse: Path, folder: Path, month: date | None, made_utc: datetime, systems: Iterable[str] = ()
) -> Iterator[WrittenPage]:
    """Write the pages of a month, each as it is ready: those systems, or all of them, and the fleet.

    `month` is its first day; without one the newest that is whole is taken. Makes no call. Raises
    NothingToReportError, NoWarehouseError, WarehouseError, ReportNotWrittenError.
    """
    # Here, because Altair takes 0.3 s to import, and most commands draw nothing.
    from aps_pipeline.reports.fleet import fleet_page  # noqa: PLC0415
    from aps_pipeline.reports.system import system_page  # noqa: PLC0415

    with as_warehouse_error(), closing(open_warehouse(warehouse)) as connection:
        month = month or newest_month(connection)
        known = [row[0] for row in connection.execute(_SYSTEMS).fetchall()]
        _refuse_nothing(connection, month)
        wanted = list(systems) or known
        if unknown := set(wanted) - set(known):
            raise NothingToReportError(
                f"no such system: {', '.join(sorted(unknown))}; there are {', '.join(known) or 'none'}"
            )
        for system_id in wanted:
            page = system_page(MonthQuery(connection, month, system_id), made_utc)
            yield _write(page, folder / f"{month:%Y-%m}" / page_name(system_id))
        if not systems:
            page = fleet_page(MonthQuery(connection, month), f"Solar in {month_name(month)}", made_utc)
            yield _write(page, folder / f"{month:%Y-%m}" / INDEX)


def _figure_range(connection: Connection, month: date) -> tuple[date | None, date | None, bool]:
    """The first and the last month with a figure, and whether that one has any."""
    first, last, is_held = connection.execute(_HELD, {"month": month}).fetchall()[0]
    return first, last, is_held


def _refuse_nothing(connection: Connection, month: date) -> None:
    first, last, is_held = _figure_range(connection, month)
    if not is_held:
        held = f"it holds {first:%Y-%m} to {last:%Y-%m}" if first else "it holds no month at all"
        raise NothingToReportError(f"the warehouse has no figure of {month:%Y-%m}: {held}")


def _write(page: Page, path: Path) -> WrittenPage:
    text = render(page).encode()
    try:
        with replace_file(path) as temporary:
            temporary.write_bytes(text)
    except OSError as error:
        raise ReportNotWrittenError(f"cannot write {path}: {error.strerror or error}") from error
    return WrittenPage(page.system_id, path, len(text))
