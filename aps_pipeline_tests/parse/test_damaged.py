"""Damaged bodies of every table: what is missing, of another type or of another length is never a row.

The whole is refused, or, where a body holds several series, the damaged one by itself and by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aps_pipeline.lake.validate import prepare_rows
from aps_pipeline.parse import RefusedError
from aps_pipeline.tables import REJECTED_ITEMS
from aps_pipeline_tests.parse.bodies import BODIES, DAY, KEYS
from aps_pipeline_tests.parse.served import READ, asked, parsed, rows

Path = tuple[Any, ...]
MAY_LACK: dict[str, set[Path]] = {
    "ecu_power": {("today",)},
    "meter_power": {("today",), *((("today", f)) for f in ("produced", "consumed", "imported", "exported"))},
    "meter_summary": {("lifetime",)},
    "inverter_batch_power": {("power", uid) for uid in BODIES["inverter_batch_power"]["power"]},
}
"""What is not used, and panels, which a day may name or not."""

MAY_BE_OTHERS = {"meter_power": {("today",)}, "inverter_batch_power": {("power",)}}
"""Objects that are not used, or whose names are judged one by one."""

TWINS = {"inverter_dc_telemetry", "inverter_ac_telemetry"}
"""Fed by one body, in which each has series of its own."""

every_table = pytest.mark.parametrize("name", READ)
JUNK: list[Any] = ["x", True, 1e999, [], {}, "1,5", ["1"], "--", [None], "0x10", {"0": "1"}]


def call_of(name: str) -> Any:
    level = READ[name].source.level
    return asked(name, KEYS.get(level, DAY))


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a body but the whole; of a list the first two and the last."""
    inside: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = [(n, item) for n, item in enumerate(value) if n < 2 or n == len(value) - 1]
    for key, item in inside:
        yield (*at, key)
        yield from paths(item, (*at, key))


def get(body: Any, path: Path) -> Any:
    for key in path:
        body = body[key]
    return body


def changed(body: Any, path: Path, value: Any) -> Any:
    """A copy with another value in one place; what does not lead there is shared."""
    key, *rest = path
    copy = body.copy()
    copy[key] = changed(body[key], tuple(rest), value) if rest else value
    return copy


def without(body: Any, path: Path) -> Any:
    copy = get(body, path[:-1]).copy()
    del copy[path[-1]]
    return changed(body, path[:-1], copy) if path[1:] else copy


def is_label(name: str, path: Path) -> bool:
    return path[0] in ("time", "t") and len(path) == 2


def used(name: str) -> list[Path]:
    """The places that hold something."""
    return [path for path in paths(BODIES[name]) if get(BODIES[name], path) not in (None, "")]


def refused(name: str, body: Any) -> None:
    """The body is refused, or one of its series is, and then nothing else of it is lost."""
    call, named = call_of(name), 0
    try:
        for each in TWINS if name in TWINS else (name,):
            found = parsed(each, body, call)
            assert found.rejected.num_rows < found.items and found.rows.num_rows
            prepare_rows(REJECTED_ITEMS, (each, call.period.first.isoformat()), found.rejected)
            named += found.rejected.num_rows
    except RefusedError:
        return
    assert named, "neither refused nor named"


@every_table
def test_the_bodies_are_good(name: str) -> None:
    assert rows(name, BODIES[name], call_of(name))


@every_table
def test_every_field_is_missed(name: str) -> None:
    for path in used(name):
        body = without(BODIES[name], path)
        if path in (("e2",), ("ac_v3",)) or path in MAY_LACK.get(name, ()):
            parsed(name, body, call_of(name))
        else:
            refused(name, body)


@every_table
@given(st.data())
def test_another_value_anywhere_is_refused(name: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(used(name)))
    others = path in MAY_BE_OTHERS.get(name, ())
    junk = data.draw(st.sampled_from([each for each in JUNK if not (others and isinstance(each, dict))]))
    refused(name, changed(BODIES[name], path, junk))


@every_table
def test_every_list_is_held_against_its_length(name: str) -> None:
    body = BODIES[name]
    lists = [path for path in [(), *paths(body)] if isinstance(get(body, path), list)]
    for path in lists:
        entries = get(body, path)
        longer = ([*entries, entries[-1]], [*entries, None], entries * 2)
        if name in ("system_yearly_energy", "ecu_yearly_energy"):
            longer = (entries * 20,)  # there may be years from before registration
        for wrong in ([], entries[:-1], entries[1:], *longer):
            refused(name, changed({"": body}, ("", *path), wrong)[""])


@every_table
def test_every_object_and_list_has_its_type(name: str) -> None:
    body = BODIES[name]
    places = [path for path in [(), *paths(body)] if isinstance(get(body, path), dict | list)]
    for path in places:
        for wrong in ("x", 5, True, "", [{"a": 1}]):
            refused(name, changed({"": body}, ("", *path), wrong)[""])
        for other in ({}, {"a": 1}, {"energy": [1]}):
            if path not in MAY_BE_OTHERS.get(name, ()):
                refused(name, changed({"": body}, ("", *path), other)[""])


@every_table
def test_null_is_no_list_and_no_object(name: str) -> None:
    body = BODIES[name]
    for path in [path for path in paths(body) if isinstance(get(body, path), dict | list)]:
        tolerated = path in (("e2",), ("ac_v3",), ("today",)) or name == "meter_summary"
        if not tolerated:
            refused(name, changed(body, path, None))


@every_table
def test_null_and_nothing_are_null(name: str) -> None:
    """A number replaced by null or "" is a row without it: as many rows, nothing else changed."""
    body, right = BODIES[name], rows(name, BODIES[name], call_of(name))
    for path in used(name):
        if isinstance(get(body, path), dict | list) or is_label(name, path):
            continue
        for absent in (None, ""):
            found = rows(name, changed(body, path, absent), call_of(name))
            differing = [
                (old[column], new[column])
                for old, new in zip(right, found, strict=True)
                for column in old
                if old[column] != new[column]
            ]
            if (path[0] == "today" and "power" in name) or (name in TWINS and not differing):
                assert differing == [], "not used here"
            else:
                assert len(differing) == 1 and differing[0][1] is None


@every_table
@given(st.randoms(use_true_random=False))
@settings(max_examples=5)
def test_keys_come_in_any_order(name: str, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        items = [(key, shuffled(item)) for key, item in value.items()]
        random.shuffle(items)
        return dict(items)

    body = BODIES[name]
    order = READ[name].keys
    right, found = (rows(name, each, call_of(name)) for each in (body, shuffled(body)))
    assert sorted(right, key=lambda row: [row[k] for k in order]) == sorted(
        found, key=lambda row: [row[k] for k in order]
    )


@every_table
def test_new_fields_change_nothing(name: str) -> None:
    body = BODIES[name]
    if isinstance(body, dict):
        more = {**body, "frequency": ["1"], "e10": ["1"], "unit": "kWh", "nested": {"power": [1]}}
        assert rows(name, more, call_of(name)) == rows(name, body, call_of(name))


@every_table
def test_a_body_of_another_id_is_refused(name: str) -> None:
    if not isinstance(BODIES[name], dict):
        return
    call, body = call_of(name), BODIES[name]
    refused(name, {**body, "sid": "S2"})
    refused(name, {**body, "sid": ["S1"]})
    assert rows(name, {**body, "sid": "S1"}, call) == rows(name, body, call)
    if name == "system_summary":
        return
    own = "uid" if READ[name].source.endpoint.startswith("inverter_") else "eid"
    own = "eid" if READ[name].source.endpoint == "inverter_batch" else own
    refused(name, {**body, own: "D2"})
    assert rows(name, {**body, own: "D1"}, call) == rows(name, body, call)


def test_a_table_does_not_take_the_body_of_another() -> None:
    for name in READ:
        for other, body in BODIES.items():
            ours, theirs = READ[name].source, READ[other].source
            alike = {type(BODIES[name]), type(body)} == {list} and ours.level == theirs.level
            same_shape = {name, other} == {"system_summary", "ecu_summary"}
            one_by_one = name == "inverter_batch_power" and other == "meter_power"
            years_of_twelve = (ours.level, theirs.level) == ("yearly", "monthly")  # neither has labels
            if ours != theirs and not (alike or same_shape or one_by_one or years_of_twelve):
                refused(name, body)
