"""Single values: strict where a wrong reading would be a wrong number."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from aps_pipeline.envelope import Number
from aps_pipeline.parse.asked import RefusedError
from aps_pipeline.question import BadIdError, checked_id, virtual_id

NUMBER_PATTERN = r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
"""An ASCII decimal as Java prints it: `12.28`, `-0.01`, `5.0E-4`."""

LARGEST = 1e12
"""No energy, power or capacity of a real fleet comes near."""

MAX_DIGITS = 40
"""No number of the API is longer; a longer text is not tried."""

_NUMBER = re.compile(NUMBER_PATTERN, re.ASCII)
_DIGITS_OF_AN_ID = 12
_SHOWN = 40


def shown(value: Any) -> str:
    """A value for a message, cut short."""
    return repr(value)[:_SHOWN]


def number(value: Any, what: str) -> float | None:
    """A number given as JSON number or text; None for null and "". Raises RefusedError."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= MAX_DIGITS and _NUMBER.fullmatch(value):
        found = float(value)
        if abs(found) < LARGEST:
            return found
    raise RefusedError(f"{what} is {shown(value)}, not a number")


def whole_number(value: Any, what: str) -> int | None:
    """A small whole number; None for null and "". Raises RefusedError."""
    found = number(value, what)
    if found is not None and (found != int(found) or abs(found) > 30_000):
        raise RefusedError(f"{what} is {shown(value)}, not a small whole number")
    return None if found is None else int(found)


def day(value: Any, what: str) -> date | None:
    """A day `yyyy-MM-dd`; None for null and "". Raises RefusedError."""
    if value is None or value == "":
        return None
    with suppress(ValueError):
        if isinstance(value, str) and (found := date.fromisoformat(value)).isoformat() == value:
            return found
    raise RefusedError(f"{what} is {shown(value)}, not a day yyyy-MM-dd")


def an_id(value: Any, what: str) -> str:
    """An id, always text; a number only if of full length, so that no zeros are lost. Raises RefusedError."""
    try:
        if not isinstance(value, Number):
            return checked_id(value)
        if value.isdecimal() and len(value) >= _DIGITS_OF_AN_ID:
            return checked_id(str(value))
    except BadIdError:
        pass
    raise RefusedError(f"{what} is {shown(value)}, not an id")


@dataclass(frozen=True, slots=True)
class ListedId:
    """An ECU or a meter: the id that it is asked by, and the text that it is listed by."""

    device_id: str
    listed: str

    @property
    def listed_as(self) -> str | None:
        """The text that it is listed by, where that is another: MAIN-VIRTUAL."""
        return None if self.listed == self.device_id else self.listed


def a_listed_id(value: Any, what: str) -> ListedId:
    """The id of an ECU or a meter in either spelling. Raises RefusedError."""
    listed = an_id(value, what)
    return ListedId(virtual_id(listed), listed)


def text(value: Any, what: str) -> str | None:
    """A short text; None for null and "". Raises RefusedError."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= 100 and value.isprintable():
        return str(value)
    raise RefusedError(f"{what} is {shown(value)}, not a short text")


def a_list(value: Any, what: str) -> list[Any]:
    """A list. Raises RefusedError."""
    if isinstance(value, list):
        return value
    raise RefusedError(f"{what} is {shown(value)}, not a list")


def an_object(value: Any, what: str) -> dict[str, Any]:
    """A JSON object. Raises RefusedError."""
    if isinstance(value, dict):
        return value
    raise RefusedError(f"{what} is {shown(value)}, not an object")
