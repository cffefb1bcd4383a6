"""The same energy is asked for at every level, and the answers agree to what they print."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from aps_pipeline.simulator import Simulator
from aps_pipeline.simulator.fleet import System
from aps_pipeline_tests.simulator.caller import by_hour, data, key, panels, total

PARIS, CALGARY, LORD_HOWE = "A0E1253B7C9D4F60", "C12263D8840175AF", "AZ24419C3DFF"
DAYS = [
    (PARIS, date(2025, 7, 20)),
    (PARIS, date(2025, 3, 30)),
    (PARIS, date(2025, 10, 26)),
    (PARIS, date(2024, 2, 29)),
    (PARIS, date(2025, 12, 31)),
    (CALGARY, date(2025, 1, 1)),
    (CALGARY, date(2025, 6, 30)),
    (CALGARY, date(2025, 11, 2)),
    (LORD_HOWE, date(2025, 4, 6)),
    (LORD_HOWE, date(2025, 10, 5)),
    (LORD_HOWE, date(2024, 2, 29)),
]
CENT = Decimal("0.01")
FLOWS = ("produced", "consumed", "imported", "exported")

on_days = pytest.mark.parametrize(("sid", "day"), DAYS, ids=str)


def system(sim: Simulator, sid: str) -> System:
    found = sim.fleet.system(sid)
    assert found is not None
    return found


@on_days
def test_hours_add_up_to_their_day(sim: Simulator, sid: str, day: date) -> None:
    paths = [
        f"energy/{sid}",
        *(f"{sid}/devices/ecu/energy/{ecu.request_id}" for ecu in system(sim, sid).ecus),
    ]
    for path in paths:
        hours = data(sim, path, "hourly", key(day))
        assert total(hours) == Decimal(data(sim, path, "daily", key(day, 7))[day.day - 1]) > 0


@on_days
def test_ecus_add_up_to_their_system(sim: Simulator, sid: str, day: date) -> None:
    for level, length in (("hourly", 10), ("daily", 7), ("monthly", 4), ("yearly", 0)):
        whole = data(sim, f"energy/{sid}", level, key(day, length))
        each = [
            data(sim, f"{sid}/devices/ecu/energy/{ecu.request_id}", level, key(day, length))
            for ecu in system(sim, sid).ecus
        ]
        assert [total(list(column)) for column in zip(*each, strict=True)] == list(map(Decimal, whole))


@on_days
def test_slots_add_up_to_the_hour_of_their_label(sim: Simulator, sid: str, day: date) -> None:
    for ecu in system(sim, sid).ecus:
        path = f"{sid}/devices/ecu/energy/{ecu.request_id}"
        hours = data(sim, path, "hourly", key(day))
        slots = data(sim, path, "minutely", key(day))
        for hour, slot_sum in zip(hours, by_hour(slots["time"], slots["energy"]), strict=True):
            assert abs(Decimal(hour) - slot_sum) <= CENT * 7
        assert Decimal(slots["today"]) == total(slots["energy"])
        assert abs(Decimal(slots["today"]) - total(hours)) < Decimal("0.2")


@on_days
def test_panels_add_up_to_their_ecu(sim: Simulator, sid: str, day: date) -> None:
    for ecu in system(sim, sid).ecus:
        batch = panels(
            data(sim, f"{sid}/devices/inverter/batch/energy/{ecu.request_id}", "energy", key(day))["energy"]
        )
        entry = data(sim, f"{sid}/devices/ecu/energy/{ecu.request_id}", "daily", key(day, 7))[day.day - 1]
        assert abs(sum(batch.values()) - Decimal(entry)) <= CENT / 2


@on_days
def test_a_channel_is_the_same_at_every_level(sim: Simulator, sid: str, day: date) -> None:
    for ecu in system(sim, sid).ecus:
        batch = panels(
            data(sim, f"{sid}/devices/inverter/batch/energy/{ecu.request_id}", "energy", key(day))["energy"]
        )
        for inverter in ecu.inverters[:2]:
            path = f"{sid}/devices/inverter/energy/{inverter.uid}"
            month = data(sim, path, "daily", key(day, 7))
            hours = data(sim, path, "hourly", key(day))
            slots = data(sim, path, "minutely", key(day))
            for n in range(1, inverter.channels + 1):
                energy = batch[inverter.uid, n]
                assert energy == Decimal(month[f"e{n}"][day.day - 1]) == total(hours[f"e{n}"])
                assert by_hour(slots["t"], slots[f"dc_e{n}"]) == list(map(Decimal, hours[f"e{n}"]))


@on_days
def test_power_of_panels_is_aligned_with_their_ecu(sim: Simulator, sid: str, day: date) -> None:
    for ecu in system(sim, sid).ecus:
        slots = data(sim, f"{sid}/devices/ecu/energy/{ecu.request_id}", "minutely", key(day))
        batch = data(sim, f"{sid}/devices/inverter/batch/energy/{ecu.request_id}", "power", key(day))
        assert batch["time"] == slots["time"]
        for n, watts in enumerate(slots["power"]):
            assert abs(watts - sum(int(column[n]) for column in batch["power"].values())) <= 12


@pytest.mark.parametrize("sid", [PARIS, CALGARY, LORD_HOWE])
def test_days_add_up_to_months_and_months_to_years(sim: Simulator, sid: str) -> None:
    path = f"energy/{sid}"
    years = data(sim, path, "yearly", "")
    first = system(sim, sid).create_date.year
    for year, entry in enumerate(years, first):
        months = data(sim, path, "monthly", str(year))
        assert total(months) == Decimal(entry)
        for month, text in enumerate(months, 1):
            if text != "0":
                assert total(data(sim, path, "daily", f"{year}-{month:02d}")) == Decimal(text)
    summary = data(sim, f"summary/{sid}")
    assert Decimal(summary["lifetime"]) == total(years)
    assert (summary["month"], summary["year"]) == (months[-1], years[-1])


def test_channels_add_up_to_months_and_years_within_rounding(sim: Simulator) -> None:
    ecu = system(sim, CALGARY).ecus[1]
    for level, date_range in (("monthly", "2025"), ("yearly", "")):
        entries = data(sim, f"{CALGARY}/devices/ecu/energy/{ecu.request_id}", level, date_range)
        each = [
            data(sim, f"{CALGARY}/devices/inverter/energy/{inv.uid}", level, date_range)
            for inv in ecu.inverters
        ]
        for n, entry in enumerate(entries):
            channels = sum(Decimal(one[f"e{c}"][n]) for one in each for c in (1, 2))
            assert channels == pytest.approx(Decimal(entry), abs=Decimal("0.6"))


METERED = [day for sid, day in DAYS if sid == PARIS]


@pytest.mark.parametrize("day", METERED, ids=str)
def test_a_meter_balances_in_every_slot_and_hour(sim: Simulator, day: date) -> None:
    path = f"{PARIS}/devices/meter/period/216200041835"
    slots = data(sim, path, "minutely", key(day))
    hours = data(sim, path, "hourly", key(day))
    month = data(sim, path, "daily", key(day, 7))
    for row in zip(*(map(Decimal, slots["energy"][flow]) for flow in FLOWS), strict=True):
        assert row[0] + row[2] == row[1] + row[3]
        assert min(row[2], row[3]) == 0
    for flow in FLOWS:
        exact = by_hour(slots["time"], slots["energy"][flow])
        assert all(
            abs(Decimal(hour) - slot_sum) <= CENT / 20
            for hour, slot_sum in zip(hours[flow], exact, strict=True)
        )
        assert total(slots["energy"][flow]) == Decimal(slots["today"][flow])
        assert abs(total(hours[flow]) - Decimal(month[flow][day.day - 1])) <= 25 * CENT / 20


@pytest.mark.parametrize("day", METERED, ids=str)
def test_a_meter_and_its_ecu_produce_the_same(sim: Simulator, day: date) -> None:
    ecu = data(sim, f"{PARIS}/devices/ecu/energy/216200041835", "daily", key(day, 7))
    meter = data(sim, f"{PARIS}/devices/meter/period/216200041835", "daily", key(day, 7))
    assert abs(Decimal(ecu[day.day - 1]) - Decimal(meter["produced"][day.day - 1])) <= CENT
    slots = data(sim, f"{PARIS}/devices/meter/period/216200041835", "minutely", key(day))
    for use, grid, made in zip(*(slots["power"][n] for n in sorted(slots["power"])), strict=True):
        assert float(grid) == pytest.approx(float(use) - float(made), abs=0.011)


def test_power_runs_above_energy_as_it_was_recorded(sim: Simulator) -> None:
    slots = data(sim, f"{PARIS}/devices/ecu/energy/216200041835", "minutely", "2025-07-20")
    ends = [int(label[:2]) * 60 + int(label[3:]) for label in slots["time"]]
    steps = [5, *(b - a for a, b in pairwise(ends))]
    integrated = sum(w * s / 60_000 for w, s in zip(slots["power"], steps, strict=True))
    assert 1.03 < integrated / float(slots["today"]) < 1.06
