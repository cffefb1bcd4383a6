"""Which data answers which question: one pure function for each endpoint of the manual."""

from __future__ import annotations

from collections.abc import Callable

from aps_pipeline.simulator import energies, telemetry
from aps_pipeline.simulator.asking import NO_DATA, ApiError, Ask
from aps_pipeline.simulator.energies import Json


def answer(ask: Ask) -> Json:
    """The `data` of the answer. Raises ApiError for every answer of another code than 0."""
    return _ANSWERS.get(ask.route.name, _ANSWERS[ask.route.endpoint])(ask)


def system_details(ask: Ask) -> Json:
    """Manual 3.1.1, with the `light` of the field."""
    system = ask.system
    body: dict[str, Json] = {
        "light": system.light,
        "timezone": system.timezone,
        "ecu": [ecu.eid for ecu in system.ecus],
        "create_date": system.create_date.isoformat(),
        "type": system.type,
        "sid": system.sid,
        "capacity": system.capacity_text(ask.now.today),
    }
    return body | ({"authorization_code": system.authorization_code} if system.authorization_code else {})


def system_inverters(ask: Ask) -> Json:
    """Manual 3.1.2: what the inventory names today."""
    return [
        {
            "eid": ecu.listed_id,
            "timezone": ask.system.timezone,
            "model": ecu.model or None,
            "inverter": [{"uid": i.uid, "type": i.type} for i in ecu.inverters if i.is_listed(ask.now.today)],
            "type": int(ecu.meter) if ecu.type is None else ecu.type,
            "capacity": ecu.capacity_kwh or None,
        }
        for ecu in ask.system.ecus
    ]


def system_meters(ask: Ask) -> Json:
    """Manual 3.1.3. Raises ApiError 1001 for a system without a meter."""
    if not ask.system.meters:
        raise ApiError(NO_DATA)
    return list(ask.system.meters)


_ANSWERS: dict[str, Callable[[Ask], Json]] = {
    "system_details": system_details,
    "system_inverters": system_inverters,
    "system_meters": system_meters,
    "system_summary": energies.summary,
    "system_energy": energies.energy,
    "ecu_summary": energies.summary,
    "ecu_energy": energies.energy,
    "ecu_energy/minutely": telemetry.ecu_minutely,
    "meter_summary": energies.meter_summary,
    "meter_period": energies.meter_energy,
    "meter_period/minutely": telemetry.meter_minutely,
    "inverter_summary": energies.inverter_summary,
    "inverter_energy": energies.inverter_energy,
    "inverter_energy/minutely": telemetry.inverter_minutely,
    "inverter_batch": telemetry.batch_energy,
    "inverter_batch/power": telemetry.batch_power,
}
