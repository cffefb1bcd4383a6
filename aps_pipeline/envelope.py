"""The envelope `{"code": …, "data": …}` around every answer: strict JSON in, plain values out.

Nothing here knows what an answer means. Numbers stay text until a parser with a unit reads them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

SECRET_KEY = "authorization_code"  # noqa: S105 - the name of the field, not a secret
"""A visitor token in `details` that grants access to the system: never stored, never shown."""

REMOVED = "[removed]"
_LOOSE_SECRET = re.compile(r'("' + SECRET_KEY + r'"\s*:\s*)("(?:[^"\\]|\\.)*"?|[^",}\s]+)', re.IGNORECASE)
_MAX_MESSAGE = 200


class NotAnEnvelopeError(ValueError):
    """A body that is not one JSON object with an integer `code`."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer taken apart: `code` of the manual's Annex 1, `data` as it came, `message` if any."""

    code: int
    data: Any
    message: str = ""


class Number(str):
    """A JSON number, kept as the text that came."""

    __slots__ = ()


def _no_constant(text: str) -> NoReturn:
    raise NotAnEnvelopeError(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAnEnvelopeError("a key stands twice in one object")
    return found


def read_json(text: str) -> Any:
    """Strict JSON: no NaN, no repeated key, bounded depth. Raises NotAnEnvelopeError."""
    try:
        return json.loads(
            text,
            parse_float=Number,
            parse_int=Number,
            parse_constant=_no_constant,
            object_pairs_hook=_unique,
        )
    except NotAnEnvelopeError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotAnEnvelopeError(f"not JSON: {error}"[:_MAX_MESSAGE]) from None


def open_envelope(text: str) -> Envelope:
    """Take an answer apart. Raises NotAnEnvelopeError."""
    body = read_json(text)
    if not isinstance(body, dict):
        raise NotAnEnvelopeError("not a JSON object")
    code = body.get("code")
    if not isinstance(code, Number) or not re.fullmatch(r"[0-9]{1,6}", code, re.ASCII):
        raise NotAnEnvelopeError("no integer code")
    message = body.get("msg") or body.get("message") or ""
    return Envelope(int(code), body.get("data"), str(message)[:_MAX_MESSAGE])


def without_secrets(text: str) -> str:
    """`text` with every value of the key `authorization_code` removed; otherwise unchanged."""
    if "\\u" not in text and SECRET_KEY not in text.lower():
        return text
    try:
        body = json.loads(text)
        clean, found = _scrub(body)
    except (ValueError, RecursionError):
        return _LOOSE_SECRET.sub(rf'\1"{REMOVED}"', text)
    return json.dumps(clean, ensure_ascii=False, separators=(",", ":")) if found else text


def _scrub(value: Any) -> tuple[Any, bool]:
    if isinstance(value, dict):
        pairs = {key: (REMOVED, True) if key.lower() == SECRET_KEY else _scrub(v) for key, v in value.items()}
        return {key: clean for key, (clean, _) in pairs.items()}, any(hit for _, hit in pairs.values())
    if isinstance(value, list):
        items = [_scrub(item) for item in value]
        return [clean for clean, _ in items], any(hit for _, hit in items)
    return value, False
