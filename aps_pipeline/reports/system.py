"""One system in one month."""

from __future__ import annotations

from datetime import datetime

from aps_pipeline.reports.asking import Asker, Row
from aps_pipeline.reports.meters import meters
from aps_pipeline.reports.method import method
from aps_pipeline.reports.model import Page
from aps_pipeline.reports.panels import panels
from aps_pipeline.reports.production import production
from aps_pipeline.reports.quality import quality
from aps_pipeline.reports.words import amount, counted

SYSTEM = """
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


def system_page(asker: Asker, made_utc: datetime) -> Page:
    """The page of the asker's system. Raises LookupError where the warehouse knows no such system."""
    about = asker.row(SYSTEM)
    if about is None:
        raise LookupError(f"the warehouse knows no system {asker.system_id}")
    numbers, produced = production(asker)
    metered, flows = meters(asker)
    beside, compared = panels(asker)
    return Page(
        name_of(about),
        asker.system_id,
        asker.month,
        _subtitle(about),
        [*numbers[:3], *(metered if len(metered) == 1 else numbers[3:4]), beside],
        [produced, compared, *flows, quality(asker), method()],
        asker.is_simulated,
        made_utc,
    )


def name_of(about: Row) -> str:
    """What the owner calls a system, or its id."""
    return str(about["name"] or about["system_id"])


def _subtitle(about: Row) -> str:
    parts = [f"System {about['system_id']}"] if about["name"] else []
    if about["capacity_kw"] is not None:
        parts.append(f"{amount(about['capacity_kw'])} kWp")
    if about["inverters"]:
        parts.append(counted(about["inverters"], "inverter"))
    return ", ".join([*parts, str(about["timezone"] or "time zone unknown")])
