"""The registry of endpoints: each of the manual's twelve is declared here once, with all that calls need.

An endpoint has a path, the device that it is about, its levels, and the fields and values that its answers
may hold; anything else is schema drift. `parse` registers the parsers of its tables, `tables` says what the
rows mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from aps_pipeline.periods import Grain
from aps_pipeline.request import Request, virtual_id

Device = Literal["system", "ecu", "meter", "inverter"]

LEVEL_GRAIN: dict[str, Grain] = {
    "minutely": Grain.DAY,
    "hourly": Grain.DAY,
    "daily": Grain.MONTH,
    "monthly": Grain.YEAR,
    "yearly": Grain.LIFETIME,
    "energy": Grain.DAY,
    "power": Grain.DAY,
    "": Grain.LIFETIME,
}
"""How long a period one call of a level covers (manual 3.2.2); no level: the present."""


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """What an endpoint can be about: the API's field with its id, and the inventory that names the devices.

    Without the answers of `prerequisites` its requests are not known; the last endpoint names the devices.
    """

    id_field: str
    prerequisites: tuple[str, ...]


DEVICES: dict[Device, DeviceKind] = {
    "system": DeviceKind("sid", ("system_details",)),
    "ecu": DeviceKind("eid", ("system_details", "system_inverters")),
    "inverter": DeviceKind("uid", ("system_details", "system_inverters")),
    "meter": DeviceKind("eid", ("system_details", "system_meters")),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One GET endpoint; `path` follows the API prefix and names `sid` and `device`."""

    name: str
    section: str
    path: str
    device: Device
    levels: tuple[str, ...] = ("",)
    fields: Mapping[str, str] = field(default_factory=dict)
    """For each level a pattern of the fields that the parsers know, dotted where one lies in another.

    The ids `sid`, `eid` and `uid` are known everywhere; a list without names has no fields.
    """
    values: Mapping[str, str] = field(default_factory=dict)
    """For fields that number something the one-digit values that the manual gives."""

    @property
    def id_field(self) -> str:
        """The field in which an answer names the device that it is about."""
        return DEVICES[self.device].id_field

    @property
    def prerequisites(self) -> tuple[str, ...]:
        """The inventory endpoints without whose answers its requests are not known."""
        return DEVICES[self.device].prerequisites


_LISTS = ("hourly", "daily", "monthly", "yearly")
_ALL = ("minutely", *_LISTS)
_DEVICES = "systems/{sid}/devices"
_SPANS = "today|month|year|lifetime"
_FLOWS = "(produced|consumed|imported|exported)"
_METER_SLOTS = rf"time|power(\.(produced|consumed|imported_exported))?|(energy|today)(\.{_FLOWS})?"

ENDPOINTS: dict[str, Endpoint] = {
    endpoint.name: endpoint
    for endpoint in (
        Endpoint(
            "system_details",
            "3.1.1",
            "systems/details/{sid}",
            "system",
            fields={"": "sid|create_date|capacity|type|timezone|ecu|light|(?i:authorization[-_. ]*code)"},
            values={"type": "123", "light": "1234"},
        ),
        Endpoint(
            "system_inverters",
            "3.1.2",
            "systems/inverters/{sid}",
            "system",
            fields={"": r"eid|type|timezone|model|capacity|inverter(\.(uid|type))?"},
            values={"type": "012"},
        ),
        Endpoint("system_meters", "3.1.3", "systems/meters/{sid}", "system"),
        Endpoint("system_summary", "3.2.1", "systems/summary/{sid}", "system", fields={"": _SPANS}),
        Endpoint("system_energy", "3.2.2", "systems/energy/{sid}", "system", _LISTS),
        Endpoint("ecu_summary", "3.3.1", f"{_DEVICES}/ecu/summary/{{device}}", "ecu", fields={"": _SPANS}),
        Endpoint(
            "ecu_energy",
            "3.3.2",
            f"{_DEVICES}/ecu/energy/{{device}}",
            "ecu",
            _ALL,
            fields={"minutely": "time|power|energy|today"},
        ),
        Endpoint(
            "meter_summary",
            "3.4.1",
            f"{_DEVICES}/meter/summary/{{device}}",
            "meter",
            fields={"": rf"({_SPANS})(\.{_FLOWS})?"},
        ),
        Endpoint(
            "meter_energy",
            "3.4.2",
            f"{_DEVICES}/meter/period/{{device}}",
            "meter",
            _ALL,
            fields={"minutely": _METER_SLOTS, **dict.fromkeys(_LISTS, f"time|{_FLOWS}")},
        ),
        Endpoint(
            "inverter_summary",
            "3.5.1",
            f"{_DEVICES}/inverter/summary/{{device}}",
            "inverter",
            fields={"": "[dmyt][1-9]"},
        ),
        Endpoint(
            "inverter_energy",
            "3.5.2",
            f"{_DEVICES}/inverter/energy/{{device}}",
            "inverter",
            _ALL,
            fields={
                "minutely": "t|dc_[pive][1-9]|ac_v[1-3]|ac_[tpf]|ac_p1",
                **dict.fromkeys(_LISTS, "e[1-9]"),
            },
        ),
        Endpoint(
            "inverter_batch",
            "3.5.3",
            f"{_DEVICES}/inverter/batch/energy/{{device}}",
            "ecu",
            ("energy", "power"),
            fields={"energy": "energy", "power": r"time|power(\.[^.]*)?"},
        ),
    )
}


def device_of_call(endpoint: str, device_id: str) -> str:
    """Find the device that a call is about: ECUs and meters were once asked by the id as it is listed."""
    is_shared = ENDPOINTS[endpoint].device in ("ecu", "meter")
    return virtual_id(device_id) if is_shared else device_id


def path_and_query(request: Request, prefix: str) -> tuple[str, dict[str, str]]:
    """Make path and query of a request. Raises KeyError for an unknown endpoint.

    The ids were checked when the request was made, so they cannot leave their path segment.
    """
    endpoint = ENDPOINTS[request.endpoint]
    path = f"{prefix}/{endpoint.path.format(sid=request.system_id, device=request.device_id)}"
    query = {"energy_level": request.level} if request.level else {}
    if request.period.key:
        query["date_range"] = request.period.key
    return path, query
