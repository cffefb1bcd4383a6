"""Schema drift: fields and values of an answer that no parser knows, and devices that it names twice.

What is known stands with each endpoint in `endpoints`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Any

from aps_pipeline.endpoints import ENDPOINTS
from aps_pipeline.tables import Source

_MOST = 20
_LONGEST = 60


def find_unknown_fields(source: Source, data: Any) -> set[str]:
    """Find what no parser of that source understands in the `data` of an answer: `power.reactive`, `type=7`.

    Of a new object only its own name is given. At most 20, each in printable ASCII.
    """
    endpoint = ENDPOINTS[source.endpoint]
    known = re.compile(f"(?:sid|eid|uid|{endpoint.fields.get(source.level, '')})")
    values = (
        f"{name}={item[name]}"
        for item in (data if isinstance(data, list) else [data])
        for name, usual in (endpoint.values.items() if isinstance(item, dict) else ())
        if item.get(name) is not None and str(item[name]) not in {*usual}
    )
    found: set[str] = set()
    for name in chain(_unknown_names(data, "", known), values):
        found.add(ascii(name)[1:-1][:_LONGEST])
        if len(found) == _MOST:
            break
    return found


def _unknown_names(value: Any, prefix: str, known: re.Pattern[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield from _unknown_names(item, prefix, known)
    elif isinstance(value, dict):
        for key, inside in value.items():
            if known.fullmatch(prefix + key):
                yield from _unknown_names(inside, f"{prefix}{key}.", known)
            else:
                yield prefix + key


def find_repeated_ids(source: Source, data: Any) -> list[str]:
    """List the devices that an inventory answer names more than once, each below its ECU. At most 20."""
    named: list[list[Any]] = []
    if source.endpoint == "system_details":
        named = [_items(data.get("ecu"))] if isinstance(data, dict) else []
    elif source.endpoint == "system_meters":
        named = [_items(data)]
    elif source.endpoint == "system_inverters":
        ecus = [ecu for ecu in _items(data) if isinstance(ecu, dict)]
        below: dict[str, list[Any]] = {}
        for ecu in ecus:
            inverters = [i.get("uid") for i in _items(ecu.get("inverter")) if isinstance(i, dict)]
            below.setdefault(str(ecu.get("eid")), []).extend(inverters)
        named = [[ecu.get("eid") for ecu in ecus], *below.values()]
    counts = chain.from_iterable(Counter(map(str, ids)).items() for ids in named)
    return [ascii(name)[1:-1][:_LONGEST] for name, count in counts if count > 1][:_MOST]


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
