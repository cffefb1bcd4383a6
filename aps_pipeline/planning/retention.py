"""How far back the server remembers a level: which question tells most, and what need not be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from aps_pipeline.endpoints import ENDPOINTS, LEVEL_GRAIN
from aps_pipeline.periods import Grain, Period
from aps_pipeline.planning.answers import Answers, Kind
from aps_pipeline.planning.horizon import last_forgotten, next_probe
from aps_pipeline.planning.known import Border
from aps_pipeline.planning.systems import System
from aps_pipeline.question import Question

Source = tuple[str, str, str]
"""Endpoint, level and system."""

_WORTH_A_PROBE = 8
"""Days still to be asked of one source before it is worth asking where they end."""

_SURE = 2
"""Devices that must have nothing on the last forgotten day: one may not have been there."""


_NOTHING: dict[date, list[bool]] = {}


class Retention:
    """What kept answers say of the server's memory, and which of the questions `due` would say more.

    `lit` are the days on which a system is known to have produced: only there "no data" means forgotten.
    """

    def __init__(
        self,
        systems: Mapping[str, System],
        lit: Mapping[str, frozenset[date]],
        answers: Answers,
        due: Iterable[Question] = (),
    ) -> None:
        self._systems = systems
        self._due = _by_source_and_day(due)
        self._calls: dict[Source, dict[date, int]] = {}
        self._found: dict[Source, date | None] = {}
        self._told: dict[Source, dict[date, list[bool]]] = _told(answers, self._calls)
        self._days = {
            source: sorted(lit.get(source[2], frozenset()) & (told.keys() | self._due.get(source, {}).keys()))
            for source, told in (dict.fromkeys(self._due, _NOTHING) | self._told).items()
        }

    def next_probe(self, may_ask: Callable[[str], bool] = lambda _: True) -> Question | None:
        """The question whose answer says most about where a level ends; None where all is known.

        Systems that may not be asked are passed over.
        """
        return next(self.probes(may_ask), None)

    def probes(self, may_ask: Callable[[str], bool] = lambda _: True) -> Iterator[Question]:
        """The next probe of each endpoint and level. The border found for one system holds for all."""
        probed: set[Kind] = set()
        for source, due in self._due.items():
            if not may_ask(source[2]) or source[:2] in probed or self._borders(source[:2]).keys() - {source}:
                continue
            verdicts = self._verdicts(source)
            day = next_probe(self._days[source], verdicts)
            if day is None and self._border(source) is None:
                day = last_forgotten(self._days[source], verdicts)  # to be asked of one more device
            if day is not None and due.get(day):
                probed.add(source[:2])
                yield due[day][0]

    def told(self, probe: Question, has_data: bool | None) -> None:
        """Take the answer to a probe; None where none came, so that its day says nothing."""
        source, day = (probe.endpoint, probe.level, probe.system_id), probe.period.first
        self._due[source][day].remove(probe)
        self._found.pop(source, None)
        if has_data is not None:
            self._told.setdefault(source, {}).setdefault(day, []).append(has_data)
        elif not self._due[source][day] and day not in self._told.get(source, {}):
            self._days[source].remove(day)

    def forgotten(self) -> list[Question]:
        """The questions that need not be asked any more."""
        found = []
        for source, days in self._due.items():
            last = max(self._borders(source[:2]).values(), default=None)
            found += [q for day, questions in days.items() if last and day <= last for q in questions]
        return found

    @property
    def borders(self) -> dict[Kind, Border]:
        """The last forgotten day of each endpoint and level that the server is known to forget."""
        found = {}
        for kind in dict.fromkeys(source[:2] for source in self._days):
            if borders := self._borders(kind):
                source = max(borders, key=lambda each: (borders[each], each))
                found[kind] = Border(borders[source], self._calls.get(source, {}).get(borders[source], 0))
        return found

    def _borders(self, kind: Kind) -> dict[Source, date]:
        """The last forgotten day of an endpoint and level, by the systems that have shown it."""
        mine = ((source, self._border(source)) for source in self._days if source[:2] == kind)
        return {source: last for source, last in mine if last is not None}

    def _border(self, source: Source) -> date | None:
        """The last forgotten day of a source, once enough devices agree; None if there is none."""
        if source not in self._found:
            last = last_forgotten(self._days[source], self._verdicts(source))
            self._found[source] = last if last is not None and self._is_sure(source, last) else None
        return self._found[source]

    def _verdicts(self, source: Source) -> dict[date, bool]:
        """Whether the server still has a day: one device's data say so."""
        return {day: any(told) for day, told in self._told.get(source, {}).items()}

    def _is_sure(self, source: Source, day: date) -> bool:
        """Whether enough devices have shown that a day is forgotten."""
        kind, period = ENDPOINTS[source[0]].device, Period(Grain.DAY, day)
        system = self._systems.get(source[2])
        there = [each for each in system.devices(kind) if each.was_there(period)] if system else []
        return len(self._told[source][day]) >= min(_SURE, len(there))


def _by_source_and_day(due: Iterable[Question]) -> dict[Source, dict[date, list[Question]]]:
    """The questions by day of those sources of which enough days are wanted."""
    found: dict[Source, dict[date, list[Question]]] = {}
    for question in due:
        if question.period.grain is Grain.DAY:
            source = (question.endpoint, question.level, question.system_id)
            found.setdefault(source, {}).setdefault(question.period.first, []).append(question)
    return {source: days for source, days in found.items() if len(days) >= _WORTH_A_PROBE}


def _told(answers: Answers, calls: dict[Source, dict[date, int]]) -> dict[Source, dict[date, list[bool]]]:
    """For each source and day the kept answers: whether they held data; `calls` takes their newest calls."""
    found: dict[Source, dict[date, list[bool]]] = {}
    for (endpoint, level), held in answers.by_kind.items():
        if LEVEL_GRAIN[level] is not Grain.DAY:
            continue
        for key, of_devices in held.items():
            day = date.fromisoformat(key)
            for (system_id, _), each in of_devices.items():
                if each.good:
                    source = (endpoint, level, system_id)
                    found.setdefault(source, {}).setdefault(day, []).append(bool(each.answered))
                    seen = calls.setdefault(source, {})
                    seen[day] = max(each.good, seen.get(day, 0))
    return found
