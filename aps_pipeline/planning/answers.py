"""What is held of which question, and which answer serves a table where two say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.periods import Period, local_day
from aps_pipeline.planning.systems import System
from aps_pipeline.question import NOTHING_HELD, Held, Question
from aps_pipeline.tables import Table

Kind = tuple[str, str]
"""Endpoint and level."""

HeldByKey = Mapping[tuple[str, str, str], Held]
"""What is held of one endpoint and level, by system_id, device_id and period key."""

HeldByPeriod = Mapping[str, Mapping[tuple[str, str], Held]]
"""The same by period key, then by system_id and device_id."""

STAND_IN = "system_energy"
"""The endpoint whose answers may serve where `SERVED` is wanted: energy of a system and of its only ECU."""

SERVED = "ecu_energy"


@dataclass(frozen=True, slots=True)
class Answers:
    """What the ledger holds of several endpoints and levels."""

    by_kind: Mapping[Kind, HeldByPeriod]

    @classmethod
    def of_kinds(cls, held: Mapping[Kind, HeldByKey]) -> Answers:
        """What the ledger gave, by endpoint and level."""
        return cls({kind: _by_period(each) for kind, each in held.items()})

    def of(self, question: Question) -> Held:
        """What is held of a question."""
        held = self.by_kind.get(question.kind, {})
        return held.get(question.period.key, {}).get((question.system_id, question.device_id), NOTHING_HELD)


def _by_period(held: HeldByKey) -> HeldByPeriod:
    found: dict[str, dict[tuple[str, str], Held]] = {}
    for (system_id, device_id, key), each in held.items():
        found.setdefault(key, {})[system_id, device_id] = each
    return found


def kinds_of(table: Table, systems: Iterable[System]) -> list[Kind]:
    """The endpoints and levels whose answers a table may be made from, its own first."""
    endpoint, level = table.source.endpoint, table.source.level
    stands = endpoint == SERVED and level in ENDPOINTS[STAND_IN].levels and any(s.every_ecu for s in systems)
    return [(endpoint, level), *([(STAND_IN, level)] if stands else [])]


def stand_in(question: Question, system: System) -> Question | None:
    """The question to the system that says the same as one to its only ECU; None where nothing shows so."""
    if question.endpoint != SERVED:
        return None
    if not system.answers_for(question.device_id, question.level, question.period):
        return None
    return of_system(question)


def trusted_substitute(question: Question, system: System) -> Question | None:
    """The question to the system to ask instead; None where nothing shows so, or the proof has expired."""
    if (question.device_id, question.level) in system.expired_equal:
        return None
    return stand_in(question, system)


def of_system(question: Question) -> Question:
    """What asks the same of the whole system."""
    return Question(STAND_IN, question.level, question.system_id, "", question.period)


def serving(question: Question, system: System, answers: Answers) -> tuple[Question, Held]:
    """The question whose answer is best of those that serve, and what is held of it."""
    own = answers.of(question)
    other = stand_in(question, system)
    if other is None:
        return question, own
    its = answers.of(other)
    return (question, own) if better(own, its, system) is own else (other, its)


def better(own: Held, its: Held, system: System) -> Held:
    """Which of two answers serves: that with data, then that of a later local day, then the device's own."""
    return max(own, its, key=lambda held: _rank(held, system))


def _rank(held: Held, system: System) -> tuple[bool, date]:
    day = local_day(held.good_utc, system.zone) if held.good_utc else date.min
    return bool(held.answered), day


def questions_held(
    table: Table, period: Period, systems: Mapping[str, System], answers: Answers
) -> Iterator[tuple[System, str, Question, Held]]:
    """Every question of a partition with a good answer, in the order of its rows.

    Told are the system, the device that the rows are of, the question that serves, and what is held of it.
    """
    endpoint, level = table.source.endpoint, table.source.level
    keys = set(answers.by_kind.get((endpoint, level), {}).get(period.key, ()))
    if endpoint == SERVED:
        sole = ((each, each.sole_ecu(period)) for each in systems.values() if each.equal)
        keys |= {(each.system_id, ecu) for each, ecu in sole if (ecu, level) in each.equal}
    for system_id, device_id in sorted(keys):
        if (system := systems.get(system_id)) is not None:
            question = Question(endpoint, level, system_id, device_id, period)
            serves, held = serving(question, system, answers)
            if held.good:
                yield system, device_id, serves, held
