"""`aps report`: the pages of a month as files to look at, to print and to send."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime

from aps_pipeline.cli.console import parse_ids
from aps_pipeline.config import SettingsError, load_settings
from aps_pipeline.errors import Exit
from aps_pipeline.reports import write_reports
from aps_pipeline.reports.words import count_words


def report(month: date | None, systems: str, as_json: bool) -> int:
    """Write the pages of a month from the warehouse as it is.

    Raises NothingToReportError, NoWarehouseError, WarehouseError, SettingsError, ReportNotWrittenError.
    """
    settings = load_settings()
    if settings.site_problems:
        raise SettingsError("; ".join(settings.site_problems))
    pages = []
    made = write_reports(
        settings.warehouse_path, settings.reports_path, month, datetime.now(UTC), parse_ids(systems)
    )
    for page in made:
        pages.append({"system_id": page.system_id, "path": str(page.path), "bytes": page.size})
        if not as_json:
            print(f"{page.size / 1000:>6,.0f} kB  {page.path}", flush=True)
    if as_json:
        print(json.dumps({"pages": pages}))
    else:
        print(f"{count_words(len(pages), 'page')}; open the last one in a browser", file=sys.stderr)
    return Exit.COMPLETE
