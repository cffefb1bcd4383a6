"""The envelope `{"code": …, "data": …}` around every answer: strict JSON in, plain values out.

Nothing here knows what an answer means. Numbers stay text until a parser with a unit reads them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

SECRET_WORDS = ("authorization", "code")
"""The key of a visitor token in `details` that grants access to the system: never stored, never shown.

It is met as `authorization_code` and as `authorizationCode`; any case and any sign between them is taken.
"""

REMOVED = "[removed]"


def _escaped_pattern(word: str) -> str:
    """Make a pattern of a word in which JSON may escape any letter."""
    return "".join(rf"(?:{c}|\\+u00{ord(c):02x}|\\+u00{ord(c.upper()):02x})" for c in word)


_BETWEEN = r"(?:[_\-. ]|\\+u00(?:5f|2d|2e|20))*"
_KEY = re.compile(
    rf'(?<!\\)(?P<quote>\\*"){_BETWEEN.join(map(_escaped_pattern, SECRET_WORDS))}(?P=quote)\s*:\s*',
    re.IGNORECASE,
)
_INSIDE_TEXT = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_BARE_WORD = re.compile(r'[^",}\s]*')
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


def _refuse_constant(text: str) -> NoReturn:
    raise NotAnEnvelopeError(f"{text} is not JSON")


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotAnEnvelopeError("a key stands twice in one object")
    return found


def read_json(text: str) -> Any:
    """Read strict JSON: no NaN, no repeated key, bounded depth. Raises NotAnEnvelopeError."""
    try:
        return json.loads(
            text,
            parse_float=Number,
            parse_int=Number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_refuse_repeated_keys,
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
    message = str(body.get("msg") or body.get("message") or "")[:_MAX_MESSAGE]
    plain = "".join(c if c.isprintable() else " " for c in message)
    return Envelope(int(code), body.get("data"), plain)


def remove_secrets(text: str) -> str:
    """`text` with every value of the key `authorization_code`, however spelled, removed; otherwise unchanged.

    Works on the text, whole or cut off: what is read strictly afterwards is what came.
    """
    if "\\u" not in text and SECRET_WORDS[0] not in text.lower():
        return text
    parts, at = [], 0
    for key in _KEY.finditer(text):
        if key.start() >= at:
            parts += [text[at : key.end()], key["quote"] + REMOVED + key["quote"]]
            at = _value_end(text, key.end(), key["quote"])
    return "".join([*parts, text[at:]])


def _value_end(text: str, start: int, quote: str) -> int:
    """Find where the value that begins at `start` ends; the end of the text where that cannot be told."""
    if quote != '"':  # JSON within a text of JSON: up to the next quote of its kind, or the end of that text
        end = text.find(quote, start + len(quote)) if text.startswith(quote, start) else -1
        return end + len(quote) if end >= 0 else _match_end(_INSIDE_TEXT, text, start)
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return (
            len(text) if text[start : start + 1] in ('"', "{", "[") else _match_end(_BARE_WORD, text, start)
        )


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start
