"""The page of one system in one month, and the list of systems."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aps_pipeline.reports.meters import meters
from aps_pipeline.reports.model import MonthQuery, Page, Row
from aps_pipeline.reports.panel_findings import trouble_words
from aps_pipeline.reports.panels import panels
from aps_pipeline.reports.production import production
from aps_pipeline.reports.quality import quality
from aps_pipeline.reports.words import ABSENT, amount, count_words, method

_SYSTEMS = """
    SELECT
        systems.system_id,
        sites.name,
        count(*) OVER (PARTITION BY sites.name) AS namesakes,
        coalesce(months.energy_kwh, months.daily_kwh) AS energy_kwh,
        months.days_reported,
        months.days_expected,
        years.ratio,
        years.energy_kwh AS compared_kwh,
        years.energy_before_kwh,
        years.days_compared,
        yields.kwh_per_kwp,
        yields.capacity_kw
    FROM core.systems AS systems
    LEFT JOIN meta.sites AS sites USING (system_id)
    LEFT JOIN mart.monthly_production AS months
        ON months.system_id = systems.system_id AND months.month = $month
    LEFT JOIN mart.year_on_year AS years ON years.system_id = systems.system_id AND years.month = $month
    LEFT JOIN mart.specific_yield AS yields
        ON yields.system_id = systems.system_id AND yields.level = 'monthly' AND yields.first_date = $month
    ORDER BY systems.system_id
"""
_CLASSES = """
    SELECT system_id, class, count(*) AS panels, sum(loss_kwh::DECIMAL(28, 6))::DOUBLE AS loss_kwh
    FROM mart.panel_month
    WHERE month = $month AND class NOT IN ('removed', 'unused channel')
    GROUP BY ALL
    ORDER BY ALL
"""


@dataclass(frozen=True)
class Member:
    """One system of the fleet in this month."""

    row: Row
    classes: dict[str, int]
    loss_kwh: float | None

    @property
    def name(self) -> str:
        """What the owner calls it, with the id where another one has the same name."""
        name, is_only = system_name(self.row), self.row["namesakes"] == 1 or not self.row["name"]
        return name if is_only else f"{name} ({self.row['system_id']})"

    @property
    def fine_panels(self) -> str:
        """How many of its panels are fine, and how many cannot be judged."""
        every, unknown = sum(self.classes.values()), self.classes.get("unknown", 0)
        if every == unknown:
            return ABSENT
        said = f"{self.classes.get('fine', 0)} of {every}"
        return f"{said}, {unknown} unknown" if unknown else said

    @property
    def troubles(self) -> str:
        """What is wrong with its panels, in a few words."""
        return trouble_words(self.classes)


def members_of(query: MonthQuery) -> list[Member]:
    """Every system that the warehouse knows, in the order of their ids."""
    classes: dict[str, dict[str, int]] = {}
    losses: dict[str, float] = {}
    for row in query.rows(_CLASSES):
        classes.setdefault(row["system_id"], {})[row["class"]] = row["panels"]
        if row["loss_kwh"] is not None:
            losses[row["system_id"]] = losses.get(row["system_id"], 0.0) + row["loss_kwh"]
    return [
        Member(row, classes.get(row["system_id"], {}), losses.get(row["system_id"]))
        for row in query.rows(_SYSTEMS)
    ]


def worst_first(member: Member) -> tuple[bool, bool, float]:
    """A key that sorts silent systems first, then dead inputs, then by what was lost."""
    return "offline" not in member.classes, "dead input" not in member.classes, -(member.loss_kwh or 0.0)


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


def system_page(query: MonthQuery, made_utc: datetime) -> Page:
    """The page of the query's system. Raises LookupError where the warehouse knows no such system."""
    about = query.row(SYSTEM)
    if about is None:
        raise LookupError(f"the warehouse knows no system {query.system_id}")
    numbers, produced = production(query)
    metered, flows = meters(query)
    beside, compared = panels(query)
    return Page(
        system_name(about),
        query.system_id,
        query.month,
        _subtitle(about),
        [*numbers[:3], *(metered if len(metered) == 1 else numbers[3:4]), beside],
        [produced, compared, *flows, quality(query), method()],
        query.is_simulated,
        made_utc,
    )


def system_name(about: Row) -> str:
    """What the owner calls a system, or its id."""
    return str(about["name"] or about["system_id"])


def _subtitle(about: Row) -> str:
    parts = [f"System {about['system_id']}"] if about["name"] else []
    if about["capacity_kw"] is not None:
        parts.append(f"{amount(about['capacity_kw'])} kWp")
    if about["inverters"]:
        parts.append(count_words(about["inverters"], "inverter"))
    return ", ".join([*parts, str(about["timezone"] or "time zone unknown")])
