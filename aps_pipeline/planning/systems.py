"""What a plan needs to know of a system: its calendar, its devices, and when they were there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from aps_pipeline.periods import Period


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
        """Whether it can have reported in a period."""
        return (self.first_day is None or self.first_day <= period.last) and (
            self.last_day is None or period.first <= self.last_day
        )


@dataclass(frozen=True, slots=True)
class System:
    """A system with what is needed to ask about it. `ecus` are those that have had inverters.

    `only_ecu` is the one ECU that it ever had, storage included; empty where there were more. At the levels
    `equal_levels` the ledger has shown that ECU's energy equal to the system's: one answers the other.
    """

    system_id: str
    zone: ZoneInfo
    create_date: date | None
    ecus: tuple[Device, ...] = ()
    inverters: tuple[Device, ...] = ()
    meters: tuple[Device, ...] = ()
    only_ecu: str = ""
    equal_levels: frozenset[str] = frozenset()

    def devices(self, kind: str) -> tuple[Device, ...]:
        """The devices of a kind; the system itself at system level."""
        if kind == "system":
            return (Device(""),)
        return {"ecu": self.ecus, "inverter": self.inverters, "meter": self.meters}[kind]
