"""The twelve endpoints of the manual: path, levels, whose they are, and the period that a level asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aps_pipeline.periods import Grain
from aps_pipeline.question import Question, virtual_id

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
class Endpoint:
    """One GET endpoint; `path` follows the API prefix and names `sid` and `device`."""

    name: str
    section: str
    path: str
    device: Device
    levels: tuple[str, ...] = ("",)


_ENERGY = ("hourly", "daily", "monthly", "yearly")
_ALL = ("minutely", *_ENERGY)
_DEVICES = "systems/{sid}/devices"

ENDPOINTS: dict[str, Endpoint] = {
    endpoint.name: endpoint
    for endpoint in (
        Endpoint("system_details", "3.1.1", "systems/details/{sid}", "system"),
        Endpoint("system_inverters", "3.1.2", "systems/inverters/{sid}", "system"),
        Endpoint("system_meters", "3.1.3", "systems/meters/{sid}", "system"),
        Endpoint("system_summary", "3.2.1", "systems/summary/{sid}", "system"),
        Endpoint("system_energy", "3.2.2", "systems/energy/{sid}", "system", _ENERGY),
        Endpoint("ecu_summary", "3.3.1", f"{_DEVICES}/ecu/summary/{{device}}", "ecu"),
        Endpoint("ecu_energy", "3.3.2", f"{_DEVICES}/ecu/energy/{{device}}", "ecu", _ALL),
        Endpoint("meter_summary", "3.4.1", f"{_DEVICES}/meter/summary/{{device}}", "meter"),
        Endpoint("meter_energy", "3.4.2", f"{_DEVICES}/meter/period/{{device}}", "meter", _ALL),
        Endpoint("inverter_summary", "3.5.1", f"{_DEVICES}/inverter/summary/{{device}}", "inverter"),
        Endpoint("inverter_energy", "3.5.2", f"{_DEVICES}/inverter/energy/{{device}}", "inverter", _ALL),
        Endpoint(
            "inverter_batch",
            "3.5.3",
            f"{_DEVICES}/inverter/batch/energy/{{device}}",
            "ecu",
            ("energy", "power"),
        ),
    )
}


def device_asked(endpoint: str, device_id: str) -> str:
    """The device that a kept call is about: ECUs and meters were once asked by the id as it is listed."""
    is_shared = ENDPOINTS[endpoint].device in ("ecu", "meter")
    return virtual_id(device_id) if is_shared else device_id


def request_of(question: Question, prefix: str) -> tuple[str, dict[str, str]]:
    """Path and query of a question. Raises KeyError for an unknown endpoint.

    The ids were checked when the question was made, so they cannot leave their path segment.
    """
    endpoint = ENDPOINTS[question.endpoint]
    path = f"{prefix}/{endpoint.path.format(sid=question.system_id, device=question.device_id)}"
    query = {"energy_level": question.level} if question.level else {}
    if question.period.key:
        query["date_range"] = question.period.key
    return path, query
