"""Three roofs for demonstrations, healthy or not; those with all that is in no manual: `awkward.py`."""

from __future__ import annotations

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
    """Three healthy systems in three zones, all of them running since March 2024 or earlier.

    One has a meter, one has two ECUs and a legacy zone name, one a summer time of half an hour.
    """
    return Fleet((_paris(), _calgary(), _lord_howe()))


def demo_fleet(year: int = 2025) -> Fleet:
    """The same roofs with what goes wrong on real ones, so that December of that year shows it.

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
            _changed(paris, "702000061911", {"faults": (dead,)}),
            _changed(calgary, "902000014512", {"until": date(year, 12, 27), "listed": Span()}),
            _changed(
                _changed(lord_howe, "902000030115", {"faults": (weak,)}),
                "702000081309",
                {"until": swapped},
                {"uid": "702000094417", "since": swapped},
            ),
        )
    )


def _changed(system: System, uid: str, *changes: dict[str, Any]) -> System:
    """The system with each of these changes of one inverter in its place."""

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
