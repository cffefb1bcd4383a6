"""What goes back over the wire: the envelope around an answer, and what a fault makes of it."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from aps_pipeline.simulator.asking import MESSAGES
from aps_pipeline.simulator.energies import Json
from aps_pipeline.simulator.faults import Fault
from aps_pipeline.simulator.weather import digest

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


def enveloped(seed: int, target: str, code: int, envelope: Json) -> Reply:
    """An envelope with that code. Now and then the type says octet-stream, always for the same questions."""
    reply = Reply(json.dumps(envelope, separators=(",", ":")).encode(), code=code)
    odd = digest(seed, "type", target) % 8 == 0
    return replace(reply, content_type="application/octet-stream") if odd else reply


def error(seed: int, target: str, code: int) -> Reply:
    """Another code, in one of the shapes that are met: data null or missing, a message or none."""
    shapes: tuple[dict[str, Json], ...] = (
        {"code": code},
        {"code": code, "data": None},
        {"code": code, "data": None, "msg": MESSAGES[code]},
        {"code": code, "message": MESSAGES[code]},
    )
    return enveloped(seed, target, code, shapes[digest(seed, "error", target) % 4])


def page(status: int, title: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """A page of HTML, as a server in front of the API answers."""
    text = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Reply(text.encode(), status=status, content_type=_HTML, headers=headers)


def spoil_data(fault: Fault | None, data: Json, other_sid: str) -> Json:
    """The data as a fault leaves it."""
    if fault and fault.kind == "short":
        return _resized(data, -1)
    if fault and fault.kind == "long":
        return _resized(data, +1)
    if fault and fault.kind == "otherid" and isinstance(data, dict):
        return {**data, "sid": other_sid}
    return data


def _resized(data: Json, by: int) -> Json:
    """The data with its first non-empty list, however deep, one shorter or longer."""
    if isinstance(data, list) and data:
        return data[:-1] if by < 0 else [*data, data[-1]]
    if isinstance(data, dict):
        for key, value in data.items():
            changed = _resized(value, by)
            if changed is not value:
                return {**data, key: changed}
    return data


def spoil_reply(fault: Fault | None, reply: Reply, target: str) -> Reply:
    """The reply as a fault leaves it."""
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
    """A gzip body of about 100 kB that is 70 MB of valid JSON."""
    packer = zlib.compressobj(9, wbits=31)
    block = b'"0",' * 250_000
    packed = [packer.compress(b'{"code":0,"data":[')]
    packed += [packer.compress(block) for _ in range(70)]
    packed += [packer.compress(b'"0"]}'), packer.flush()]
    return b"".join(packed)
