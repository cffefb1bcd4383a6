"""What a plan needs to know of a system: its calendar, its devices, and when they were there."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from aps_pipeline.periods import Period, zone


@dataclass(frozen=True, slots=True)
class Device:
    """An ECU, meter or inverter with the local days between which it can have been there.

    It was not there on a day before the last answer that did not name it yet (`first_day`), nor after the
    last that still did (`last_day`); None where no answer bounds it.
    """

    device_id: str
    first_day: date | None = None
    last_day: date | None = None

    def was_there(self, period: Period) -> bool:
        """Tell whether it can have reported in a period."""
        return (self.first_day is None or self.first_day <= period.last) and (
            self.last_day is None or period.first <= self.last_day
        )


@dataclass(frozen=True, slots=True)
class System:
    """A system with what is needed to ask about it. `ecus` are those that have had inverters.

    `every_ecu` holds those of storage as well. For the ECUs and levels in `equal` the ledger has shown that
    the ECU, while it was the only one, has the energy of the system: one answers the other. In
    `expired_equal` are those whose newest proof is old: it has to be renewed before more is concluded.
    """

    system_id: str
    zone: ZoneInfo
    create_date: date | None
    ecus: tuple[Device, ...] = ()
    inverters: tuple[Device, ...] = ()
    meters: tuple[Device, ...] = ()
    every_ecu: tuple[Device, ...] = ()
    equal: frozenset[tuple[str, str]] = frozenset()
    expired_equal: frozenset[tuple[str, str]] = frozenset()
    data_since: date | None = None
    """The first day before `create_date` on which answers show energy, as exactly as they say."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Name the zone where a system goes to another process: one that was read from a file cannot go."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return _with_zone, (values | {"zone": self.zone.key},)

    @property
    def first_day(self) -> date | None:
        """The first day that something is asked about; None where nothing bounds it."""
        if self.create_date is None or self.data_since is None:
            return self.create_date
        return min(self.create_date, self.data_since)

    def sole_ecu(self, period: Period) -> str:
        """Find the one ECU that there can have been in a period; empty where there may be more, or none."""
        there = [ecu.device_id for ecu in self.every_ecu if ecu.was_there(period)]
        return there[0] if len(there) == 1 else ""

    def answers_for(self, ecu_id: str, level: str, period: Period) -> bool:
        """Tell whether the system's energy of a period is known to be that of an ECU."""
        return (ecu_id, level) in self.equal and self.sole_ecu(period) == ecu_id

    def devices(self, kind: str) -> tuple[Device, ...]:
        """List the devices of a kind; the system itself at system level."""
        if kind == "system":
            return (Device(""),)
        return {"ecu": self.ecus, "inverter": self.inverters, "meter": self.meters}[kind]


def _with_zone(values: dict[str, Any]) -> System:
    return System(**values | {"zone": zone(values["zone"])})
