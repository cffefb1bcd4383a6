"""The inverter batch: strings `uid-channel-energy`, read from the right (manual 3.5.3).

An id may hold hyphens and the energy may have a sign or an exponent, so the grammar is anchored at both ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aps_pipeline.parse.context import ParseContext, Parsed, make_rejected_rows, register
from aps_pipeline.parse.values import LARGEST, NUMBER_PATTERN, read_list, read_object
from aps_pipeline.request import ID_PATTERN
from aps_pipeline.tables import Table, from_columns
from aps_pipeline.tables.energy import INVERTER_BATCH_ENERGY

GRAMMAR = rf"^(?P<uid>{ID_PATTERN})-(?P<channel>[1-9])-(?P<energy>{NUMBER_PATTERN})$"
"""uid, channel and energy in kWh; tested on every string."""

_SPLITS_CLEANLY = r"^[0-9A-Za-z_]{1,64}-[1-9]-[0-9]{1,11}(?:\.[0-9]{1,20})?$"
"""The usual string: exactly two hyphens, so that splitting reads it three times as fast as the grammar."""

_LONGEST = 100

_FEW = 1_000
"""Items that Python counts faster than Arrow groups."""


def read_strings(strings: pa.Array) -> pa.Table:
    """Columns uid (text), channel (int8) and energy (kWh, double); null where a string breaks the grammar."""
    usual = pc.fill_null(pc.match_substring_regex(strings, _SPLITS_CLEANLY), False)
    if pc.all(usual).as_py():
        return _split(strings)
    rest = pc.invert(usual)
    parts = pa.concat_tables([_split(strings.filter(usual)), _match(strings.filter(rest))])
    positions = pa.concat_arrays([pc.indices_nonzero(usual), pc.indices_nonzero(rest)])
    return parts.take(pc.sort_indices(positions))


def _split(strings: pa.Array) -> pa.Table:
    words = pc.split_pattern(strings, "-").flatten()
    places = pa.array(np.arange(0, len(words), 3))
    return _read_parts(*(words.take(pc.add(places, offset)) for offset in range(3)))


def _match(strings: pa.Array) -> pa.Table:
    short = pc.if_else(pc.less_equal(pc.utf8_length(strings), _LONGEST), strings, None)
    parts = pc.extract_regex(short, GRAMMAR)
    read = _read_parts(*(pc.struct_field(parts, name) for name in ("uid", "channel", "energy")))
    sound = pc.and_(pc.less(pc.abs(read["energy"]), LARGEST), pc.less_equal(pc.utf8_length(read["uid"]), 64))
    return pa.table([pc.if_else(sound, column, None) for column in read.columns], names=read.column_names)


def _read_parts(uid: pa.Array, channel: pa.Array, energy: pa.Array) -> pa.Table:
    columns = [uid, pc.cast(channel, pa.int8()), pc.cast(energy, pa.float64())]
    return pa.table(columns, names=["uid", "channel", "energy"])


@register(INVERTER_BATCH_ENERGY)
def inverter_batch_energy(table: Table, data: Any, context: ParseContext) -> Parsed:
    """Build rows of `inverter_batch_energy` in kWh, and the items refused one by one. Raises RefusedError."""
    items = read_list(read_object(data, "data").get("energy"), "energy")
    read = read_strings(_texts(items))
    reasons = _reasons(read)
    if reasons:
        good = np.ones(len(items), dtype=bool)
        good[list(reasons)] = False
        read = read.filter(pa.array(good))
    rows = from_columns(
        table,
        {
            "system_id": context.system_id,
            "ecu_id": context.device_id,
            "inverter_id": read["uid"],
            "channel": read["channel"],
            "date": context.period.first,
            "energy_kwh": read["energy"],
            "call_id": context.call_id,
        },
        read.num_rows,
    )
    refused = [(position, str(items[position]), reasons[position]) for position in sorted(reasons)]
    return Parsed(rows, make_rejected_rows(table, context, refused), len(items))


def _texts(items: Sequence[Any]) -> pa.Array:
    texts = [item if type(item) is str else None for item in items]
    try:
        return pa.array(texts, pa.string())
    except UnicodeEncodeError:  # JSON can spell half of a surrogate pair; no item of the grammar holds one
        return pa.array([t if t and t.isascii() else None for t in texts], pa.string())


def _reasons(read: pa.Table) -> dict[int, str]:
    """Why an item cannot be a row, by its position."""
    reasons = dict.fromkeys(
        np.flatnonzero(pc.is_null(read["uid"]).to_numpy()).tolist(), "not of the form uid-channel-energy"
    )
    if read.num_rows > _FEW:
        panels = int(read.group_by(["uid", "channel"], use_threads=False).aggregate([]).num_rows)
    else:
        panels = len(set(zip(read["uid"].to_pylist(), read["channel"].to_pylist(), strict=True)))
    if panels == read.num_rows and len(reasons) <= 1:  # what broke the grammar counts as one
        return reasons
    first: dict[tuple[str, int], tuple[int, float]] = {}
    for position, (uid, channel, energy) in enumerate(zip(*read.to_pydict().values(), strict=True)):
        if uid is None:
            continue
        at, seen = first.setdefault((uid, channel), (position, energy))
        if at != position and seen == energy:
            reasons[position] = "stands twice"
        elif at != position:
            reasons[position] = reasons[at] = "stands twice with different energies"
    return reasons
