"""What the parsers pass over, named here: fields that nobody reads, and devices that are named twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from aps_pipeline.tables import Source

_FLOWS = r"(produced|consumed|imported|exported)"
_ID = "sid|eid|uid"

_FIELDS = {
    ("system_details", ""): "sid|create_date|capacity|type|timezone|ecu|light|(?i:authorization[-_. ]*code)",
    ("system_inverters", ""): r"eid|type|timezone|model|capacity|inverter(\.(uid|type))?",
    ("system_summary", ""): "today|month|year|lifetime",
    ("ecu_summary", ""): "today|month|year|lifetime",
    ("meter_summary", ""): rf"(today|month|year|lifetime)(\.{_FLOWS})?",
    ("inverter_summary", ""): "[dmyt][1-9]",
    ("ecu_energy", "minutely"): "time|power|energy|today",
    (
        "meter_energy",
        "minutely",
    ): rf"time|power(\.(produced|consumed|imported_exported))?|(energy|today)(\.{_FLOWS})?",
    ("inverter_energy", "minutely"): "t|dc_[pive][1-9]|ac_v[1-3]|ac_[tpf]|ac_p1",
    ("inverter_batch", "energy"): "energy",
    ("inverter_batch", "power"): r"time|power(\.[^.]*)?",
    **{("meter_energy", level): f"time|{_FLOWS}" for level in ("hourly", "daily", "monthly", "yearly")},
    **{("inverter_energy", level): "e[1-9]" for level in ("hourly", "daily", "monthly", "yearly")},
}
"""The fields that the parsers know, dotted where one lies in another. Lists without names have none."""

_VALUES: dict[tuple[str, str], dict[str, frozenset[str]]] = {
    ("system_details", ""): {"type": frozenset("123"), "light": frozenset("1234")},
    ("system_inverters", ""): {"type": frozenset("012")},
}
"""The values that the manual gives for fields that number something; text that came is held against them."""

_MOST = 20
_LONGEST = 60


def unknown_fields(source: Source, data: Any) -> set[str]:
    """What in the `data` of an answer no parser of that source understands: `power.reactive`, `type=7`.

    Of a new object only its own name is given. At most 20, each in printable ASCII.
    """
    kind = source.kind
    known = re.compile(f"(?:{_ID}|{_FIELDS.get(kind, '')})")
    found: set[str] = set()
    for name in chain(_unknown(data, "", known), _unknown_values(data, _VALUES.get(kind, {}))):
        found.add(ascii(name)[1:-1][:_LONGEST])
        if len(found) == _MOST:
            break
    return found


def _unknown(value: Any, prefix: str, known: re.Pattern[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield from _unknown(item, prefix, known)
    elif isinstance(value, dict):
        for key, inside in value.items():
            if known.fullmatch(prefix + key):
                yield from _unknown(inside, f"{prefix}{key}.", known)
            else:
                yield prefix + key


def _unknown_values(data: Any, known: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for item in data if isinstance(data, list) else [data]:
        for name, values in known.items() if isinstance(item, dict) else ():
            if item.get(name) is not None and str(item[name]) not in values:
                yield f"{name}={item[name]}"


def repeated_ids(source: Source, data: Any) -> list[str]:
    """The devices that an inventory answer names more than once, each below its ECU. At most 20."""
    if source.endpoint == "system_details":
        named = [_listed(data.get("ecu"))] if isinstance(data, dict) else []
    elif source.endpoint == "system_meters":
        named = [_listed(data)]
    elif source.endpoint == "system_inverters":
        ecus = [ecu for ecu in _listed(data) if isinstance(ecu, dict)]
        below: dict[str, list[Any]] = {}
        for ecu in ecus:
            inverters = [each.get("uid") for each in _listed(ecu.get("inverter")) if isinstance(each, dict)]
            below.setdefault(str(ecu.get("eid")), []).extend(inverters)
        named = [[ecu.get("eid") for ecu in ecus], *below.values()]
    else:
        named = []
    counts = chain.from_iterable(Counter(map(str, ids)).items() for ids in named)
    return [ascii(name)[1:-1][:_LONGEST] for name, count in counts if count > 1][:_MOST]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
