"""The page of one system in one month."""

from __future__ import annotations

from datetime import datetime

from aps_pipeline.reports.meters import meters
from aps_pipeline.reports.model import MonthQuery, Page, Row
from aps_pipeline.reports.panels import panels
from aps_pipeline.reports.production import production
from aps_pipeline.reports.quality import method, quality
from aps_pipeline.reports.words import amount, count_words

_SYSTEM = """
    SELECT
        systems.system_id,
        systems.capacity_kw,
        systems.timezone,
        sites.name,
        coalesce(mounted.inverters, 0) AS inverters
    FROM core.systems AS systems
    LEFT JOIN (
        SELECT system_id, count(*) AS inverters FROM core.inverters WHERE gone_utc IS NULL GROUP BY ALL
    ) AS mounted USING (system_id)
    LEFT JOIN meta.sites AS sites USING (system_id)
    WHERE systems.system_id = $system_id
"""


def system_page(query: MonthQuery, made_utc: datetime) -> Page:
    """Build the page of the query's system. Raises LookupError where the warehouse has no such system."""
    about = query.row(_SYSTEM)
    if about is None:
        raise LookupError(f"the warehouse knows no system {query.system_id}")
    production_numbers, production_section = production(query)
    meter_numbers, meter_sections = meters(query)
    panels_fine, panel_section = panels(query)
    details = [f"System {about['system_id']}"] if about["name"] else []
    if about["capacity_kw"] is not None:
        details.append(f"{amount(about['capacity_kw'])} kWp")
    if about["inverters"]:
        details.append(count_words(about["inverters"], "inverter"))
    details.append(str(about["timezone"] or "time zone unknown"))
    numbers = [
        *production_numbers[:3],
        *(meter_numbers if len(meter_numbers) == 1 else production_numbers[3:4]),
        panels_fine,
    ]
    return Page(
        system_name(about),
        query.system_id,
        query.month,
        ", ".join(details),
        numbers,
        [production_section, panel_section, *meter_sections, quality(query), method()],
        query.is_simulated,
        made_utc,
    )


def system_name(about: Row) -> str:
    """Name a system as its owner does, or by its id."""
    return str(about["name"] or about["system_id"])
