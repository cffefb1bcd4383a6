"""Lists of numbers to Arrow columns: what `values.number` does, for a whole list at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.parse.values import LARGEST, MAX_DIGITS, NUMBER_PATTERN, number

_WHOLE_NUMBER = f"^(?:{NUMBER_PATTERN})$"


def doubles(entries: Sequence[Any], what: str) -> pa.Array:
    """Doubles of JSON numbers or texts; null for null and "". Raises RefusedError, naming the entry."""
    found = quick_doubles(entries)
    if found is not None:
        return found
    # Slower, and with a message for the first entry that is wrong.
    return pa.array([number(entry, f"{what}[{n}]") for n, entry in enumerate(entries)], pa.float64())


def quick_doubles(entries: Sequence[Any]) -> pa.Array | None:
    """The same, but None where one entry is not a number."""
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
