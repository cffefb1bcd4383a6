"""Fields that the API has begun to send and nobody reads: ignored by the parsers, named here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from aps_pipeline.tables import Source

_FLOWS = r"(produced|consumed|imported|exported)"
_ID = "sid|eid|uid"

_FIELDS = {
    ("system_details", ""): "sid|create_date|capacity|type|timezone|ecu|light|authorization_code",
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

_MOST = 20
_LONGEST = 60


def unknown_fields(source: Source, data: Any) -> set[str]:
    """Names of fields in the `data` of an answer that no parser of that source reads: `power.reactive`.

    Of a new object only its own name is given. At most 20 names, each in printable ASCII; reads no values.
    """
    known = re.compile(f"(?:{_ID}|{_FIELDS.get((source.endpoint, source.level), '')})")
    found: set[str] = set()
    for name in _unknown(data, "", known):
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
