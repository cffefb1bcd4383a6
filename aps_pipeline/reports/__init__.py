"""Pages about a month, from the warehouse: one for the fleet, one for each system.

Each is a single HTML file without script or request. Makes no call and writes nothing but its files.

Where do I go to …?
    change what a page says          production, panels, meters, quality, method
    change what is on a page         `system`, `fleet` and its `members`
    change how something is drawn    `charts`; how a chart becomes a part of a page is in `drawing`
    change how a page looks          templates/; how it is filled is in `rendering`
    change how figures are worded    `words`
    ask the warehouse something else `asking`
    see where the files go           `writing`
"""

from __future__ import annotations

from aps_pipeline.reports.writing import (
    NothingToReportError,
    ReportNotWrittenError,
    Written,
    newest_month,
    write_reports,
)

__all__ = ["NothingToReportError", "ReportNotWrittenError", "Written", "newest_month", "write_reports"]
