"""What people read: counts in the title, the worst first, plain text whatever the names are."""

from __future__ import annotations

from aps_pipeline.alerts import Alert, Condition, Kind, Observation, Subject, message_of

SYSTEM = Subject(Kind.SYSTEM, "S1")
INVERTER = Subject(Kind.INVERTER, "S2", "E1", "i1")


def panel(channel: int, inverter_id: str = "I9") -> Subject:
    return Subject(Kind.PANEL, "S2", "E1", inverter_id, channel)


def alert(subject: Subject, condition: Condition, was: Condition = Condition.FINE) -> Alert:
    return Alert(subject, condition, was)


def test_one_message_says_it_all_the_worst_and_dearest_first() -> None:
    alerts = [
        alert(INVERTER, Condition.FINE, Condition.OFFLINE),
        alert(panel(1), Condition.WEAK),
        alert(panel(2), Condition.WEAK),
        alert(SYSTEM, Condition.OFFLINE),
        alert(panel(3), Condition.DEAD),
    ]
    seen = {
        SYSTEM: Observation(Condition.OFFLINE, "nothing on 3 days"),
        panel(1): Observation(Condition.WEAK, "80% of its peers", 2.0),
        panel(2): Observation(Condition.WEAK, "60% of its peers", 9.0, label="N7\n"),
    }
    message = message_of(alerts, seen)
    assert message.title == (
        "APsystems: 1 system offline, 1 panel with a dead input, 2 panels weak, 1 inverter recovered"
    )
    assert message.body.splitlines()[:6] == [
        "- System S1 is offline: nothing on 3 days.",
        "- Panel 3 of inverter I9 (ECU E1, system S2) has a dead input.",
        "- N7: Panel 2 of inverter I9 (ECU E1, system S2) is weak: 60% of its peers.",
        "- Panel 1 of inverter I9 (ECU E1, system S2) is weak: 80% of its peers.",
        "- Inverter i1 (ECU E1, system S2) has recovered (it was: offline).",
        "",
    ]
    assert [line.split(":")[0] for line in message.body.splitlines()[6:]] == [
        "Offline system",
        "Dead input",
        "Weak panel",
    ]


def test_a_recovery_needs_no_advice() -> None:
    message = message_of([alert(SYSTEM, Condition.FINE, Condition.OFFLINE)], {})
    assert (message.title, message.body) == (
        "APsystems: 1 system recovered",
        "- System S1 has recovered (it was: offline).",
    )


def test_hostile_names_stay_short_text_on_one_line() -> None:
    name = "I\r\nBcc: all@example.org\x00\u202e<script>" + "x" * 500
    message = message_of([alert(panel(1, name), Condition.WEAK)], {})
    line = message.body.splitlines()[0]
    assert "I Bcc: all@example.org <script>" in line
    assert line.isprintable()
    assert len(line) < 150


def test_a_whole_fleet_going_wrong_is_still_a_short_message() -> None:
    message = message_of([alert(panel(number), Condition.WEAK) for number in range(1, 5001)], {})
    assert message.title == "APsystems: 5,000 panels weak"
    assert len(message.body) < 3000
    assert "… and 4,975 more" in message.body
