"""A plan as people read it: how many calls each table of each system still needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.ingest.facts import Job
from aps_pipeline.ingest.inventory import INVENTORY_TABLES
from aps_pipeline.planning import grain_of, stand_in
from aps_pipeline.question import Question
from aps_pipeline.tables import Table


@dataclass(slots=True)
class PlannedCalls:
    """What one table of one system still needs.

    `known` is False where the system's devices are not known yet, so that there may be more; `first` and
    `last` are the keys of the first and last period to be asked.
    """

    table: Table
    system_id: str
    calls: int = 0
    held: int = 0
    spared: int = 0
    """Questions that need not be asked: the day was dark, or lies beyond retention."""
    first: str = ""
    last: str = ""
    known: bool = True

    @property
    def buys(self) -> str:
        """What one call brings."""
        source = self.table.source
        of = ENDPOINTS[source.endpoint].device
        whose = f"all panels of an {of.upper()}" if source.endpoint == "inverter_batch" else f"one {of}"
        period = grain_of(self.table)
        return f"{whose}, {'all years' if period == 'lifetime' and source.level else f'one {period}'}"


def planned_calls(inventory: Callable[[], Iterable[Question]], jobs: Iterable[Job]) -> list[PlannedCalls]:
    """Group the questions of a plan; each stands once, with the first table that it feeds.

    `inventory` is asked once the jobs, which are looked at one by one, have told which systems are busy.
    """
    lines: dict[tuple[str, str], PlannedCalls] = {}
    counted: set[Question] = set()
    for job in jobs:
        table = job.needs.table
        for part in job.needs.parts:
            question = part.question
            line = _line(lines, table, question.system_id)
            ask = stand_in(question, part.system) or question
            if question in job.needs.spared:
                line.spared += 1
            elif ask not in job.needs.due:
                line.held += 1
            elif ask not in counted:
                counted.add(ask)
                line.calls += 1
                line.first = min(line.first or question.period.key, question.period.key)
                line.last = max(line.last, question.period.key)
        for question in job.missing:
            _line(lines, table, question.system_id).known = False
    first: dict[tuple[str, str], PlannedCalls] = {}
    for question in inventory():
        table = next(each for each in INVENTORY_TABLES if each.source.endpoint == question.endpoint)
        _line(first, table, question.system_id).calls += 1
    return [*first.values(), *lines.values()]


def _line(lines: dict[tuple[str, str], PlannedCalls], table: Table, system_id: str) -> PlannedCalls:
    return lines.setdefault((table.name, system_id), PlannedCalls(table, system_id))
