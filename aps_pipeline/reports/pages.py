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

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from aps_pipeline.atomic import replace_file
from aps_pipeline.errors import Exit, PipelineError
from aps_pipeline.reports.model import INDEX, MonthQuery, Page, month_after, page_name
from aps_pipeline.reports.words import month_name
from aps_pipeline.warehouse import Connection, open_warehouse
from aps_pipeline.warehouse.connection import as_warehouse_error


def render(page: Page) -> str:
    """Render a page as HTML. Every text is escaped; only our own drawings are taken as they are."""
    template, style = _template()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return template.render(
        page=page,
        month=month_name(page.month),
        style=Markup(style),  # noqa: S704 - ours
        # Nothing is loaded, run or sent; the one style element is named by its digest.
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        as_svg=Markup,
        made=f"{page.made_utc:%Y-%m-%d %H:%M} UTC",
    )


@cache
def _template() -> tuple[Template, str]:
    """Read the template and the style sheet."""
    folder = files("aps_pipeline.reports") / "templates"
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((folder / "page.html.j2").read_text("utf-8"))
    return template, (folder / "style.css").read_text("utf-8")


_SYSTEMS = "SELECT system_id FROM core.systems ORDER BY system_id"
_FIGURES = """
    SELECT min(month), max(month), coalesce(bool_or(month = $month), false)
    FROM mart.monthly_production
    WHERE energy_kwh IS NOT NULL OR daily_kwh IS NOT NULL
"""
_NEWEST = """
    SELECT max(date) FROM core.system_daily_energy
    WHERE is_final AND energy_kwh IS NOT NULL
"""


class NothingToReportError(PipelineError, LookupError):
    """The warehouse has no figure of that month, or no such system; the message says what there is."""


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
    """Find the newest month whose last day is final for some system; the running one if it is the first.

    Raises NothingToReportError.
    """
    newest = connection.execute(_NEWEST).fetchall()[0][0]
    if newest is None:
        raise NothingToReportError("no day of any system is final yet: collect some with `aps backfill`")
    first: date = newest.replace(day=1)
    before = month_after(first, -1)
    is_whole = newest == month_after(first, 1, -1)
    return first if is_whole or not _find_figures(connection, before)[2] else before


def write_reports(
    warehouse: Path, folder: Path, month: date | None, made_utc: datetime, systems: Iterable[str] = ()
) -> Iterator[WrittenPage]:
    """Write the pages of a month one by one: those systems, or all systems and the fleet.

    `month` is its first day; without one it is the newest whole month. Makes no call. Raises
    NothingToReportError, NoWarehouseError, WarehouseError, ReportNotWrittenError.
    """
    # Here, because Altair takes 0.3 s to import, and most commands draw nothing.
    from aps_pipeline.reports.fleet import fleet_page  # noqa: PLC0415
    from aps_pipeline.reports.system import system_page  # noqa: PLC0415

    with as_warehouse_error(), closing(open_warehouse(warehouse)) as connection:
        month = month or newest_month(connection)
        first, last, has_figures = _find_figures(connection, month)
        if not has_figures:
            held = f"it holds {first:%Y-%m} to {last:%Y-%m}" if first else "it holds no month at all"
            raise NothingToReportError(f"the warehouse has no figure of {month:%Y-%m}: {held}")
        known = [row[0] for row in connection.execute(_SYSTEMS).fetchall()]
        system_ids = list(systems) or known
        if unknown := set(system_ids) - set(known):
            raise NothingToReportError(
                f"no such system: {', '.join(sorted(unknown))}; there are {', '.join(known) or 'none'}"
            )
        for system_id in system_ids:
            page = system_page(MonthQuery(connection, month, system_id), made_utc)
            yield _write(page, folder / f"{month:%Y-%m}" / page_name(system_id))
        if not systems:
            page = fleet_page(MonthQuery(connection, month), f"Solar in {month_name(month)}", made_utc)
            yield _write(page, folder / f"{month:%Y-%m}" / INDEX)


def _find_figures(connection: Connection, month: date) -> tuple[date | None, date | None, bool]:
    """Find the first and the last month with a figure, and whether `month` has any."""
    first, last, has_figures = connection.execute(_FIGURES, {"month": month}).fetchall()[0]
    return first, last, has_figures


def _write(page: Page, path: Path) -> WrittenPage:
    text = render(page).encode()
    try:
        with replace_file(path) as temporary:
            temporary.write_bytes(text)
    except OSError as error:
        raise ReportNotWrittenError(f"cannot write {path}: {error.strerror or error}") from error
    return WrittenPage(page.system_id, path, len(text))
