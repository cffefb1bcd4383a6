"""Whole lives of roofs, look by look, and what each look says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aps_pipeline.alerts import Alert, Condition, Kind, Subject, changes, next_sent_state
from aps_pipeline.alerts.changes import BY_SEVERITY

FINE, WEAK, DEAD, OFFLINE = BY_SEVERITY
UNKNOWN, REMOVED, UNUSED = Condition.UNKNOWN, Condition.REMOVED, Condition.UNUSED

SYSTEM = Subject(Kind.SYSTEM, "S1")
ONE, TWO = (Subject(Kind.INVERTER, "S1", "E1", inverter) for inverter in ("I1", "I2"))
A, B = (Subject(Kind.PANEL, "S1", "E1", "I1", channel) for channel in (1, 2))
NAMES = {SYSTEM: "system", ONE: "one", TWO: "two", A: "a", B: "b"}

Conditions = Mapping[Subject, Condition]


def lived(looks: Sequence[Conditions]) -> list[list[Alert]]:
    """What each look says, after the looks before it were told."""
    before: Conditions = {}
    said = []
    for now in looks:
        said.append(changes(before, now))
        before = next_sent_state(before, now)
    return said


def told(*looks: Conditions) -> list[list[str]]:
    return [[f"{NAMES[alert.subject]} {alert.condition}" for alert in said] for said in lived(looks)]


def panel(*conditions: Condition) -> list[str]:
    """What is said of one panel in the course of its conditions, `-` where nothing is."""
    said = lived([{A: condition} for condition in conditions])
    return [alerts[0].condition if alerts else "-" for alerts in said]


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ([FINE, FINE], "- -"),
        ([FINE, WEAK, WEAK, FINE, FINE, WEAK], "- weak - fine - weak"),
        ([WEAK, WEAK], "weak -"),
        ([WEAK, DEAD, OFFLINE, FINE], "weak dead input offline fine"),
        ([DEAD, WEAK, DEAD, WEAK, FINE], "dead input - - - fine"),
        ([OFFLINE, DEAD, OFFLINE], "offline - -"),
        ([WEAK, UNKNOWN, WEAK, UNKNOWN, FINE], "weak - - - fine"),
        ([UNKNOWN, UNKNOWN, WEAK], "- - weak"),
        ([WEAK, REMOVED, REMOVED], "weak - -"),
        ([WEAK, REMOVED, FINE], "weak - -"),
        ([WEAK, UNUSED, WEAK], "weak - weak"),
    ],
)
def test_one_message_when_it_crosses_and_one_when_it_recovers(conditions: list[Condition], said: str) -> None:
    assert " ".join(panel(*conditions)) == said


def test_what_is_not_there_for_a_while_is_as_it_was() -> None:
    assert told({A: WEAK}, {}, {A: WEAK}, {}, {A: FINE}) == [["a weak"], [], [], [], ["a fine"]]


def test_a_system_speaks_for_its_parts() -> None:
    well = dict.fromkeys(NAMES, FINE)
    out = dict.fromkeys(NAMES, OFFLINE)
    assert told(well, out, out, well) == [[], ["system offline"], [], ["system fine"]]


def test_an_inverter_speaks_for_its_panels() -> None:
    well = dict.fromkeys(NAMES, FINE)
    out = well | dict.fromkeys((ONE, A, B), OFFLINE)
    assert told(well, out, well) == [[], ["one offline"], ["one fine"]]


def test_what_stays_out_after_its_system_is_back_is_told_then() -> None:
    out = dict.fromkeys(NAMES, OFFLINE)
    back = dict.fromkeys(NAMES, FINE) | dict.fromkeys((ONE, A, B), OFFLINE)
    assert told(out, back) == [["system offline"], ["one offline", "system fine"]]


def test_an_inverter_told_before_its_system_recovers_with_it() -> None:
    well = dict.fromkeys(NAMES, FINE)
    one = well | dict.fromkeys((ONE, A, B), OFFLINE)
    out = dict.fromkeys(NAMES, OFFLINE)
    assert told(one, out, well, one) == [
        ["one offline"],
        ["system offline"],
        ["system fine"],
        ["one offline"],
    ]


def test_a_panel_that_was_weak_before_the_outage_is_as_it_was_told() -> None:
    weak = dict.fromkeys(NAMES, FINE) | {A: WEAK}
    out = dict.fromkeys(NAMES, OFFLINE)
    well = dict.fromkeys(NAMES, FINE)
    assert told(weak, out, weak, well) == [["a weak"], ["system offline"], ["system fine"], ["a fine"]]


def test_parts_stay_silent_while_nobody_asks_an_offline_system() -> None:
    out = {SYSTEM: OFFLINE, ONE: OFFLINE}
    assert told(out, {SYSTEM: UNKNOWN, ONE: OFFLINE}, {SYSTEM: OFFLINE, ONE: OFFLINE}) == [
        ["system offline"],
        [],
        [],
    ]


def test_the_worst_comes_first() -> None:
    assert told({A: WEAK, B: DEAD, TWO: OFFLINE})[0] == ["two offline", "b dead input", "a weak"]


CONDITIONS = st.sampled_from(Condition)
LOOKS = st.lists(st.dictionaries(st.sampled_from(list(NAMES)), CONDITIONS), max_size=12)


@given(LOOKS)
def test_between_two_messages_about_a_subject_its_condition_has_changed(looks: list[Conditions]) -> None:
    said = lived(looks)
    for subject in NAMES:
        spoken = [
            (number, alert)
            for number, alerts in enumerate(said)
            for alert in alerts
            if alert.subject == subject
        ]
        assert all(looks[number][subject] is alert.condition for number, alert in spoken)
        for (first, before), (second, after) in pairwise(spoken):
            between = [now.get(subject) for now in looks[first + 1 : second]]
            worsened = BY_SEVERITY.index(after.condition) > BY_SEVERITY.index(before.condition)
            ended = {FINE, REMOVED, UNUSED} & set(between)
            if after.condition is FINE:
                assert before.condition is not FINE
            else:
                assert worsened or before.condition is FINE or ended


@given(LOOKS)
def test_the_same_look_twice_says_nothing_new(looks: list[Conditions]) -> None:
    said = lived([now for look in looks for now in (look, look)])
    assert not any(said[1::2])
