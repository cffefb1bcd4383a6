"""The systems of the fleet in one month, with what is known of each."""

from __future__ import annotations

from dataclasses import dataclass

from aps_pipeline.reports.asking import Asker, Row
from aps_pipeline.reports.panel_findings import troubles_said
from aps_pipeline.reports.system import name_of
from aps_pipeline.reports.words import ABSENT

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
        name, is_only = name_of(self.row), self.row["namesakes"] == 1 or not self.row["name"]
        return name if is_only else f"{name} ({self.row['system_id']})"

    @property
    def fine(self) -> str:
        """How many of its panels are fine, and how many cannot be judged."""
        every, unknown = sum(self.classes.values()), self.classes.get("unknown", 0)
        if every == unknown:
            return ABSENT
        said = f"{self.classes.get('fine', 0)} of {every}"
        return f"{said}, {unknown} unknown" if unknown else said

    @property
    def troubled(self) -> str:
        """What is wrong with its panels, in a few words."""
        return troubles_said(self.classes)


def members_of(asker: Asker) -> list[Member]:
    """Every system that the warehouse knows, in the order of their ids."""
    classes: dict[str, dict[str, int]] = {}
    losses: dict[str, float] = {}
    for row in asker.rows(_CLASSES):
        classes.setdefault(row["system_id"], {})[row["class"]] = row["panels"]
        if row["loss_kwh"] is not None:
            losses[row["system_id"]] = losses.get(row["system_id"], 0.0) + row["loss_kwh"]
    return [
        Member(row, classes.get(row["system_id"], {}), losses.get(row["system_id"]))
        for row in asker.rows(_SYSTEMS)
    ]


def worst_first(member: Member) -> tuple[bool, bool, float]:
    """A key that sorts silent systems first, then dead inputs, then by what was lost."""
    return "offline" not in member.classes, "dead input" not in member.classes, -(member.loss_kwh or 0.0)
