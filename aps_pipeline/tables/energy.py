"""Energy by hour, day, month and year of systems, ECUs, inverters and meters: four tables each."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from aps_pipeline.periods import Grain
from aps_pipeline.tables import columns as c
from aps_pipeline.tables.caveats import CHANNEL_IS_NOT_PANEL_POSITION, ENERGY, HOURS, Caveat
from aps_pipeline.tables.columns import flows_kwh
from aps_pipeline.tables.model import Column, Group, Source, Table

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
    partition_grain: Grain
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
    _Level("hourly", Grain.DAY, (c.date, c.hour), ("local day", "hour"), "hour"),
    _Level("daily", Grain.MONTH, (c.date,), ("local day",), "day"),
    _Level("monthly", Grain.YEAR, (c.month,), ("local month",), "month"),
    _Level("yearly", Grain.LIFETIME, (c.year,), ("local year",), "year since installation"),
)


def _tables(kind: _Kind) -> tuple[Table, ...]:
    """Declare the tables of the four levels."""
    found = []
    for level in _LEVELS:
        *words, last = (*kind.words, *level.words)
        measures = kind.measures
        if kind.dated and level.name == "hourly":
            measures = (c.start_utc, c.end_utc, *measures)
        elif kind.dated:
            measures = (*measures, c.is_final)
        whose = (c.answered_by,) if kind.says_who else ()
        unlabelled = (_UNLABELLED,) if level.name == "yearly" and not kind.labelled else ()
        found.append(
            Table(
                name=f"{kind.group}_{level.name}_energy",
                group=kind.group,
                row_description=f"one row per {', '.join(words)} and {last}",
                description=f"{kind.what} by {level.by}.",
                partition_grain=level.partition_grain,
                keys=tuple(column.name for column in (*kind.ids, *level.when)),
                columns=(*kind.ids, *level.when, *measures, *whose, c.call_id),
                source=Source(f"{kind.group}_energy", level.name, kind.section),
                caveats=(*(HOURS if level.name == "hourly" else ENERGY), *kind.caveats),
                notes=(*unlabelled, *kind.notes),
            )
        )
    return tuple(found)


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


INVERTER_BATCH_ENERGY = Table(
    name="inverter_batch_energy",
    group="inverter",
    row_description="one row per system, ECU, inverter, channel and local day",
    description="Energy of every panel by day, from the batch strings uid-channel-energy.",
    partition_grain=Grain.DAY,
    keys=("system_id", "ecu_id", "inverter_id", "channel", "date"),
    columns=(c.system_id, c.ecu_id, c.inverter_id, c.channel, c.date, c.energy_kwh, c.call_id),
    source=Source("inverter_batch", "energy", "3.5.3"),
    caveats=(*ENERGY, CHANNEL_IS_NOT_PANEL_POSITION),
    notes=("A panel without a row did not report that day.",),
)

_LEVELS_WITH_SERIES = ("hourly", "daily", "monthly")

REJECTED_ITEMS = Table(
    name="rejected_items",
    group="quality",
    row_description="one row per item that an answer held and no table could take",
    description="Items and series refused one by one, with the reason.",
    partition_grain=Grain.DAY,
    keys=("source_table", "system_id", "device_id", "date", "position"),
    columns=(
        Column("source_table", pa.string(), "Table that the item was meant for"),
        c.system_id,
        Column("device_id", pa.string(), "ECU, inverter or meter that was asked"),
        c.date,
        Column("position", pa.int32(), "Position in the answer's list, or of the series, from 0"),
        Column("item", pa.string(), "The item as it came, or the name of the series; at most 200 characters"),
        Column("reason", pa.string(), "Why it was refused"),
        c.call_id,
    ),
    source=INVERTER_BATCH_ENERGY.source,
    side_of=(
        "inverter_batch_energy",
        "inverter_batch_power",
        *(f"{kind}_{level}_energy" for kind in ("inverter", "meter") for level in _LEVELS_WITH_SERIES),
        "ecu_power",
        "meter_power",
        "inverter_dc_telemetry",
        "inverter_ac_telemetry",
    ),
    notes=(
        "An item or series of a month or a year stands under its first day.",
        "A refused series that is a column beside others is null there; one with rows of its own has none.",
    ),
)
