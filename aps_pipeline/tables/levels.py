"""Energy by hour, day, month and year of systems, ECUs, inverters and meters: four tables each."""

from __future__ import annotations

from dataclasses import dataclass

from aps_pipeline.tables import columns as c
from aps_pipeline.tables.caveats import CHANNEL_IS_NOT_PANEL_POSITION, ENERGY, HOURS, Caveat
from aps_pipeline.tables.measures import flows_kwh
from aps_pipeline.tables.model import Column, Grain, Group, Source, Table

_UNLABELLED = "The API gives no labels: the list starts with the year of registration."
_CHANNELS = "A channel that the inverter does not have has no row."
_STANDS_IN = (
    "Where the ledger has shown a system and its only ECU equal, the answer of the system serves both."
)
_BALANCE = "Produced and imported together are consumed and exported together, to what the meter rounds."


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of the API: the columns that say when, and the length of the period that a call covers."""

    name: str
    partition: Grain
    when: tuple[Column, ...]
    words: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """Whose energy it is. `dated` tables carry the bounds of their hours, or whether a row is final; those
    that `says_who` also whose answer a row was read from.
    """

    group: Group
    ids: tuple[Column, ...]
    words: tuple[str, ...]
    what: str
    section: str
    measures: tuple[Column, ...] = (c.energy_kwh,)
    dated: bool = False
    says_who: bool = False
    labelled: bool = False
    caveats: tuple[Caveat, ...] = ()
    notes: tuple[str, ...] = ()


_LEVELS = (
    _Level("hourly", "day", (c.date, c.hour), ("local day", "hour"), "hour"),
    _Level("daily", "month", (c.date,), ("local day",), "day"),
    _Level("monthly", "year", (c.month,), ("local month",), "month"),
    _Level("yearly", "", (c.year,), ("local year",), "year since installation"),
)


def _tables(kind: _Kind) -> tuple[Table, ...]:
    return tuple(
        Table(
            name=f"{kind.group}_{level.name}_energy",
            group=kind.group,
            grain=_grain((*kind.words, *level.words)),
            description=f"{kind.what} by {level.by}.",
            partition=level.partition,
            keys=tuple(column.name for column in (*kind.ids, *level.when)),
            columns=(*kind.ids, *level.when, *_measures(kind, level), *_whose(kind), c.call_id),
            source=Source(f"{kind.group}_energy", level.name, kind.section),
            caveats=(*(HOURS if level.name == "hourly" else ENERGY), *kind.caveats),
            notes=_notes(kind, level),
        )
        for level in _LEVELS
    )


def _grain(words: tuple[str, ...]) -> str:
    return f"one row per {', '.join(words[:-1])} and {words[-1]}"


def _measures(kind: _Kind, level: _Level) -> tuple[Column, ...]:
    if not kind.dated:
        return kind.measures
    if level.name == "hourly":
        return (c.start_utc, c.end_utc, *kind.measures)
    return (*kind.measures, c.is_final)


def _whose(kind: _Kind) -> tuple[Column, ...]:
    return (c.answered_by,) if kind.says_who else ()


def _notes(kind: _Kind, level: _Level) -> tuple[str, ...]:
    unlabelled = level.name == "yearly" and not kind.labelled
    return (*((_UNLABELLED,) if unlabelled else ()), *kind.notes)


SYSTEM_ENERGY = _tables(
    _Kind("system", (c.system_id,), ("system",), "Energy of a system", "3.2.2", dated=True)
)
ECU_ENERGY = _tables(
    _Kind(
        "ecu",
        (c.system_id, c.ecu_id),
        ("system", "ECU"),
        "Energy of the inverters below an ECU",
        "3.3.2",
        dated=True,
        says_who=True,
        notes=(_STANDS_IN,),
    )
)
INVERTER_ENERGY = _tables(
    _Kind(
        "inverter",
        (c.system_id, c.inverter_id, c.channel),
        ("system", "inverter", "channel"),
        "Energy of every channel of an inverter",
        "3.5.2",
        caveats=(CHANNEL_IS_NOT_PANEL_POSITION,),
        notes=(_CHANNELS,),
    )
)
METER_ENERGY = _tables(
    _Kind(
        "meter",
        (c.system_id, c.meter_id),
        ("system", "meter"),
        "Energy produced, consumed, imported and exported",
        "3.4.2",
        measures=flows_kwh,
        labelled=True,
        notes=(_BALANCE,),
    )
)
