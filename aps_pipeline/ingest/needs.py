"""Which questions a partition consists of, and which of them still have to be asked. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aps_pipeline.api import ENDPOINTS, LEVEL_GRAIN
from aps_pipeline.ingest.fleet import Fleet, System
from aps_pipeline.ledger import Held
from aps_pipeline.periods import LIFETIME, Grain, Period, local_day, periods_between
from aps_pipeline.question import Question
from aps_pipeline.tables import Table

INVENTORY_AGE = timedelta(days=1)
"""How old the inventory may be before it is asked again ahead of other calls."""


@dataclass(frozen=True, slots=True)
class Part:
    """One question of a partition and the system it is about."""

    question: Question
    system: System


def grain_of(table: Table) -> Grain:
    """The grain of one call for a table, which is also that of its partitions."""
    return LEVEL_GRAIN[table.source.level]


def periods_of(table: Table, first: date, last: date) -> list[Period]:
    """The partitions of a table that hold a day from `first` to `last`."""
    return periods_between(grain_of(table), first, last)


def is_inventory(table: Table) -> bool:
    """Whether a table shows what there is rather than what was measured."""
    return table.group == "inventory"


def parts_of(table: Table, period: Period, systems: Iterable[System], now: datetime) -> list[Part]:
    """Every question that belongs to a partition: none before installation, after removal, in the future."""
    kind = ENDPOINTS[table.source.endpoint].device
    return [
        Part(
            Question(table.source.endpoint, table.source.level, system.system_id, each.device_id, period),
            system,
        )
        for system in systems
        if _exists(system, period, now)
        for each in system.devices(kind)
        if each.was_there(period)
    ]


def _exists(system: System, period: Period, now: datetime) -> bool:
    installed = system.create_date is None or period.last >= system.create_date
    return installed and period.first <= local_day(now, system.zone)


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

    def _closed(self, question: Question) -> Period:
        """The period after whose end an answer is whole: a summary's last day, the last year of years."""
        if question.period != LIFETIME:
            return question.period
        return Period.containing(Grain.YEAR if question.level else Grain.DAY, self.until)


DEVICE_ENDPOINTS = {
    "system": ("system_details",),
    "ecu": ("system_details", "system_inverters"),
    "inverter": ("system_details", "system_inverters"),
    "meter": ("system_details", "system_meters"),
}
"""The inventory answers without which a table's questions are not known, by the device it is about."""


def unknown_inventory(table: Table, system_id: str, fleet: Fleet) -> list[Question]:
    """The inventory questions that must be answered before those of a table can be listed."""
    kind = ENDPOINTS[table.source.endpoint].device
    wanted = [Question(endpoint, "", system_id) for endpoint in DEVICE_ENDPOINTS[kind]]
    return [question for question in wanted if fleet.newest(question) is None]


def is_stale(question: Question, fleet: Fleet, now: datetime, named_by: int) -> bool:
    """Whether an inventory question was never answered, not within a day, or not since unknown names came.

    `named_by` is the last call that first named an inverter which the inventory did not know; 0 for none.
    """
    newest = fleet.newest(question)
    if newest is None or now - newest.sent_utc > INVENTORY_AGE:
        return True
    return question.endpoint == "system_inverters" and named_by > newest.call_id


def calls_for_one(table: Table, fleet: Fleet) -> int:
    """What one partition of a table costs in calls for the present fleet."""
    kind = ENDPOINTS[table.source.endpoint].device
    devices = (device for system in fleet.systems.values() for device in system.devices(kind))
    return sum(device.last_day is None for device in devices)
