"""Asks a simulator as a client would, with nothing but the standard library."""

from __future__ import annotations

import base64
import gzip
import hmac
import http.client
import itertools
import json
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from aps_pipeline.simulator import Simulator

NOW = datetime(2026, 1, 15, 11, 7, tzinfo=UTC)
PREFIX = "/user/api/v2/systems/"

_nonces = itertools.count(1)


def frozen() -> datetime:
    return NOW


def sign(secret: str, text: str, algorithm: str = "HmacSHA256") -> str:
    name = {"HmacSHA256": "sha256", "HmacSHA1": "sha1"}[algorithm]
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), name).digest()).decode()


def signed(sim: Simulator, target: str, **changed: str) -> dict[str, str]:
    """The five headers of a GET; `changed` replaces what goes into them (timestamp, nonce, app_id, …)."""
    parts = {
        "timestamp": str(int(sim.signing_clock().timestamp() * 1000)),
        "nonce": f"{next(_nonces):032x}",
        "app_id": sim.app_id,
        "segment": target.partition("?")[0].rpartition("/")[2],
        "method": "GET",
        "algorithm": "HmacSHA256",
        **changed,
    }
    secret = parts.pop("secret", sim.app_secret)
    return {
        "X-CA-AppId": parts["app_id"],
        "X-CA-Timestamp": parts["timestamp"],
        "X-CA-Nonce": parts["nonce"],
        "X-CA-Signature-Method": parts["algorithm"],
        "X-CA-Signature": sign(secret, "/".join(parts.values()), parts["algorithm"]),
    }


def body(sim: Simulator, path: str, level: str = "", date_range: str = "") -> dict[str, Any]:
    """The decoded answer to a request, asked without HTTP."""
    target = PREFIX + path + (f"?energy_level={level}&date_range={date_range}" if level else "")
    reply = sim.reply("GET", target, signed(sim, target))
    assert reply.status == 200
    decoded = json.loads(reply.body)
    assert isinstance(decoded, dict)
    return decoded


def data(sim: Simulator, path: str, level: str = "", date_range: str = "") -> Any:
    """The data of an answer that must be good."""
    answer = body(sim, path, level, date_range)
    assert answer["code"] == 0, (path, level, date_range, answer)
    return answer["data"]


def code(sim: Simulator, path: str, level: str = "", date_range: str = "") -> int:
    answer = body(sim, path, level, date_range)
    assert answer["code"] == 0 or answer.get("data") is None
    return int(answer["code"])


def get(
    sim: Simulator, url: str, path: str, headers: dict[str, str] | None = None, prefix: str = PREFIX
) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer over the wire, gunzipped where it came so."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    try:
        target = prefix + path
        connection.request("GET", target, headers={**signed(sim, target), **(headers or {})})
        response = connection.getresponse()
        raw = response.read()
    finally:
        connection.close()
    return response, gzip.decompress(raw) if response.headers["Content-Encoding"] == "gzip" else raw


def total(texts: list[str]) -> Decimal:
    return sum(map(Decimal, texts), Decimal(0))


def by_hour(labels: list[str], texts: list[str]) -> list[Decimal]:
    """Sums of slot values by the hour of their label."""
    sums: defaultdict[int, Decimal] = defaultdict(Decimal)
    for label, text in zip(labels, texts, strict=True):
        sums[int(label[:2])] += Decimal(text)
    return [sums[hour] for hour in range(24)]


def panels(entries: list[str]) -> dict[tuple[str, int], Decimal]:
    """`uid-channel-energy` strings by uid and channel."""
    found: dict[tuple[str, int], Decimal] = {}
    for entry in entries:
        uid, channel, energy = entry.split("-", 2)
        found[uid, int(channel)] = Decimal(energy)
    assert len(found) == len(entries)
    return found


def key(day: date, length: int = 10) -> str:
    return day.isoformat()[:length]
