"""What the ledger holds of wanted tables, and what that tells about questions that need not be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from aps_pipeline.ingest.partitions import asked_of_held, readable_rows
from aps_pipeline.ledger import Ledger
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import Answers, Known, Retention, System, grain_of, kinds_of
from aps_pipeline.question import Question
from aps_pipeline.tables import Table, table_named

DAILY = table_named("system_daily_energy")
"""The series that tells on which days there was something to measure."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Held answers and what they tell. `lit` are the days on which a system produced."""

    answers: Answers
    known: Known = field(default_factory=Known)
    lit: Mapping[str, frozenset[date]] = field(default_factory=dict)


def knowledge_of(
    ledger: Ledger, systems: Mapping[str, System], tables: Iterable[Table], revision: timedelta
) -> Knowledge:
    """Read what is held of the tables; where some are by day, also what the daily series tells of days.

    Raises LedgerError.
    """
    tables = list(tables)
    kinds = dict.fromkeys(kind for table in tables for kind in kinds_of(table, systems.values()))
    answers = Answers.of_kinds({kind: ledger.held(*kind) for kind in kinds})
    if not any(grain_of(table) is Grain.DAY for table in tables):
        return Knowledge(answers)
    lit, idle = _days(ledger, systems, revision)
    borders = Retention(systems, lit, answers).borders
    return Knowledge(answers, Known(idle, borders), lit)


def _days(
    ledger: Ledger, systems: Mapping[str, System], revision: timedelta
) -> tuple[dict[str, frozenset[date]], dict[str, dict[date, int]]]:
    """Days with production, and days whose value is a final 0 with their call, by system."""
    lit: dict[str, set[date]] = {}
    idle: dict[str, dict[date, int]] = {}
    held = ledger.held(*DAILY.source.kind)
    answered = {key: each for key, each in held.items() if each.answered and key[0] in systems}
    bodies = ledger.bodies(each.answered for each in answered.values())
    for (system_id, _, key), each in answered.items():
        period = Period.parse(Grain.MONTH, key)
        question = Question(*DAILY.source.kind, system_id, "", period)
        asked = asked_of_held(question, systems[system_id], each, revision)
        if (rows := readable_rows(DAILY, bodies.get(each.answered), asked)) is None:
            continue
        columns = (rows[name].to_pylist() for name in ("date", "energy_kwh", "is_final"))
        for day, energy, is_final in zip(*columns, strict=True):
            if energy:
                lit.setdefault(system_id, set()).add(day)
            elif energy == 0 and is_final:
                idle.setdefault(system_id, {})[day] = each.answered
    return {system_id: frozenset(days) for system_id, days in lit.items()}, idle
