"""How answers look: numbers as the API prints them, in several manners at once, and its dialects.

A quirk changes how an answer looks and nothing of what it says. A system of the fleet or a whole simulator
has quirks; each is a function of the finished envelope, applied in the order below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable


def kwh2(centi: int, measured: bool = True) -> str:
    """Print 0.01 kWh as `2.07`; a bare `0` where nothing was measured."""
    return f"{centi // 100}.{centi % 100:02d}" if measured else "0"


def kwh2_of_micro(micro: int, measured: bool = True) -> str:
    """Print micro-kWh to two decimals."""
    return kwh2((micro + 5_000) // 10_000, measured)


def kwh3(micro: int, measured: bool = True) -> str:
    """Print micro-kWh to three decimals, as meters print a period."""
    milli = (micro + 500) // 1_000
    return f"{milli // 1_000}.{milli % 1_000:03d}" if measured else "0"


def kwh6(micro: int, measured: bool = True) -> str:
    """Print micro-kWh exactly, as `0.412345`."""
    return f"{micro // 1_000_000}.{micro % 1_000_000:06d}" if measured else "0"


def java_double(micro: int) -> str:
    """Print micro-kWh as Java prints a double: `2.5`, `0.0`, and below 0.001 `5.0E-4`."""
    if micro == 0 or micro >= 1_000:
        whole, part = divmod(micro, 1_000_000)
        return f"{whole}.{f'{part:06d}'.rstrip('0') or '0'}"
    digits = str(micro)
    return f"{digits[0]}.{digits[1:].rstrip('0') or '0'}E-{7 - len(digits)}"


def decimals(values: Iterable[float], places: int) -> list[str]:
    """Print each value to that many decimals."""
    return [f"{value:.{places}f}" for value in values]


Json = object

_SERIES = frozenset({"hourly", "daily", "monthly", "yearly"})
_NAMES = frozenset({"code", "time", "t", "sid", "eid", "uid", "ecu", "authorization_code"})
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_CHANNELS = re.compile(r"(dc_[pive]|[edmyt])[2-4]|ac_v[23]")
_LATER: dict[str, Json] = {"remark": "a field of no manual", "tags": [], "storage": {"soc": "87", "mode": 2}}


def nulls(envelope: Json, level: str) -> Json:
    """Print `null` instead of a bare `0` where an hour, day, month or year has no record."""
    return _blank(envelope, None) if level in _SERIES else envelope


def blanks(envelope: Json, level: str) -> Json:
    """Print an empty text instead of a bare `0` where an hour, day, month or year has no record."""
    return _blank(envelope, "") if level in _SERIES else envelope


def ac_p(envelope: Json, level: str) -> Json:
    """Name AC power `ac_p`, as the manual does, instead of the `ac_p1` of the field."""
    return _of_objects(envelope, lambda item: {"ac_p" if k == "ac_p1" else k: v for k, v in item.items()})


def absent_channels(envelope: Json, level: str) -> Json:
    """Leave out the channels and phases that an inverter lacks, instead of null."""

    def is_printed(item: dict[str, Json], name: str) -> bool:
        # In a summary a channel may be null for today only: it is its lifetime that says whether it exists.
        lifetime = item.get(f"t{name[-1]}") if name[0] in "dmyt" else None
        return item[name] is not None or lifetime is not None or not _CHANNELS.fullmatch(name)

    return _of_objects(envelope, lambda item: {k: v for k, v in item.items() if is_printed(item, k)})


def numbers(envelope: Json, level: str) -> Json:
    """Print measures and capacities as JSON numbers instead of texts; ids, dates and labels stay texts."""
    # Without a level a plain list is one of ids.
    names = _NAMES if level else _NAMES | {"data"}

    def as_number(key: str, value: Json) -> Json:
        if key in names or not isinstance(value, str) or not _NUMBER.fullmatch(value):
            return value
        return float(value) if "." in value else int(value)

    return _of_values(envelope, as_number)


def texts(envelope: Json, level: str) -> Json:
    """Print the power of ECUs as texts instead of JSON integers."""
    return _of_values(
        envelope, lambda key, value: str(value) if key == "power" and type(value) is int else value
    )


def later_fields(envelope: Json, level: str) -> Json:
    """Add fields of no manual to the envelope, the data and the devices listed in it."""
    if isinstance(envelope, list):
        return [later_fields(item, level) for item in envelope]
    if not isinstance(envelope, dict):
        return envelope
    # Elsewhere a map is of panels or flows, and a new name would be a new panel.
    deeper = {k: later_fields(v, level) for k, v in envelope.items() if k in ("data", "inverter")}
    return {**envelope, **deeper, **_LATER}


def shuffle(envelope: Json, level: str) -> Json:
    """Print the fields of every object in another order."""
    return _of_objects(envelope, lambda item: {k: item[k] for k in sorted(item, key=lambda k: k[::-1])})


_ALL: dict[str, Callable[[Json, str], Json]] = {
    "nulls": nulls,
    "blanks": blanks,
    "ac_p": ac_p,
    "absent_channels": absent_channels,
    "numbers": numbers,
    "texts": texts,
    "later_fields": later_fields,
    "shuffled": shuffle,
}
QUIRKS = {name: quirk.__doc__ or "" for name, quirk in _ALL.items()}
"""What each of them does, by the name that a fleet uses."""


def apply_quirks(quirks: Collection[str], level: str, envelope: Json) -> Json:
    """Print a good envelope under these quirks; `level` is that of the request, or empty."""
    for name, quirk in _ALL.items():
        if name in quirks:
            envelope = quirk(envelope, level)
    return envelope


def _of_values(value: Json, change: Callable[[str, Json], Json], key: str = "") -> Json:
    """Change every value that is no container; `key` is the name that it stands under."""
    if isinstance(value, dict):
        return {k: _of_values(item, change, k) for k, item in value.items()}
    if isinstance(value, list):
        return [_of_values(item, change, key) for item in value]
    return change(key, value)


def _of_objects(value: Json, change: Callable[[dict[str, Json]], dict[str, Json]]) -> Json:
    """Change every object."""
    if isinstance(value, dict):
        return {k: _of_objects(item, change) for k, item in change(value).items()}
    return [_of_objects(item, change) for item in value] if isinstance(value, list) else value


def _blank(envelope: Json, blank: Json) -> Json:
    return _of_values(envelope, lambda _, value: blank if value == "0" else value)
