"""The tables of systems, ECUs, inverters and meters, and what a simulator serves for them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from aps_pipeline.lake.validate import prepare_rows
from aps_pipeline.parse import PARSERS, open_body
from aps_pipeline.parse.context import ParseContext, Parsed
from aps_pipeline.periods import Grain, Period, zone
from aps_pipeline.simulator import Simulator
from aps_pipeline.simulator.fleet import Ecu, Fleet, Inverter, Span, System
from aps_pipeline.tables import Table
from aps_pipeline.tables.energy import ECU_ENERGY, INVERTER_ENERGY, METER_ENERGY, SYSTEM_ENERGY
from aps_pipeline.tables.summaries import SUMMARIES
from aps_pipeline.tables.telemetry import TELEMETRY
from aps_pipeline_tests.simulator.caller import body

READ: dict[str, Table] = {
    table.name: table
    for table in (*SYSTEM_ENERGY, *ECU_ENERGY, *INVERTER_ENERGY, *METER_ENERGY, *TELEMETRY, *SUMMARIES)
}
PARIS, LORD_HOWE = "A0E1253B7C9D4F60", "AZ24419C3DFF"
KATHMANDU, MOUNTAIN = "K77015E209B1", "C12263D8840175AF"
NOW = datetime(2025, 1, 15, 11, 7, tzinfo=UTC)
"""When the simulator answers."""

LONG_AFTER = datetime(2026, 2, 1, tzinfo=UTC)
_GRAINS = {"daily": Grain.MONTH, "monthly": Grain.YEAR, "yearly": Grain.LIFETIME, "": Grain.LIFETIME}
_PATHS = {
    "system_summary": "summary/{sid}",
    "system_energy": "energy/{sid}",
    "ecu_summary": "{sid}/devices/ecu/summary/{device}",
    "ecu_energy": "{sid}/devices/ecu/energy/{device}",
    "meter_summary": "{sid}/devices/meter/summary/{device}",
    "meter_energy": "{sid}/devices/meter/period/{device}",
    "inverter_summary": "{sid}/devices/inverter/summary/{device}",
    "inverter_energy": "{sid}/devices/inverter/energy/{device}",
    "inverter_batch": "{sid}/devices/inverter/batch/energy/{device}",
}


def asked(
    name: str,
    key: str = "",
    at: datetime = LONG_AFTER,
    zone_name: str = "Europe/Paris",
    system_id: str = "S1",
    device_id: str = "D1",
    created: date | None = date(2022, 3, 17),
) -> ParseContext:
    """A call that feeds that table, about that period, made at that instant."""
    period = Period.parse(_GRAINS.get(READ[name].source.level, Grain.DAY), key)
    device = "" if name.startswith("system") else device_id
    return ParseContext(7, system_id, device, period, at, zone(zone_name), created, timedelta(days=5))


def parsed(name: str, data: Any, of: ParseContext) -> Parsed:
    """What the parser of that table makes of `data`, sent as JSON."""
    return PARSERS[name](READ[name], open_body(json.dumps({"code": 0, "data": data})), of)


def rows(name: str, data: Any, of: ParseContext) -> list[dict[str, Any]]:
    """The rows of `data`, after the checks that stand before every file."""
    table, found = READ[name], parsed(name, data, of).rows
    prepare_rows(table, (of.period.key,) if table.is_partitioned else (), found)
    return list(found.to_pylist())


def a_fleet() -> Fleet:
    """Four systems that began in 2024: meters, two ECUs, odd ids, a replaced inverter, days offline."""
    began, replaced = date(2024, 2, 20), date(2024, 5, 14)
    roof = (Inverter(uid="702000061874"), Inverter(uid="902000014406", type="QT2D", channels=4))
    flat = (Inverter(uid="902000030077", type="QT2D", channels=4, azimuth=0),)
    east = (
        Inverter(uid="702000090011", until=replaced),
        Inverter(uid="702000097348", since=replaced),
        Inverter(uid="702000090025", channels=1),
    )
    away = (Span(date(2024, 6, 11), date(2024, 6, 15)),)
    house, barn = (Inverter(uid="902000050601", type="QT2D", channels=4),), (Inverter(uid="000000855330"),)
    two = (Ecu("000216009918", house, meter=True), Ecu("203000000022-1", barn))
    return Fleet(
        (
            System(PARIS, "Europe/Paris", 48.9, 2.4, began, (Ecu("216200041835", roof, meter=True),)),
            System(LORD_HOWE, "Australia/Lord_Howe", -31.6, 159.1, began, (Ecu("203000027716", flat),)),
            System(
                KATHMANDU,
                "Asia/Kathmandu",
                27.7,
                85.3,
                began,
                (Ecu("2030000001236-0024", east, offline=away),),
            ),
            System(MOUNTAIN, "Canada/Mountain", 51.0, -114.1, date(2024, 3, 10), two),
        )
    )


@cache
def simulator() -> Simulator:
    """That fleet at NOW; nobody changes it."""
    return Simulator(a_fleet(), now=lambda: NOW)


def system_of(sid: str) -> System:
    """A simulated system."""
    found = simulator().fleet.system(sid)
    assert found is not None
    return found


def key_of(name: str, day: date) -> str:
    """The period of that table which holds the day."""
    return Period.containing(_GRAINS.get(READ[name].source.level, Grain.DAY), day).key


def devices(name: str, system: System) -> list[str]:
    """The ids that a table is asked about."""
    kind = READ[name].source.endpoint
    if kind.startswith("system"):
        return [""]
    if kind.startswith("meter"):
        return list(system.meters)
    if kind in ("inverter_energy", "inverter_summary"):
        return [inverter.uid for ecu in system.ecus for inverter in ecu.inverters]
    return [ecu.request_id for ecu in system.ecus]


def answer(name: str, sid: str, device: str, day: date) -> dict[str, Any]:
    """The body that a simulator serves for one table and device."""
    source = READ[name].source
    return body(
        simulator(), _PATHS[source.endpoint].format(sid=sid, device=device), source.level, key_of(name, day)
    )


def call(name: str, sid: str, device: str, day: date, at: datetime = NOW) -> ParseContext:
    """The call behind such a body."""
    system = system_of(sid)
    return asked(name, key_of(name, day), at, system.timezone, sid, device, system.create_date)


@cache
def served(name: str, sid: str, day: date) -> list[dict[str, Any]]:
    """The rows of a table for every device of a system on a day, as served. Do not change them."""
    found: list[dict[str, Any]] = []
    for device in devices(name, system_of(sid)):
        got = answer(name, sid, device, day)
        if got["code"] == 0:
            found += rows(name, got["data"], call(name, sid, device, day))
    return found
