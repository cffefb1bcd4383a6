"""The fleet of the demo, and fleets as JSON files."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from aps_pipeline.simulator.fleet import Ecu, Fleet, FleetError, Inverter, PanelFault, Span, System


def load_fleet(path: Path | str) -> Fleet:
    """Read the fleet of a JSON file: `{"systems": [{"sid": …, "ecus": [{"eid": …, "inverters": [{…}]}]}]}`.

    The fields are those of the classes here, dates as `yyyy-MM-dd`. Raises FleetError, and OSError.
    """
    try:
        raw = json.loads(Path(path).read_text("utf-8"))
    except ValueError as error:
        raise FleetError(f"{path}: {error}") from error
    fleet = _read_value(raw, Fleet, "fleet")
    assert isinstance(fleet, Fleet)  # noqa: S101 - for the type checker
    return fleet


def _read_value(raw: Any, kind: Any, where: str) -> object:
    """Read `raw` JSON as a value of that type; `where` names it in errors."""
    if get_origin(kind) is UnionType:
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
        return None if raw is None else _read_value(raw, kind, where)
    if get_origin(kind) is tuple and isinstance(raw, list):
        return tuple(_read_value(item, get_args(kind)[0], f"{where}[{n}]") for n, item in enumerate(raw))
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(raw, dict):
        return _read_record(raw, kind, where)
    if kind is date and isinstance(raw, str):
        try:
            return date.fromisoformat(raw)
        except ValueError as error:
            raise FleetError(f"{where}: {error}") from error
    if kind is float and type(raw) in (int, float):
        return float(raw)
    if type(raw) is kind:
        return raw
    raise FleetError(f"{where}: not a {getattr(kind, '__name__', 'list')}: {str(raw)[:60]!r}")


def _read_record(raw: dict[str, Any], kind: type, where: str) -> object:
    """Read a JSON object as one of the classes of `fleet`; unknown and missing fields are errors."""
    known = {f.name: f for f in fields(kind) if f.init}
    needed = {n for n, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if raw.keys() - known.keys() or needed - raw.keys():
        raise FleetError(
            f"{where}: unknown {sorted(raw.keys() - known)}, missing {sorted(needed - raw.keys())}"
        )
    hints = get_type_hints(kind)
    try:
        return kind(
            **{name: _read_value(value, hints[name], f"{where}.{name}") for name, value in raw.items()}
        )
    except FleetError:
        raise
    except ValueError as error:
        raise FleetError(f"{where}: {error}") from error


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
