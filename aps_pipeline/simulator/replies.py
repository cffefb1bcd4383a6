"""The reply to each request: its data, its envelope, and what a fault makes of both."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from aps_pipeline.simulator import energies, telemetry
from aps_pipeline.simulator.energies import Json
from aps_pipeline.simulator.faults import Fault
from aps_pipeline.simulator.request import MESSAGES, NO_DATA, ApiError, SimRequest
from aps_pipeline.simulator.weather import digest


def answer(request: SimRequest) -> Json:
    """Make the `data` of an answer. Raises ApiError for every answer with a code other than 0."""
    return _ANSWERS.get(request.route.name, _ANSWERS[request.route.endpoint])(request)


def system_details(request: SimRequest) -> Json:
    """Answer manual 3.1.1, with the `light` of the field."""
    system = request.system
    body: dict[str, Json] = {
        "light": system.light,
        "timezone": system.timezone,
        "ecu": [ecu.eid for ecu in system.ecus],
        "create_date": system.create_date.isoformat(),
        "type": system.type,
        "sid": system.sid,
        "capacity": system.capacity_text(request.now.today),
    }
    return body | ({"authorization_code": system.authorization_code} if system.authorization_code else {})


def system_inverters(request: SimRequest) -> Json:
    """Answer manual 3.1.2: what the inventory names today."""
    return [
        {
            "eid": ecu.listed_id,
            "timezone": request.system.timezone,
            "model": ecu.model or None,
            "inverter": [
                {"uid": i.uid, "type": i.type} for i in ecu.inverters if i.is_listed(request.now.today)
            ],
            "type": int(ecu.meter) if ecu.type is None else ecu.type,
            "capacity": ecu.capacity_kwh or None,
        }
        for ecu in request.system.ecus
    ]


def system_meters(request: SimRequest) -> Json:
    """Answer manual 3.1.3. Raises ApiError 1001 for a system without a meter."""
    if not request.system.meters:
        raise ApiError(NO_DATA)
    return list(request.system.meters)


_ANSWERS: dict[str, Callable[[SimRequest], Json]] = {
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


ELSEWHERE = "http://elsewhere.invalid"
_HTML = "text/html;charset=utf-8"


class Delivery(StrEnum):
    """How the bytes of a reply are sent."""

    WHOLE = "whole"
    TRUNCATED = "truncated"
    DRIPPING = "dripping"
    GZIPPED = "gzipped"  # the body is gzip already
    NOT = "not"


_BROKEN_OFF = {"truncate": Delivery.TRUNCATED, "reset": Delivery.NOT}


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer; `code` is the API code in it, None when it is no answer of the API.

    `drip_seconds` apply to Delivery.DRIPPING.
    """

    body: bytes
    code: int | None = None
    status: int = 200
    content_type: str = "application/json;charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()
    delivery: Delivery = Delivery.WHOLE
    drip_seconds: float = 0.0


def wrap(seed: int, target: str, code: int, envelope: Json) -> Reply:
    """Make an envelope with that code. A fixed eighth of the requests gets the type octet-stream."""
    reply = Reply(json.dumps(envelope, separators=(",", ":")).encode(), code=code)
    odd = digest(seed, "type", target) % 8 == 0
    return replace(reply, content_type="application/octet-stream") if odd else reply


def error(seed: int, target: str, code: int) -> Reply:
    """Make another code, in one of the shapes seen in the field: data null or missing, a message or none."""
    shapes: tuple[dict[str, Json], ...] = (
        {"code": code},
        {"code": code, "data": None},
        {"code": code, "data": None, "msg": MESSAGES[code]},
        {"code": code, "message": MESSAGES[code]},
    )
    return wrap(seed, target, code, shapes[digest(seed, "error", target) % 4])


def page(status: int, title: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """Make a page of HTML, as a server in front of the API answers."""
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(text.encode(), status=status, content_type=_HTML, headers=headers)


def spoil_data(fault: Fault | None, data: Json, other_sid: str) -> Json:
    """Change the data as a fault does."""
    if fault and fault.kind == "short":
        return _resize(data, -1)
    if fault and fault.kind == "long":
        return _resize(data, +1)
    if fault and fault.kind == "otherid" and isinstance(data, dict):
        return {**data, "sid": other_sid}
    return data


def _resize(data: Json, by: int) -> Json:
    """Make the first non-empty list of the data, however deep, one shorter or longer."""
    if isinstance(data, list) and data:
        return data[:-1] if by < 0 else [*data, data[-1]]
    if isinstance(data, dict):
        for key, value in data.items():
            changed = _resize(value, by)
            if changed is not value:
                return {**data, key: changed}
    return data


def spoil_reply(fault: Fault | None, reply: Reply, target: str) -> Reply:
    """Change the reply as a fault does."""
    if fault is None:
        return reply
    status, kind = fault.status, fault.kind
    if status:
        reply = page(status, f"HTTP Status {status}")
    elif kind == "html":
        reply = page(200, "System maintenance")
    elif kind == "redirect":
        reply = page(302, "Found", (("Location", ELSEWHERE + target),))
    elif kind == "badjson":
        reply = replace(reply, body=reply.body[: len(reply.body) * 2 // 3], code=None)
    elif kind == "huge":
        reply = replace(reply, body=_bomb(), delivery=Delivery.GZIPPED)
    elif kind == "drip":
        reply = replace(reply, delivery=Delivery.DRIPPING, drip_seconds=fault.seconds)
    elif kind in _BROKEN_OFF:
        reply = replace(reply, delivery=_BROKEN_OFF[kind], code=None)
    return reply


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    """Make a gzip body of about 100 kB that is 70 MB of valid JSON."""
    packer = zlib.compressobj(9, wbits=31)
    block = b'"0",' * 250_000
    packed = [packer.compress(b'{"code":0,"data":[')]
    packed += [packer.compress(block) for _ in range(70)]
    packed += [packer.compress(b'"0"]}'), packer.flush()]
    return b"".join(packed)
