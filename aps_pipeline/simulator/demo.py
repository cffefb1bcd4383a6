"""A fleet for demonstrations; one with everything that goes wrong on real roofs is in `awkward.py`."""

from __future__ import annotations

from datetime import date

from aps_pipeline.simulator.fleet import Ecu, Fleet, Inverter, System


def demo_fleet() -> Fleet:
    """Three healthy systems in three zones, all of them running for the whole of 2025.

    One has a meter, one has two ECUs and a legacy zone name, one a summer time of half an hour.
    """
    return Fleet((_paris(), _calgary(), _lord_howe()))


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
