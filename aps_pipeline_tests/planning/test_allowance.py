"""What a day can spare: never more than there is, and nothing unspent at the end of the month."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aps_pipeline.periods import zone
from aps_pipeline.planning import Device, System, calls_for_history, calls_to_spare, refresh_calls_a_day
from aps_pipeline.tables import LEAN

ROOF = System(
    "S1",
    zone("Europe/Paris"),
    None,
    ecus=(Device("E1"), Device("E2"), Device("E3", last_day=date(2024, 1, 1))),
    meters=(Device("M1"),),
)


@given(limit=st.integers(0, 100_000), refresh=st.integers(0, 5_000), days=st.integers(1, 31))
def test_a_month_is_spent_to_the_last_call_and_never_overdrawn(limit: int, refresh: int, days: int) -> None:
    left = limit
    for ahead in range(days, 0, -1):
        spare = calls_to_spare(left, ahead * refresh, ahead)
        assert 0 <= spare <= left
        left -= spare
        left -= min(refresh, left)
    assert left >= 0
    if limit >= days * refresh:
        assert left == 0, "all of it was affordable"


@given(limit=st.integers(0, 10_000), days=st.integers(2, 31), skipped=st.integers(0, 30))
def test_what_a_day_did_not_use_goes_to_those_after_it(limit: int, days: int, skipped: int) -> None:
    left = limit
    for ahead in range(days, 0, -1):
        if ahead != skipped or ahead == 1:
            left -= calls_to_spare(left, 0, ahead)
    assert left == 0


@given(spare=st.integers(0, 10_000), inventory=st.integers(0, 10_000), days=st.integers(1, 31))
def test_inventory_comes_out_of_the_same_share(spare: int, inventory: int, days: int) -> None:
    history = calls_for_history(spare, inventory, days)
    assert history >= 0 and (history == 0 or history + inventory == spare)


def test_a_day_that_the_inventory_would_eat_up_is_saved_but_for_the_last() -> None:
    assert calls_for_history(30, 30, 20) == calls_for_history(119, 30, 8) == 0
    assert calls_for_history(120, 30, 7) == 90
    assert calls_for_history(40, 30, 1) == 10


def test_a_refresh_costs_what_may_have_changed_of_the_devices_now_there() -> None:
    weekly = (3 + 1 + 2) / 7  # inventory, months of the meter, years of system and meter
    lists = 2 * (1 + 1 / 30) + 1 / 2  # days of system and meter, months of the system
    panels = 2 * 2  # two ECUs: yesterday, and the day whose revision days have ended
    assert refresh_calls_a_day(LEAN, [ROOF]) == pytest.approx(weekly + lists + panels)
    assert refresh_calls_a_day(LEAN, []) == 0
