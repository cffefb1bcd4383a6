"""The fleet of the demo, and what the owner of a simulated roof would write down.

Roof and tariffs are plain dictionaries in the form of their files; nothing is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from aps_pipeline.simulator.fleet import Ecu, Fleet, Inverter, PanelFault, Span, System

NAMES = {
    "A0E1253B7C9D4F60": "House in Paris",
    "C12263D8840175AF": "Farm near Calgary",
    "AZ24419C3DFF": "Guest house on Lord Howe",
}
"""What the owners call their systems, by id; the API does not tell."""


def healthy_fleet() -> Fleet:
    """Build three healthy systems in three zones, all running since March 2024 or earlier.

    One has a meter, one has two ECUs and a legacy zone name, one a summer time of half an hour.
    """
    return Fleet((_paris(), _calgary(), _lord_howe()))


def demo_fleet(year: int = 2025) -> Fleet:
    """Build the same roofs with what goes wrong on real ones, so that December of that year shows it.

    Paris: a dead panel since 21 November. Calgary: the ECU in the barn offline from 9 to 11 December, and
    an inverter of the house silent since 27 December. Lord Howe: a weak panel since June, and an inverter
    replaced on 7 October.
    """
    paris, calgary, lord_howe = healthy_fleet().systems
    dead = PanelFault(date(year, 11, 21), channel=2)
    weak = PanelFault(date(year, 6, 1), channel=3, factor=0.62)
    offline = Span(date(year, 12, 9), date(year, 12, 12))
    swapped = date(year, 10, 7)
    house, barn = calgary.ecus
    # The capacity stays as registered: the inventory goes on naming an inverter that is silent.
    calgary = replace(calgary, ecus=(house, replace(barn, offline=(offline,))), capacity="9.50")
    return Fleet(
        (
            _with_changes(paris, "702000061911", {"faults": (dead,)}),
            _with_changes(calgary, "902000014512", {"until": date(year, 12, 27), "listed": Span()}),
            _with_changes(
                _with_changes(lord_howe, "902000030115", {"faults": (weak,)}),
                "702000081309",
                {"until": swapped},
                {"uid": "702000094417", "since": swapped},
            ),
        )
    )


def _with_changes(system: System, uid: str, *changes: dict[str, Any]) -> System:
    """Copy the system with each of these changes of one inverter in its place."""

    def instead(inverter: Inverter) -> tuple[Inverter, ...]:
        return (
            tuple(replace(inverter, **change) for change in changes) if inverter.uid == uid else (inverter,)
        )

    ecus = (
        replace(ecu, inverters=tuple(one for inverter in ecu.inverters for one in instead(inverter)))
        for ecu in system.ecus
    )
    return replace(system, ecus=tuple(ecus))


def _ds3(uids: list[str], azimuth: float, tilt: float, panel_kw: float = 0.41) -> tuple[Inverter, ...]:
    return tuple(Inverter(uid=u, azimuth=azimuth, tilt=tilt, panel_kw=panel_kw) for u in uids)


def _qt2d(uids: list[str], azimuth: float, tilt: float, panel_kw: float = 0.44) -> tuple[Inverter, ...]:
    return tuple(
        Inverter(uid=u, type="QT2D", channels=4, azimuth=azimuth, tilt=tilt, panel_kw=panel_kw) for u in uids
    )


def _paris() -> System:
    east = _ds3(["702000061874", "702000061902", "702000061911"], 105, 35)
    west = _ds3(["702000062050", "702000062063", "702000062117"], 285, 35)
    return System(
        sid="A0E1253B7C9D4F60",
        timezone="Europe/Paris",
        lat=48.86,
        lon=2.35,
        create_date=date(2022, 3, 17),
        ecus=(Ecu("216200041835", east + west, meter=True),),
        authorization_code="SIMULATED0VISITOR0CODE",
    )


def _calgary() -> System:
    house = _qt2d(["902000014406", "902000014431", "902000014478", "902000014512"], 180, 25)
    barn = _ds3(["000000855330", "000000064823", "000000065214"], 215, 40)
    return System(
        sid="C12263D8840175AF",
        timezone="Canada/Mountain",
        lat=51.05,
        lon=-114.07,
        create_date=date(2023, 1, 1),
        ecus=(Ecu("203000019427", house), Ecu("000216003391", barn)),
        light=2,
    )


def _lord_howe() -> System:
    flat = _qt2d(["902000030077", "902000030115"], 0, 15)
    steep = _ds3(["702000081246", "702000081260", "702000081309"], 310, 30)
    return System(
        sid="AZ24419C3DFF",
        timezone="Australia/Lord_Howe",
        lat=-31.55,
        lon=159.08,
        create_date=date(2024, 2, 29),
        ecus=(Ecu("203000027716", flat + steep),),
    )


_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_ROWS = 2  # of panels on every slope


def roof_of(fleet: Fleet, names: Mapping[str, str]) -> dict[str, Any]:
    """Describe by system id its name, its place, and every panel that is mounted last, truthfully.

    An inverter that follows another on the same slope on the same day replaces it.
    """
    return {"systems": {system.sid: _system(system, names.get(system.sid, "")) for system in fleet.systems}}


def tariffs_of(year: int) -> dict[str, Any]:
    """Make up prices for that year and the one before: dearer from the first of February on."""
    before = {"import_price": 0.2516, "feed_in_price": 0.0813, "standing_charge": 0.42}
    after = {"import_price": 0.2694, "feed_in_price": 0.0795, "standing_charge": 0.45}
    return {
        "currency": "EUR",
        "co2_kg_per_kwh": 0.38,
        "co2_source": "made up for the demo",
        "tariffs": [{"from": date(year - 1, 1, 1)} | before, {"from": date(year, 2, 1)} | after],
    }


def _system(system: System, name: str) -> dict[str, Any]:
    mounted: dict[tuple[float, float], list[Inverter]] = {}
    for inverter in _inverters(system):
        if _successor(system, inverter) is None:
            mounted.setdefault((inverter.azimuth, inverter.tilt), []).append(inverter)
    described: dict[str, Any] = {}
    for slope, inverters in enumerate(mounted.values()):
        # A row stays free between two slopes.
        described |= _slope(system, inverters, 1 + slope * (_ROWS + 1))
    place = {"latitude": system.lat, "longitude": system.lon}
    return ({"name": name} if name else {}) | place | {"inverters": described}


def _slope(system: System, inverters: list[Inverter], first_row: int) -> dict[str, Any]:
    """Describe the inverters of one slope; its panels are counted from the left, row by row."""
    panels = [(inverter, n + 1) for inverter in inverters for n in range(inverter.channels)]
    columns = -(-len(panels) // _ROWS)
    described: dict[str, Any] = {}
    for inverter in inverters:
        olds = [old.uid for old in _inverters(system) if _successor(system, old) is inverter]
        described[inverter.uid] = ({"replaces": olds[0]} if olds else {}) | {"panels": {}}
    for n, (inverter, channel) in enumerate(panels):
        described[inverter.uid]["panels"][channel] = {
            "label": f"{_COMPASS[round(inverter.azimuth / 45) % 8]}{n + 1}",
            "row": first_row + n // columns,
            "column": 1 + n % columns,
            "tilt": inverter.tilt,
            "azimuth": inverter.azimuth,
        }
    return described


def _successor(system: System, old: Inverter) -> Inverter | None:
    """Find the first inverter that took its place; None while it stands, or when the place is empty."""
    return next(
        (
            new
            for new in _inverters(system)
            if (new.since, new.azimuth, new.tilt) == (old.until, old.azimuth, old.tilt)
        ),
        None,
    )


def _inverters(system: System) -> list[Inverter]:
    return [inverter for ecu in system.ecus for inverter in ecu.inverters]
