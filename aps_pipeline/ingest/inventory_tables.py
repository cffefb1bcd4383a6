"""The inventory tables: each thing once, as last named, with when it was there. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from aps_pipeline.parse import EcuRecord, SystemRecord
from aps_pipeline.tables import Table, from_columns

if TYPE_CHECKING:  # both need the digest of this module's code
    from aps_pipeline.ingest.fleet import KnownFleet
    from aps_pipeline.ingest.sightings import Sighting

Row = dict[str, Any]


def inventory_rows(table: Table, fleet: KnownFleet) -> pa.Table:
    """Build the rows of an inventory table, from what every kept answer says."""
    seen = _list_sightings(table, fleet)
    found = _capacities(seen) if table.name == "system_capacity" else _things(table, seen)
    return from_columns(table, {name: [row.get(name) for row in found] for name in table.schema.names})


def inventory_calls(table: Table, fleet: KnownFleet) -> list[int]:
    """List the calls behind an inventory table: of answers that say the same, the first and the last."""
    return [seen.call_id for seen in _list_sightings(table, fleet)]


def inventory_endpoints(table: Table) -> tuple[str, ...]:
    """List the endpoints whose answers an inventory table is made from."""
    return table.endpoints


def _list_sightings(table: Table, fleet: KnownFleet) -> list[Sighting]:
    of_table = (seen for (endpoint, _), seen in fleet.sightings.items() if endpoint in table.endpoints)
    found = (each for seen in of_table for each in seen if each.record is not None)
    return sorted(found, key=lambda seen: seen.call_id)


def _things(table: Table, sightings: Iterable[Sighting]) -> list[Row]:
    """Yield each thing that was named: an answer without some detail of it takes none away."""
    named: dict[tuple[str, ...], Row] = {}
    for seen in sightings:
        here = {tuple(row[name] for name in table.keys): row for row in _NAMED[table.name](seen)}
        for key, row in here.items():
            before = named.get(key, {"first_seen_utc": seen.sent_utc})
            known = before if row.get("bare") else {"first_seen_utc": before["first_seen_utc"]}
            times = {"last_seen_utc": seen.sent_utc, "gone_utc": None, "call_id": seen.call_id}
            listed_as = row.get("listed_as") or before.get("listed_as")
            named[key] = row | known | times | {"named_by": type(seen.record), "listed_as": listed_as}
        for key, row in named.items():
            # Details and device list name different ECUs: only what named it can tell that it has gone.
            same_list = key[0] == seen.system_id and row["named_by"] is type(seen.record)
            if key not in here and same_list and row["gone_utc"] is None:
                row["gone_utc"] = seen.sent_utc
    return [named[key] for key in sorted(named)]


def _capacities(sightings: Iterable[Sighting]) -> list[Row]:
    ordered = sorted(sightings, key=lambda seen: (seen.system_id, seen.call_id))
    rows = []
    for (system_id, capacity_kw), group in groupby(ordered, lambda s: (s.system_id, s.record.capacity_kw)):
        same = list(group)
        rows.append(
            {
                "system_id": system_id,
                "capacity_kw": capacity_kw,
                "first_seen_utc": same[0].sent_utc,
                "last_seen_utc": same[-1].sent_utc,
                "call_id": same[-1].call_id,
            }
        )
    return rows


def _systems(seen: Sighting) -> list[Row]:
    names = ("system_id", "capacity_kw", "timezone", "type", "create_date", "light")
    return [{name: getattr(seen.record, name) for name in names}]


def _ecus(seen: Sighting) -> list[Row]:
    if isinstance(seen.record, SystemRecord):  # details name the ids only
        return [
            {"system_id": seen.system_id, "ecu_id": e.device_id, "listed_as": e.listed_as, "bare": True}
            for e in seen.record.ecus
        ]
    names = ("ecu_id", "listed_as", "type", "timezone", "model", "capacity_kwh")
    return [
        {"system_id": seen.system_id} | {name: getattr(ecu, name) for name in names} for ecu in seen.record
    ]


def _inverters(seen: Sighting) -> list[Row]:
    ecus: tuple[EcuRecord, ...] = seen.record
    return [
        {"system_id": seen.system_id, "ecu_id": ecu.ecu_id, "inverter_id": i.inverter_id, "type": i.type}
        for ecu in ecus
        for i in ecu.inverters
    ]


def _meters(seen: Sighting) -> list[Row]:
    return [
        {"system_id": seen.system_id, "meter_id": meter.device_id, "listed_as": meter.listed_as}
        for meter in seen.record
    ]


_NAMED = {"systems": _systems, "ecus": _ecus, "inverters": _inverters, "meters": _meters}
