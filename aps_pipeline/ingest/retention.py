"""How far back the server remembers a level: asked where it matters, and read from the ledger ever after."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from aps_pipeline.ingest.fleet import Fleet
from aps_pipeline.ingest.partitions import asked_of
from aps_pipeline.ingest.run import Run
from aps_pipeline.parse import RefusedError, parse_rows
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning import last_forgotten, next_probe
from aps_pipeline.question import Question
from aps_pipeline.tables import table_named

Kind = tuple[str, str, str]
"""Endpoint, level and system."""

_WORTH_A_PROBE = 8
"""Days still to be asked of one kind before it is worth asking where they end."""

_SURE = 2
"""Devices that must have nothing on a day before the day counts as forgotten: one may not have been there."""


class Retention:
    """Which of the questions due are about days that the server has forgotten."""

    def __init__(self, run: Run, fleet: Fleet, due: Iterable[Question]) -> None:
        self._due: dict[Kind, dict[date, list[Question]]] = {}
        for question in due:
            if question.period.grain is Grain.DAY:
                kind = (question.endpoint, question.level, question.system_id)
                self._due.setdefault(kind, {}).setdefault(question.period.first, []).append(question)
        self._due = {kind: days for kind, days in self._due.items() if len(days) >= _WORTH_A_PROBE}
        self._days: dict[Kind, list[date]] = {}
        self._seen: dict[Kind, dict[date, list[bool]]] = {}
        lit = _lit_days(run, fleet) if self._due else {}
        for endpoint, level in dict.fromkeys(kind[:2] for kind in self._due):
            answers = _answers(run, endpoint, level)
            for system_id, mine in lit.items():
                kind = (endpoint, level, system_id)
                told = {day: each for day, each in answers.get(system_id, {}).items() if day in mine}
                self._seen[kind] = told
                self._days[kind] = sorted(told.keys() | (mine & self._due.get(kind, {}).keys()))

    def next_probe(self) -> Question | None:
        """The question whose answer says most about where a level ends; None where all is known.

        The border found for one system holds for all.
        """
        for kind, due in self._due.items():
            others = self._borders(kind[:2]).keys() - {kind}
            day = None if others else next_probe(self._days.get(kind, []), self._verdicts(kind))
            if day is not None and due.get(day):
                return due[day][0]
        return None

    def told(self, probe: Question, has_data: bool | None) -> None:
        """Take the answer to a probe; None where none came, so that its day says nothing."""
        kind, day = (probe.endpoint, probe.level, probe.system_id), probe.period.first
        self._due[kind][day].remove(probe)
        if has_data is not None:
            self._seen.setdefault(kind, {}).setdefault(day, []).append(has_data)
        elif not self._due[kind][day] and day not in self._seen.get(kind, {}):
            self._days[kind].remove(day)

    def forgotten(self) -> list[Question]:
        """The questions that need not be asked any more."""
        found = []
        for kind, days in self._due.items():
            last = max(self._borders(kind[:2]).values(), default=None)
            found += [q for day, questions in days.items() if last and day <= last for q in questions]
        return found

    @property
    def expiring(self) -> set[tuple[str, str]]:
        """Endpoints and levels of which the server is known to forget."""
        return {kind[:2] for kind in self._days if self._borders(kind[:2])}

    def _borders(self, source: tuple[str, str]) -> dict[Kind, date]:
        """The last forgotten day of an endpoint and level, by the systems that have shown it."""
        found = {}
        for kind, days in self._days.items():
            if kind[:2] == source and (last := last_forgotten(days, self._verdicts(kind))):
                found[kind] = last
        return found

    def _verdicts(self, kind: Kind) -> dict[date, bool]:
        """Whether the server still has a day: one device's data say so, two that lack it (or all) deny it."""
        verdicts = {}
        for day, told in self._seen.get(kind, {}).items():
            if any(told):
                verdicts[day] = True
            elif len(told) >= _SURE or not self._due.get(kind, {}).get(day):
                verdicts[day] = False
        return verdicts


def _answers(run: Run, endpoint: str, level: str) -> dict[str, dict[date, list[bool]]]:
    """For each system and day the kept answers: whether they held data."""
    found: dict[str, dict[date, list[bool]]] = {}
    for (system_id, _, key), held in run.ledger.held(endpoint, level).items():
        if held.good:
            days = found.setdefault(system_id, {})
            days.setdefault(date.fromisoformat(key), []).append(bool(held.answered))
    return found


def _lit_days(run: Run, fleet: Fleet) -> dict[str, set[date]]:
    """The days of each system on which it is known to have produced, from the daily series."""
    table = table_named("system_daily_energy")
    lit: dict[str, set[date]] = {}
    held = run.ledger.held(table.source.endpoint, table.source.level)
    answered = {key: each for key, each in held.items() if each.answered and key[0] in fleet.systems}
    bodies = run.ledger.bodies(each.answered for each in answered.values())
    for (system_id, _, key), each in answered.items():
        assert each.answered_utc is not None  # noqa: S101 - an answered call was sent
        period = Period.parse(Grain.MONTH, key)
        question = Question(table.source.endpoint, table.source.level, system_id, "", period)
        asked = asked_of(question, fleet.systems[system_id], each.answered, each.answered_utc, run.revision)
        try:
            rows = parse_rows(table, bodies[each.answered], asked).rows
        except RefusedError:
            continue  # reported where the daily table is built
        days = zip(rows["date"].to_pylist(), rows["energy_kwh"].to_pylist(), strict=True)
        lit.setdefault(system_id, set()).update(day for day, energy in days if energy)
    return lit
