"""Values of a body, one by one and whole lists at once, refused where they cannot be right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.envelope import Number
from aps_pipeline.errors import FailureKind
from aps_pipeline.request import BadIdError, check_id, virtual_id


class RefusedError(ValueError):
    """A body that is not what the manual promises; the message says how. No row is made of it."""

    failure_kind: ClassVar[FailureKind] = FailureKind.REFUSED


class NotBegunError(RefusedError):
    """Values for a time to come: whichever series has them, the calendar of the whole body is in doubt."""


def read_doubles(entries: Sequence[Any], what: str) -> pa.Array:
    """Doubles of JSON numbers or texts; null for null and "". Raises RefusedError, naming the entry."""
    found = try_read_doubles(entries)
    if found is not None:
        return found
    # Slower, and with a message for the first entry that is wrong.
    return pa.array([read_number(entry, f"{what}[{n}]") for n, entry in enumerate(entries)], pa.float64())


def try_read_doubles(entries: Sequence[Any]) -> pa.Array | None:
    """Read the same numbers, or None where one entry is none."""
    try:
        texts = pa.array(entries, pa.string())
    except (pa.ArrowException, UnicodeEncodeError, TypeError):  # neither a text nor null
        return None
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    sound = pc.and_(
        pc.match_substring_regex(texts, _WHOLE_NUMBER), pc.less_equal(pc.utf8_length(texts), MAX_DIGITS)
    )
    if pc.all(sound).as_py() is False:
        return None
    found = pc.cast(texts, pa.float64())
    return None if pc.any(pc.greater_equal(pc.abs(found), LARGEST)).as_py() else found


NUMBER_PATTERN = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
"""An ASCII decimal as Java prints it: `12.28`, `-0.01`, `5.0E-4`."""
_WHOLE_NUMBER = f"^(?:{NUMBER_PATTERN})$"

LARGEST = 1e12
"""No energy, power or capacity of a real fleet comes near."""

MAX_DIGITS = 40
"""No number of the API is longer; a longer text is not tried."""

_NUMBER = re.compile(NUMBER_PATTERN, re.ASCII)
_DIGITS_OF_AN_ID = 12
_SHOWN = 40


def excerpt(value: Any) -> str:
    """Shorten a value for a message."""
    return repr(value)[:_SHOWN]


def read_number(value: Any, what: str) -> float | None:
    """Read a number given as JSON number or text; None for null and "". Raises RefusedError."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= MAX_DIGITS and _NUMBER.fullmatch(value):
        found = float(value)
        if abs(found) < LARGEST:
            return found
    raise RefusedError(f"{what} is {excerpt(value)}, not a number")


def read_whole_number(value: Any, what: str) -> int | None:
    """Read a small whole number; None for null and "". Raises RefusedError."""
    found = read_number(value, what)
    if found is not None and (found != int(found) or abs(found) > 30_000):
        raise RefusedError(f"{what} is {excerpt(value)}, not a small whole number")
    return None if found is None else int(found)


def read_day(value: Any, what: str) -> date | None:
    """Read a day `yyyy-MM-dd`; None for null and "". Raises RefusedError."""
    if value is None or value == "":
        return None
    with suppress(ValueError):
        if isinstance(value, str) and (found := date.fromisoformat(value)).isoformat() == value:
            return found
    raise RefusedError(f"{what} is {excerpt(value)}, not a day yyyy-MM-dd")


def read_id(value: Any, what: str) -> str:
    """Read an id, always text; a number only of full length, or zeros are lost. Raises RefusedError."""
    try:
        if not isinstance(value, Number):
            return check_id(value)
        if value.isdecimal() and len(value) >= _DIGITS_OF_AN_ID:
            return check_id(str(value))
    except BadIdError:
        pass
    raise RefusedError(f"{what} is {excerpt(value)}, not an id")


@dataclass(frozen=True, slots=True)
class ListedId:
    """An ECU or a meter: the id that it is context by, and the text that it is listed by."""

    device_id: str
    listed: str

    @property
    def listed_as(self) -> str | None:
        """The text that it is listed by, where that is another: MAIN-VIRTUAL."""
        return None if self.listed == self.device_id else self.listed


def read_listed_id(value: Any, what: str) -> ListedId:
    """Read the id of an ECU or a meter in either spelling. Raises RefusedError."""
    listed = read_id(value, what)
    return ListedId(virtual_id(listed), listed)


def read_text(value: Any, what: str) -> str | None:
    """Read a short text; None for null and "". Raises RefusedError."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= 100 and value.isprintable():
        return str(value)
    raise RefusedError(f"{what} is {excerpt(value)}, not a short text")


def read_list(value: Any, what: str) -> list[Any]:
    """Read a list. Raises RefusedError."""
    if isinstance(value, list):
        return value
    raise RefusedError(f"{what} is {excerpt(value)}, not a list")


def read_object(value: Any, what: str) -> dict[str, Any]:
    """Read a JSON object. Raises RefusedError."""
    if isinstance(value, dict):
        return value
    raise RefusedError(f"{what} is {excerpt(value)}, not an object")
