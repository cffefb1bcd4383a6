"""A fleet with everything that is met on real roofs and in real accounts but in no manual."""

from __future__ import annotations

from datetime import date
from typing import Any

from aps_pipeline.simulator.fleet import CapacityChange, Ecu, Fleet, Inverter, PanelFault, Span, System

VIRTUAL_ECU = "2030000001236-002405253708"


def awkward_fleet() -> Fleet:
    """Build six systems in six zones, each with problems and a dialect of its own.

    Kathmandu: a virtual ECU id, a dead panel, a weak one, a replaced inverter, an ECU that was offline.
    New York: a meter, and every field in another order. Apia: an inventory that changes (see `_apia`).
    Madrid: nothing but storage, with a meter. Lord Howe: panels, storage and an ECU of unknown type, fields
    that came after the manual. Calgary: numbers instead of texts, and null for what was not measured.
    """
    return Fleet((_kathmandu(), _new_york(), _apia(), _madrid(), _lord_howe(), _calgary()))


def _quad(uid: str, **more: Any) -> Inverter:
    return Inverter(uid=uid, type="QT2D", channels=4, panel_kw=0.44, **more)


def _kathmandu() -> System:
    replaced = date(2025, 5, 14)
    inverters = (
        Inverter(uid="702000090011", tilt=20, until=replaced),
        Inverter(uid="702000097348", tilt=20, since=replaced),
        Inverter(uid="702000090025", tilt=20, faults=(PanelFault(date(2025, 4, 9), channel=2),)),
        Inverter(uid="702000090038", tilt=20, faults=(PanelFault(channel=1, factor=0.6),)),
    )
    offline = (Span(date(2025, 6, 11), date(2025, 6, 15)),)
    return System(
        sid="K77015E209B1",
        timezone="Asia/Kathmandu",
        lat=27.7,
        lon=85.3,
        create_date=date(2023, 11, 5),
        ecus=(Ecu(VIRTUAL_ECU, inverters, offline=offline),),
        light=3,
    )


def _new_york() -> System:
    roof = (_quad("902000050601", azimuth=200.0), _quad("902000050622", azimuth=200.0))
    return System(
        sid="N40718D5A6E2",
        timezone="America/New_York",
        lat=40.71,
        lon=-74.0,
        create_date=date(2025, 2, 14),
        ecus=(Ecu("000216009918", roof, meter=True),),
        light=4,
        quirks=("ac_p", "shuffled"),
    )


def _apia() -> System:
    """Replace an inverter, which the inventory learns three days late, and add one on another day.

    The one that was added is named at once but counted in the capacity a week later. The panels of the shared
    sub-user have a hyphen in their ids.
    """
    replaced, learned = date(2025, 9, 17), date(2025, 9, 20)
    added, counted = date(2025, 11, 3), date(2025, 11, 10)
    inverters = (
        Inverter(uid="703000112201", until=replaced, azimuth=0, listed=Span(until=learned)),
        Inverter(uid="703000118764", since=replaced, azimuth=0, listed=Span(learned)),
        Inverter(uid="703000112233-002405253708", azimuth=0),
        _quad("902000073040", since=added, azimuth=0),
    )
    return System(
        sid="P68501C3E7A4",
        timezone="Pacific/Apia",
        lat=-13.83,
        lon=-171.76,
        create_date=date(2024, 8, 9),
        ecus=(Ecu("216000073015", inverters),),
        capacity="1.60",
        capacity_changes=(CapacityChange(counted, "3.36"),),
        quirks=("absent_channels", "texts"),
    )


def _madrid() -> System:
    storage = Ecu("B05000001127", (), meter=True, type=2, model="ELS-5K", capacity_kwh="10.08")
    return System(
        sid="B2024119F0C8",
        timezone="Europe/Madrid",
        lat=40.42,
        lon=-3.7,
        create_date=date(2024, 11, 19),
        ecus=(storage,),
        type=2,
    )


def _lord_howe() -> System:
    roof = (_quad("902000041570", azimuth=0), Inverter(uid="702000041588", azimuth=300.0))
    shed = (Inverter(uid="804000060846", type="YC600", azimuth=60.0, panel_kw=0.3),)
    return System(
        sid="H31555A7D902",
        timezone="Australia/Lord_Howe",
        lat=-31.55,
        lon=159.08,
        create_date=date(2025, 1, 31),
        ecus=(
            Ecu("216000041552", roof, meter=True),
            Ecu("2030000004417-002406030912", (), type=2, model="ELS-3K", capacity_kwh="5.04", is_bare=True),
            Ecu("C09000000318", shed, type=7),
        ),
        type=3,
        quirks=("blanks", "later_fields"),
    )


def _calgary() -> System:
    roof = (Inverter(uid="000000855331", tilt=45.0), _quad("902000014599", tilt=45.0))
    return System(
        sid="D51114C0E3B7",
        timezone="Canada/Mountain",
        lat=51.05,
        lon=-114.07,
        create_date=date(2025, 3, 1),
        ecus=(Ecu("000216003397", roof, meter=True),),
        light=2,
        quirks=("nulls", "numbers"),
    )
