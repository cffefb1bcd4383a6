"""Pages about a month, from the warehouse: one for the fleet, one for each system.

Each is a single HTML file without script or request. Reports make no call and write only their files.

Where do I go to …?
    change what a page says          `production`, `panels`, `panel_findings`, `meters`, `quality`
    change what is on a page         `system`, `fleet`; the parts of a page are in `model`
    change how something is drawn    `charts`; how a chart becomes a part of a page is in `svg`
    change how a page looks          templates/; how it is filled is in `pages`
    change how figures are worded    `words`
    query the warehouse              `MonthQuery` in `model`
    see where the files go           `pages`
"""

from __future__ import annotations

from aps_pipeline.reports.pages import (
    NothingToReportError,
    ReportNotWrittenError,
    WrittenPage,
    newest_month,
    write_reports,
)

__all__ = ["NothingToReportError", "ReportNotWrittenError", "WrittenPage", "newest_month", "write_reports"]
