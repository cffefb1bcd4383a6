"""What is said of each panel, number by number. One warehouse serves all; each case is a system."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from aps_pipeline.ledger import CallEnd, CallState
from aps_pipeline.periods import Grain, Period
from aps_pipeline.request import Request
from aps_pipeline_tests.warehouse.conftest import Plant

FIRST = date(2024, 3, 1)
A, B, C, D = "E1/I1/1", "E1/I1/2", "E2/I2/1", "E2/I2/2"
GOOD: dict[str, float | None] = {A: 1.0, B: 1.0, C: 1.0, D: 1.0}
"""A day on which all are alike: the median of any three is 1 kWh."""

Day = Callable[[int], dict[str, float | None]]


def but(**others: float | None) -> dict[str, float | None]:
    """A good day, but for the panels a, b, c and d as they are given."""
    return GOOD | {{"a": A, "b": B, "c": C, "d": D}[name]: energy for name, energy in others.items()}


def without(*panels: str) -> dict[str, float | None]:
    """A good day on which some panels have no row."""
    return {panel: energy for panel, energy in GOOD.items() if panel not in panels}


SYSTEMS: dict[str, tuple[int, Day]] = {
    "healthy": (40, lambda n: GOOD),
    "one_bad_day": (30, lambda n: but(a=0.0) if n == 29 else GOOD),
    "three_bad_days": (30, lambda n: but(a=0.0) if n >= 27 else GOOD),
    "every_second_day": (30, lambda n: without(A, B) if n % 2 else GOOD),
    "weak": (30, lambda n: but(a=0.7)),
    "at_the_border": (30, lambda n: but(a=0.85)),
    "below_the_border": (30, lambda n: but(a=0.849)),
    "silent_in_april": (40, lambda n: without(A, B) if n >= 35 else GOOD),
    "gone_in_april": (40, lambda n: without(A, B) if n >= 35 else GOOD),
    "dead_all_along": (30, lambda n: but(a=0.0) if n else GOOD),
    "both_inputs_low": (30, lambda n: but(a=0.01, b=0.01)),
    "dead_of_late": (30, lambda n: but(a=0.0) if n >= 26 else GOOD),
    "snow": (30, lambda n: but(a=0.0, b=0.0, c=0.0, d=0.0) if n >= 20 else but(a=0.7)),
    "ecu_silent_3": (30, lambda n: without(A, B) if n >= 27 else GOOD),
    "ecu_unheard_3": (30, lambda n: without(A, B) if n >= 27 else GOOD),
    "ecu_heard_early": (30, lambda n: without(A, B) if n >= 27 else GOOD),
    "ecu_unheard_of_late": (30, lambda n: without(A, B) if n >= 25 else GOOD),
    "inverter_left_out_3": (30, lambda n: {"E1/I9/1": 1.0, **(without(A, B) if n >= 27 else GOOD)}),
    "ecu_silent_2": (30, lambda n: without(A, B) if n >= 28 else GOOD),
    "null_for_3": (30, lambda n: but(a=None, b=None) if n >= 27 else GOOD),
    "zero_for_3": (30, lambda n: but(a=0.0, b=0.0) if n >= 27 else GOOD),
    "nearly_dead": (30, lambda n: but(a=0.0499)),
    "at_the_border_of_dead": (30, lambda n: but(a=0.05)),
    "untold": (30, lambda n: but(a=0.0)),
    "untold_null": (30, lambda n: but(a=None)),
    "unused": (30, lambda n: but(a=0.0)),
    "unused_null": (30, lambda n: but(a=None)),
    "unused_or_new": (6, lambda n: but(a=0.0)),
    "six_days": (6, lambda n: GOOD),
    "seven_days": (7, lambda n: GOOD),
    "heard_by_call": (30, lambda n: without(A, B) if n >= 27 else GOOD),
    "heard_by_early_call": (30, lambda n: without(A, B) if n >= 27 else GOOD),
    "dead_and_still": (30, lambda n: but(a=0.0) if n >= 20 else GOOD),
    "dead_but_rising": (30, lambda n: but(a=0.0) if n >= 20 else GOOD),
    "risen_before": (30, lambda n: but(a=0.0) if n >= 20 else GOOD),
    "silent_but_rising": (30, lambda n: but(a=0.0, b=0.0) if n >= 20 else GOOD),
    "told_on_the_first_day": (30, lambda n: but(a=0.0)),
    "told_the_day_before": (30, lambda n: but(a=0.0)),
    "late_starter": (40, lambda n: but(a=0.0) if n < 35 else GOOD),
    "reset_to_0": (30, lambda n: but(a=0.0)),
    "heard_long_ago": (30, lambda n: without(A, B) if n >= 15 else GOOD),
    "lived_and_unheard": (30, lambda n: without(A, B) if n >= 20 else but(a=0.0)),
    "one_peer": (30, lambda n: without(C, D)),
    "two_peers": (30, lambda n: without(D)),
    "dim": (30, lambda n: dict.fromkeys(GOOD, 0.049) | {A: 0.01}),
    "lost_channel": (30, lambda n: without(A) if n >= 20 else GOOD),
    "replaced": (30, lambda n: without(A, B) if n >= 20 else GOOD),
    "replaced_unlisted": (30, lambda n: without(A, B) if n >= 20 else GOOD),
    "before": (50, lambda n: without(A, B) if n >= 15 else GOOD),
}
"""The number of days from the first of March, and the panels of each."""


LIFETIMES: dict[str, tuple[int, dict[str, float]]] = {
    "dead_and_still": (1, {"03-25": 100.0, "04-01": 100.04}),
    "dead_but_rising": (1, {"03-25": 100.0, "04-01": 100.06}),
    "risen_before": (1, {"03-10": 90.0, "03-20": 100.0, "03-21": 101.0, "04-01": 101.0}),
    "silent_but_rising": (2, {"03-25": 100.0, "04-01": 110.0}),
    "told_on_the_first_day": (1, {"03-01": 0.0}),
    "told_the_day_before": (1, {"02-29": 0.0}),
    "reset_to_0": (1, {"03-10": 12.0, "04-01": 0.0}),
    "lived_and_unheard": (1, {"04-01": 50.0}),
}
"""Lifetimes of an input of I1 by the day of a summary; those that died gave energy until 20 March."""


@pytest.fixture(scope="module")
def built(shared_plant: Plant) -> Plant:
    plant = shared_plant
    for system_id, (days, energies) in SYSTEMS.items():
        for n in range(days):
            plant.panels(FIRST + timedelta(n), energies(n), system_id=system_id)
    for system_id, month in (("replaced", 3), ("before", 3), ("gone_in_april", 4)):
        plant.inverter("I1", "E1", system_id)
        plant.rows["inverters"][-1]["gone_utc"] = datetime(2024, month, 24, tzinfo=UTC)
        plant.inverter("I2", "E2", system_id)
    plant.inverter("I2", "E2", "replaced_unlisted")
    for system_id in ("unused", "unused_null", "unused_or_new"):
        for channel, lifetime in ((1, 0.0), (2, 500.0)):
            plant.add(
                "inverter_summary", system_id=system_id, inverter_id="I1", channel=channel,
                taken_utc=datetime(2024, 4, 1, tzinfo=UTC), lifetime_kwh=lifetime,
            )  # fmt: skip
    for system_id, (channel, told) in LIFETIMES.items():
        for day, lifetime in told.items():
            plant.add(
                "inverter_summary", datetime.fromisoformat(f"2024-{day}T12:00+00:00"), system_id=system_id,
                inverter_id="I1", channel=channel, lifetime_kwh=lifetime,
                taken_utc=datetime.fromisoformat(f"2024-{day}T12:00+00:00"),
            )  # fmt: skip
    for n in (27, 28, 29):
        _ask(plant, "heard_by_call", n, datetime(2024, 4, 10, tzinfo=UTC))
        _ask(plant, "heard_by_early_call", n, datetime(2024, 4, 1, tzinfo=UTC))
    _seed_ecus_that_say_0(plant)
    _seed_open_days(plant)
    plant.build()
    return plant


def _seed_ecus_that_say_0(plant: Plant) -> None:
    """Of E1 a final 0 is held on days without rows of its panels; of one system it came too early."""
    silent = {"ecu_silent_3": (27, 30), "silent_in_april": (35, 40), "ecu_unheard_of_late": (25, 28)}
    silent["heard_long_ago"] = (15, 18)
    for system_id, (first, after) in silent.items():
        for n in range(first, after):
            _ecu_day(plant, system_id, n, is_final=True)
    for n in (27, 28, 29):
        _ecu_day(plant, "ecu_heard_early", n, is_final=False)


def _ask(plant: Plant, system_id: str, n: int, sent: datetime) -> None:
    """An answer about E1 that names no panel."""
    plant.now = sent
    period = Period(Grain.DAY, FIRST + timedelta(n))
    request = Request("inverter_batch", "energy", system_id, "E1", period)
    call_id = plant.ledger.reserve(request, plant.account, after=1_000_000).call_id
    plant.ledger.finish(call_id, CallEnd(CallState.ANSWERED, 200, 0, body='{"code":0}', simulated=True))


def _ecu_day(plant: Plant, system_id: str, n: int, is_final: bool) -> None:
    plant.add(
        "ecu_daily_energy", system_id=system_id, ecu_id="E1", date=FIRST + timedelta(n), energy_kwh=0.0,
        is_final=is_final,
    )  # fmt: skip


def _seed_open_days(plant: Plant) -> None:
    """Ten days, of which the last two may still change: the first of these was asked for too early."""
    for n in range(8):
        plant.panels(FIRST + timedelta(n), GOOD, system_id="open")
    early = datetime(2024, 3, 11, tzinfo=UTC)
    for n in (8, 9):
        plant.panels(FIRST + timedelta(n), but(a=0.0), early, system_id="open")
    plant.panels(FIRST, GOOD, datetime(2024, 3, 2, tzinfo=UTC), system_id="nothing_final")


def health(plant: Plant, system_id: str, panel: str = A) -> dict[str, Any]:
    ecu_id, inverter_id, channel = panel.split("/")
    rows = plant.query(f"FROM mart.panel_health WHERE system_id = '{system_id}'")
    (row,) = [
        row
        for row in rows
        if (row["ecu_id"], row["inverter_id"], row["channel"]) == (ecu_id, inverter_id, int(channel))
    ]
    return row


@pytest.mark.parametrize(
    ("system_id", "expected"),
    [
        ("healthy", "fine"),
        ("one_bad_day", "fine"),
        ("three_bad_days", "fine"),
        ("every_second_day", "fine"),
        ("weak", "weak"),
        ("at_the_border", "fine"),
        ("below_the_border", "weak"),
        ("silent_in_april", "offline"),
        ("gone_in_april", "removed"),
        ("dead_all_along", "dead input"),
        ("dead_of_late", "dead input"),
        ("both_inputs_low", "weak"),
        ("snow", "weak"),
        ("ecu_silent_3", "offline"),
        ("ecu_unheard_3", "unknown"),
        ("ecu_heard_early", "unknown"),
        ("ecu_unheard_of_late", "offline"),
        ("inverter_left_out_3", "offline"),
        ("ecu_silent_2", "fine"),
        ("null_for_3", "offline"),
        ("zero_for_3", "offline"),
        ("nearly_dead", "dead input"),
        ("at_the_border_of_dead", "weak"),
        ("untold", "unknown"),
        ("untold_null", "unknown"),
        ("unused", "unused channel"),
        ("unused_null", "unused channel"),
        ("unused_or_new", "unknown"),
        ("six_days", "unknown"),
        ("seven_days", "fine"),
        ("heard_by_call", "offline"),
        ("heard_by_early_call", "unknown"),
        ("dead_and_still", "dead input"),
        ("dead_but_rising", "unknown"),
        ("risen_before", "dead input"),
        ("silent_but_rising", "unknown"),
        ("told_on_the_first_day", "unused channel"),
        ("told_the_day_before", "unknown"),
        ("late_starter", "weak"),
        ("reset_to_0", "dead input"),
        ("heard_long_ago", "unknown"),
        ("lived_and_unheard", "unknown"),
        ("one_peer", "unknown"),
        ("two_peers", "fine"),
        ("dim", "unknown"),
        ("lost_channel", "unknown"),
        ("replaced", "removed"),
        ("replaced_unlisted", "removed"),
        ("before", "removed"),
        ("open", "fine"),
        ("nothing_final", "unknown"),
    ],
)
def test_the_class_of_a_panel(built: Plant, system_id: str, expected: str) -> None:
    assert health(built, system_id)["class"] == expected


def test_the_sibling_of_a_dead_or_weak_input_is_judged_by_itself(built: Plant) -> None:
    for system_id in ("weak", "dead_all_along", "dead_of_late", "unused", "lost_channel"):
        assert health(built, system_id, B)["class"] == "fine"


def test_others_go_on_where_an_ecu_is_offline_or_an_inverter_removed(built: Plant) -> None:
    for system_id in ("ecu_silent_3", "null_for_3", "zero_for_3", "replaced"):
        assert [health(built, system_id, panel)["class"] for panel in (B, C)] == [
            health(built, system_id)["class"],
            "fine",
        ]


def test_a_weak_panel_with_every_number(built: Plant) -> None:
    assert health(built, "weak") == {
        "system_id": "weak",
        "place": "I1-1",
        "label": None,
        "ecu_id": "E1",
        "inverter_id": "I1",
        "channel": 1,
        "first_date": FIRST,
        "last_date": date(2024, 3, 30),
        "days_compared": 30,
        "days_reported": 30,
        "energy_kwh": 21.0,
        "ratio": 0.7,
        "recent_ratio": 0.7,
        "class": "weak",
        "evidence": "70% of its peers on 30 days",
        "evidence_call_id": None,
        "since_date": None,
        "loss_kwh": 9.0,  # 30 days of 0.3 kWh
        "loss_basis": "30 days against the median of 3 peers",
        "last_energy_date": date(2024, 3, 30),
        "is_listed": False,
    }


def test_an_input_that_died_is_known_before_the_window_is_full_of_it(built: Plant) -> None:
    """Four of the newest seven days decide; what it lost is that of these four."""
    row = health(built, "dead_of_late")
    assert (row["ratio"], row["recent_ratio"], row["loss_kwh"]) == (1.0, 0.0, 4.0)
    assert row["last_energy_date"] == date(2024, 3, 26)


def test_days_without_sun_are_reported_but_not_compared(built: Plant) -> None:
    row = health(built, "snow")
    assert (row["days_compared"], row["days_reported"], row["ratio"]) == (20, 30, 0.7)
    assert (row["loss_kwh"], row["loss_basis"]) == (6.0, "20 days against the median of 3 peers")
    assert health(built, "snow", B)["class"] == "fine"


def test_a_panel_polled_every_second_day_is_compared_on_those_days(built: Plant) -> None:
    row = health(built, "every_second_day")
    assert (row["days_compared"], row["days_reported"], row["ratio"]) == (15, 15, 1.0)
    assert (row["last_date"], row["last_energy_date"]) == (date(2024, 3, 30), date(2024, 3, 29))


def test_only_weak_and_dead_panels_have_lost_anything(built: Plant) -> None:
    losing = built.query("SELECT DISTINCT class FROM mart.panel_health WHERE loss_kwh IS NOT NULL ORDER BY 1")
    assert [row["class"] for row in losing] == ["dead input", "weak"]
    without_basis = "FROM mart.panel_health WHERE (loss_kwh IS NULL) <> (loss_basis IS NULL)"
    assert built.query(without_basis) == []


def test_the_window_is_the_newest_thirty_final_days(built: Plant) -> None:
    row = health(built, "healthy")
    assert (row["first_date"], row["last_date"], row["days_reported"]) == (
        date(2024, 3, 11),
        date(2024, 4, 9),
        30,
    )
    row = health(built, "open")
    assert (row["last_date"], row["days_reported"], row["ratio"]) == (date(2024, 3, 8), 8, 1.0)
    row = health(built, "nothing_final")
    assert (row["first_date"], row["days_compared"], row["days_reported"]) == (None, 0, 0)
    assert row["ratio"] is None


def test_a_removed_inverter_keeps_its_row_when_its_days_have_left_the_window(built: Plant) -> None:
    row = health(built, "before")
    assert (row["first_date"], row["days_reported"], row["ratio"]) == (date(2024, 3, 21), 0, None)
    assert (row["last_energy_date"], row["is_listed"]) == (date(2024, 3, 15), True)


def test_each_month_is_judged_by_itself(built: Plant) -> None:
    """Forty days of 1 kWh, 31 of them in March."""
    march, april = months(built, "healthy")
    assert (march["month"], march["energy_kwh"], march["days_compared"]) == (date(2024, 3, 1), 31.0, 31)
    assert (april["month"], april["energy_kwh"], april["days_compared"]) == (date(2024, 4, 1), 9.0, 9)
    assert (march["class"], april["class"], april["ratio"]) == ("fine", "fine", 1.0)


@pytest.mark.parametrize(
    ("system_id", "then"), [("silent_in_april", "offline"), ("gone_in_april", "removed")]
)
def test_what_was_true_of_a_month_stays_true_of_it(built: Plant, system_id: str, then: str) -> None:
    assert [row["class"] for row in months(built, system_id)] == ["fine", then]


def test_a_removed_inverter_is_of_no_month_after_its_last(built: Plant) -> None:
    assert [row["month"] for row in months(built, "before")] == [date(2024, 3, 1)]


def test_days_that_cannot_be_compared_do_not_judge_the_month(built: Plant) -> None:
    (snow,) = months(built, "snow")
    assert (snow["ratio"], snow["days_compared"], snow["days_reported"]) == (0.7, 20, 30)
    (dim,) = months(built, "dim")
    assert (dim["ratio"], dim["days_compared"], dim["energy_kwh"]) == (None, 0, 0.3)


def test_a_month_before_the_first_energy_is_not_called_unused(built: Plant) -> None:
    (march, april) = months(built, "late_starter")
    assert (march["class"], march["since_date"]) == ("unknown", None)
    assert march["evidence"] == "no energy on the 31 days held; the first with energy is 2024-04-05"
    assert april["class"] != "unused channel"


def test_the_first_day_of_what_is_wrong_is_one_without_energy(built: Plant) -> None:
    assert health(built, "dead_of_late")["since_date"] == date(2024, 3, 27)
    assert health(built, "zero_for_3")["since_date"] == date(2024, 3, 28)
    assert health(built, "ecu_silent_3")["since_date"] == date(2024, 3, 28)
    assert health(built, "heard_by_call")["since_date"] == date(2024, 3, 28)
    assert health(built, "reset_to_0")["since_date"] is None


def test_every_class_says_what_it_rests_on(built: Plant) -> None:
    for mart in ("panel_health", "panel_month"):
        assert built.query(f"FROM mart.{mart} WHERE evidence IS NULL OR evidence = ''") == []
    call = health(built, "reset_to_0")["evidence_call_id"]
    assert health(built, "reset_to_0")["evidence"] == (
        f"lifetime 12.00 kWh in call {call}, and no energy on the 30 days held since 2024-03-01, while "
        "another input of its inverter gives energy"
    )


def test_what_is_absent_or_may_change_is_in_no_month(built: Plant) -> None:
    (null,) = months(built, "unused_null")
    assert (null["energy_kwh"], null["ratio"], null["days_reported"]) == (None, None, 0)
    (still_open,) = months(built, "open")
    assert (still_open["ratio"], still_open["days_reported"]) == (1.0, 8)
    assert months(built, "nothing_final") == []


def months(plant: Plant, system_id: str) -> list[dict[str, Any]]:
    """The months of the panel A."""
    return plant.query(f"FROM mart.panel_month WHERE system_id = '{system_id}' AND place = 'I1-1'")
