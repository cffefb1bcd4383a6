"""Which questions a partition consists of, and which of them still have to be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from aps_pipeline.endpoints import ENDPOINTS, LEVEL_GRAIN
from aps_pipeline.periods import LIFETIME, Grain, Period, local_day, periods_between
from aps_pipeline.planning.answers import Answers, serving, stand_in
from aps_pipeline.planning.known import Known, Spared
from aps_pipeline.planning.systems import Device, System
from aps_pipeline.question import Held, Question
from aps_pipeline.tables import Table


@dataclass(frozen=True, slots=True)
class Part:
    """One question of a partition and the system it is about."""

    question: Question
    system: System


@dataclass(frozen=True, slots=True)
class Needs:
    """A partition: all its questions, those still to be asked with what is held of them, and those spared.

    Where a system answers for its only ECU, the question to be asked is the one to the system.
    """

    table: Table
    period: Period
    parts: tuple[Part, ...]
    due: dict[Question, tuple[Part, Held]]
    spared: dict[Question, Spared] = field(default_factory=dict)


def grain_of(table: Table) -> Grain:
    """The grain of one call for a table, which is also that of its partitions."""
    return LEVEL_GRAIN[table.source.level]


def periods_of(table: Table, first: date, last: date) -> list[Period]:
    """The partitions of a table that hold a day from `first` to `last`."""
    return periods_between(grain_of(table), first, last)


def is_inventory(table: Table) -> bool:
    """Whether a table shows what there is rather than what was measured."""
    return table.group == "inventory"


@dataclass(frozen=True, slots=True)
class Freshness:
    """When a held answer is good enough.

    `revise` asks answers again that may have been revised since (a refresh); otherwise only those that were
    given while their period was running. `until` is the last day wanted, which closes a lifetime.
    """

    now: datetime
    revision: timedelta
    until: date
    revise: bool = False

    def is_due(self, part: Part, held: Held) -> bool:
        """Whether the question has to be asked; an answer not yet final is asked again once a day at most."""
        if held.asked_utc is None:
            return True
        zone = part.system.zone
        if local_day(held.asked_utc, zone) >= local_day(self.now, zone):
            return False
        end = self._closed(part.question).end_utc(zone)
        if end is None or held.asked_utc < end:
            return True
        return self.revise and held.asked_utc < end + self.revision

    def is_history(self, part: Part, held: Held) -> bool:
        """Whether an answer would be the first one, or the last: what still grows is left to a refresh."""
        period = part.question.period
        if held.asked_utc is None:
            return True
        if period == LIFETIME:
            if not part.question.level:
                return False
            year = Period.containing(Grain.YEAR, self.until + timedelta(days=1))  # the last that is over
            period = Period.containing(Grain.YEAR, year.first - timedelta(days=1))
        end = period.end_utc(part.system.zone)
        return end is not None and period.last <= self.until and held.asked_utc < end

    def _closed(self, question: Question) -> Period:
        """The period after whose end an answer is whole: a summary's last day, the last year of years."""
        if question.period != LIFETIME:
            return question.period
        return Period.containing(Grain.YEAR if question.level else Grain.DAY, self.until)


def needs_of(
    table: Table,
    periods: Iterable[Period],
    systems: Iterable[System],
    answers: Answers,
    freshness: Freshness,
    known: Known,
) -> Iterator[Needs]:
    """What each partition still needs, given what is held and what is known."""
    systems = list(systems)
    for period in periods:
        parts = tuple(_parts_of(table, period, systems, freshness.now))
        due: dict[Question, tuple[Part, Held]] = {}
        spared: dict[Question, Spared] = {}
        for part in parts:
            system, question = part.system, part.question
            _, held = serving(question, system, answers)
            if not freshness.is_due(part, held):
                continue
            reason = None if held.answered else known.spares(table, system.system_id, period)
            if reason is not None:
                spared[question] = reason
                continue
            ask = stand_in(question, system) or question
            due[ask] = (Part(ask, system), answers.of(ask))
        yield Needs(table, period, parts, due, spared)


def _parts_of(table: Table, period: Period, systems: Iterable[System], now: datetime) -> Iterator[Part]:
    """Every question that belongs to a partition."""
    source = table.source
    for system in systems:
        for each in devices_asked(table, system, period, now):
            yield Part(
                Question(source.endpoint, source.level, system.system_id, each.device_id, period), system
            )


def devices_asked(table: Table, system: System, period: Period, now: datetime) -> list[Device]:
    """Whom a system is asked about: nobody before its first day, after removal, or in the future."""
    installed = system.first_day is None or period.last >= system.first_day
    if not installed or period.first > local_day(now, system.zone):
        return []
    kind = ENDPOINTS[table.source.endpoint].device
    return [each for each in system.devices(kind) if each.was_there(period)]


def calls_for_one(table: Table, systems: Iterable[System]) -> int:
    """What one partition of a table costs in calls for what stands there now."""
    kind = ENDPOINTS[table.source.endpoint].device
    devices = (device for system in systems for device in system.devices(kind))
    return sum(device.last_day is None for device in devices)
