"""The roof layout file: where a system stands, and what place on the roof each panel has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from aps_pipeline.request import BadIdError, check_id
from aps_pipeline.site.files import StrictModel, read_file


def _an_id(value: Any) -> str:
    if isinstance(value, int | float):
        raise ValueError("put the id into quotes, or its zeros are lost")
    try:
        return check_id(value)
    except BadIdError:  # whose message repeats the text
        raise ValueError("not an APsystems id") from None


def _one_line(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("is not text in one line, without blanks around it")
    return value


Id = Annotated[str, BeforeValidator(_an_id)]
Text = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_one_line)]
Tilt = Annotated[float, Field(ge=0, le=90)]
Azimuth = Annotated[float, Field(ge=0, le=360)]
Channel = Annotated[int, Field(ge=1, le=16)]
Position = Annotated[int, Field(ge=0, le=1000)]


class Panel(StrictModel):
    """A panel: its label, row and column on the roof; degrees from flat, degrees clockwise from north."""

    label: Text | None = None
    row: Position | None = None
    column: Position | None = None
    tilt: Tilt | None = None
    azimuth: Azimuth | None = None


OptionalPanel = Annotated[Panel, BeforeValidator(lambda said: {} if said is None else said)]
"""A panel, or its channel alone."""


class RoofInverter(StrictModel):
    """The panels of an inverter by channel; with `replaces` those of the old one continue here."""

    replaces: Id | None = None
    panels: Mapping[Channel, OptionalPanel] = {}


class RoofSystem(StrictModel):
    """A system: where it is in degrees north and east, and how panels lie that say nothing else."""

    name: Text | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    tilt: Tilt | None = None
    azimuth: Azimuth | None = None
    inverters: Mapping[Id, RoofInverter] = {}

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give both latitude and longitude, or neither")
        replaced = Counter(each.replaces for each in self.inverters.values() if each.replaces)
        if any(times > 1 for times in replaced.values()):
            both = [
                n for n, each in enumerate(self.inverters.values(), 1) if replaced[each.replaces or ""] > 1
            ]
            raise ValueError(f"an inverter is replaced by two, entries {both[0]} and {both[1]} of inverters")
        for uid in self.inverters:
            self.newest(uid)
        if bare := [n for n, each in enumerate(self.inverters.values(), 1) if not self._panels(each)]:
            raise ValueError(f"entry {bare[0]} of inverters has no panels: name its channels")
        placed = list(self.list_panels())
        places = Counter(place_of(*each) for each in placed)
        spots = Counter((panel.row, panel.column) for *_, panel in placed if panel.row is not None)
        if any((panel.row is None) != (panel.column is None) for *_, panel in placed):
            raise ValueError("give both row and column of a panel, or neither")
        if any(times > 1 for times in places.values()):
            raise ValueError(
                "two panels at one place: labels differ, also from inverter and channel of others"
            )
        if any(times > 1 for times in spots.values()):
            raise ValueError("two panels at one row and column")
        return self

    def newest(self, uid: str) -> str:
        """Find the inverter that stands where `uid` stood. Raises ValueError for a circle."""
        after = {each.replaces: new for new, each in self.inverters.items() if each.replaces}
        seen = {uid}
        while (new := after.get(uid)) is not None:
            if new in seen:
                raise ValueError("an inverter replaces itself in the end")
            seen.add(uid := new)
        return uid

    def list_panels(self) -> Iterator[tuple[str, int, Panel]]:
        """Inverter, channel and panel of every place, each once, by the newest inverter."""
        for uid, inverter in self.inverters.items():
            if self.newest(uid) == uid:
                for channel, panel in self._panels(inverter).items():
                    yield uid, channel, panel

    def _panels(self, inverter: RoofInverter) -> dict[int, Panel]:
        """List its panels, and what it says nothing of from the one that it replaces."""
        old = self.inverters.get(inverter.replaces) if inverter.replaces else None
        return {**(self._panels(old) if old else {}), **inverter.panels}


def place_of(newest: str, channel: int, panel: Panel) -> str:
    """Name the place on the roof: its label, or the inverter that is there now and the channel."""
    return panel.label or f"{newest}-{channel}"


class Roof(StrictModel):
    """Everything that a roof file says, by system."""

    systems: Mapping[Id, RoofSystem] = {}


@dataclass(frozen=True)
class PlacedPanel:
    """An inverter's channel and the place on the roof that it has, or had before it was replaced.

    `generation` is 0 for the inverter that is there now, 1 for the one that it replaced, and so on.
    """

    system_id: str
    inverter_id: str
    channel: int
    generation: int
    place: str
    label: str | None
    roof_row: int | None
    roof_column: int | None
    tilt_deg: float | None
    azimuth_deg: float | None


def read_roof_file(path: Path) -> Roof:
    """Read a roof file. Raises ValueError, which names the file, the place and what is wrong."""
    return read_file(path, Roof)


def list_placed_panels(roof: Roof) -> list[PlacedPanel]:
    """List every channel that the roof file says something about, old inverters included."""
    return sorted(
        (each for system_id, system in roof.systems.items() for each in _of_system(system_id, system)),
        key=lambda each: (each.system_id, each.inverter_id, each.channel),
    )


def _of_system(system_id: str, system: RoofSystem) -> Iterator[PlacedPanel]:
    before = {uid: each.replaces for uid, each in system.inverters.items()}
    for newest, channel, panel in system.list_panels():
        uid: str | None = newest
        generation = 0
        while uid:
            yield PlacedPanel(
                system_id,
                uid,
                channel,
                generation,
                place_of(newest, channel, panel),
                panel.label,
                panel.row,
                panel.column,
                panel.tilt if panel.tilt is not None else system.tilt,
                panel.azimuth if panel.azimuth is not None else system.azimuth,
            )
            uid, generation = before.get(uid), generation + 1
