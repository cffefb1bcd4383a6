"""In six zones and on every kind of day, the same energy is the same at every level.

Tolerances are those of the decimals that the API prints, and follow from how many rounded numbers are added.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from aps_pipeline.periods import zone
from aps_pipeline.simulator import Fleet, Simulator, awkward_fleet
from aps_pipeline.simulator.fleet import Ecu, Inverter, System
from aps_pipeline_tests.simulator import series as s
from aps_pipeline_tests.simulator.caller import key
from aps_pipeline_tests.simulator.series import FLOWS, Thing, by_label, things

BEGAN = date(2023, 12, 31)
TODAY = date(2024, 11, 15)
PLACES = {
    "Europe/Paris": (48.9, 2.4, ["2024-03-31", "2024-10-27"]),
    "America/New_York": (40.7, -74.0, ["2024-03-10", "2024-11-03"]),
    "Australia/Lord_Howe": (-31.6, 159.1, ["2024-10-06", "2024-04-07"]),
    "Canada/Mountain": (51.1, -114.1, ["2024-03-10", "2024-11-03"]),
    "Asia/Kathmandu": (27.7, 85.3, []),
    "Pacific/Apia": (-13.8, -171.8, []),
}
COMMON = ["2023-12-31", "2024-02-29", "2024-07-20", "2024-10-31", TODAY.isoformat()]
AWKWARD = {
    "K77015E209B1": ["2023-11-05", "2024-02-29", "2025-05-13", "2025-05-14", "2025-06-12", "2026-01-15"],
    "N40718D5A6E2": ["2025-02-14", "2025-03-09", "2025-11-02"],
    "P68501C3E7A4": ["2024-08-09", "2025-09-16", "2025-09-17", "2025-11-03", "2026-01-15"],
    "B2024119F0C8": ["2025-03-30", "2025-10-26"],
    "H31555A7D902": ["2025-01-31", "2025-04-06", "2025-10-05", "2026-01-15"],
    "D51114C0E3B7": ["2025-03-09", "2025-11-02", "2025-12-31"],
}
DAYS = [(name, day) for name, (_, _, dst) in PLACES.items() for day in (*dst, *COMMON)]
DAYS += [(sid, day) for sid, days in AWKWARD.items() for day in days]
AUTUMN = [(name, days[1], hour) for (name, (_, _, days)), hour in zip(PLACES.items(), "2111", strict=False)]
SPRING = [(name, days[0]) for name, (_, _, days) in PLACES.items() if days]
LENGTHS = {"hourly": 10, "daily": 7, "monthly": 4, "yearly": 0}
CENT, MILLI, EXACT = Decimal("0.005"), Decimal("0.0005"), Decimal(0)

on_days = pytest.mark.parametrize(("where", "day"), DAYS, ids=str)


def built(name: str) -> System:
    lat, lon, _ = PLACES[name]
    number = [*PLACES].index(name)
    roof = (
        Inverter(uid=f"70{number}1"),
        Inverter(uid=f"90{number}2", type="QT2D", channels=4, azimuth=100.0),
    )
    barn = (Inverter(uid=f"80{number}3", channels=1, azimuth=300.0),)
    return System(name.replace("/", "0").replace("_", "0"), name, lat, lon, BEGAN, (
        Ecu(f"21{number}", roof, meter=True),
        Ecu(f"20{number}-1", barn),
    ))  # fmt: skip


@cache
def simulator(where: str, now: datetime | None = None) -> tuple[Simulator, System]:
    """A system by zone or id, and a simulator of it; by default shortly after one o'clock on its last day."""
    if where in PLACES:
        system, last = built(where), TODAY
    else:
        found = awkward_fleet().system(where)
        assert found is not None
        system, last = found, date(2026, 1, 15)
    instant = now or datetime(last.year, last.month, last.day, 13, 7, tzinfo=zone(system.timezone))
    return Simulator(Fleet((system,)), now=lambda: instant.astimezone(UTC)), system


@cache
def read(where: str, thing: Thing, level: str, date_range: str) -> s.Series:
    return s.series(simulator(where)[0], thing, level, date_range)


def close(one: Any, other: Any, within: Decimal) -> None:
    pairs = list(zip(one, other, strict=True))
    assert all(abs(a - b) <= within for a, b in pairs), [pair for pair in pairs if pair[0] != pair[1]]


@on_days
def test_slots_add_up_to_the_hour_of_their_label(where: str, day: str) -> None:
    sim, system = simulator(where)
    for thing in things(system, "ecu", "meter", "inverter"):
        hours = read(where, thing, "hourly", day)
        labels, slots = s.slots(sim, thing, day)
        assert bool(labels) == bool(hours)
        # A record of an ECU has two decimals, one of a meter or a panel has all that there are.
        most = max(Counter(label[:2] for label in labels).values(), default=0)
        within = {"ecu": CENT * (most + 2), "meter": MILLI, "inverter": EXACT}[thing.kind]
        for name, column in slots.items():
            close(by_label(labels, column), hours[name], within)


@on_days
def test_hours_are_days_are_months_are_years(where: str, day: str) -> None:
    when = date.fromisoformat(day)
    places = {"daily": when.day - 1, "monthly": when.month - 1}
    for thing in things(simulator(where)[1]):
        levels = {level: read(where, thing, level, key(when, n)) for level, n in LENGTHS.items()}
        first = simulator(where)[1].create_date.year
        for (fine, parts), (coarse, wholes) in zip(
            list(levels.items())[:-1], list(levels.items())[1:], strict=True
        ):
            for name, entries in wholes.items():
                total = sum(parts.get(name, []), Decimal(0))
                rounded = len(parts.get(name, [])) + 1
                within = {"meter": MILLI * rounded, "inverter": CENT * (rounded if fine == "monthly" else 1)}
                if thing.kind == "inverter" and fine == "hourly":
                    within["inverter"] = EXACT
                place = places.get(coarse, when.year - first)
                close([total], [entries[place]], within.get(thing.kind, EXACT))


@on_days
def test_channels_are_inverters_are_ecus_are_the_system(where: str, day: str) -> None:
    _, system = simulator(where)
    for level, length in LENGTHS.items():
        asked = (level, key(date.fromisoformat(day), length))
        ecus = [
            read(where, Thing("ecu", system.sid, ecu.request_id), *asked).get("energy") for ecu in system.ecus
        ]
        whole = read(where, Thing("system", system.sid), *asked).get("energy")
        told = [column for column in ecus if column]
        assert bool(told) == bool(whole)
        if whole:
            assert [*map(sum, zip(*told, strict=True))] == whole
        for ecu, energy in zip(system.ecus, ecus, strict=True):
            each = [read(where, Thing("inverter", system.sid, inv.uid), *asked) for inv in ecu.inverters]
            channels = [column for one in each for column in one.values()]
            if channels and energy:
                within = {"hourly": 2 * CENT, "daily": CENT, "monthly": 20 * CENT, "yearly": 80 * CENT}[level]
                close(map(sum, zip(*channels, strict=True)), energy, within)


@on_days
def test_a_batch_is_its_panels_and_its_ecu(where: str, day: str) -> None:
    sim, system = simulator(where)
    for ecu in system.ecus:
        path = f"{system.sid}/devices/inverter/batch/energy/{ecu.request_id}"
        energies, power = (s.good(sim, path, level, day) for level in ("energy", "power"))
        slots = s.good(sim, Thing("ecu", system.sid, ecu.request_id).path("energy"), "minutely", day)
        assert (energies is None) == (power is None) == (slots is None)
        if slots is None:
            continue
        found = {tuple(e.rsplit("-", 2)[:2]): Decimal(e.rsplit("-", 1)[1]) for e in _unscientific(energies)}
        assert {"-".join(panel) for panel in found} == power["power"].keys()
        mounted = [inv for inv in ecu.inverters if inv.covers(date.fromisoformat(day))]
        assert found.keys() == {(inv.uid, str(n + 1)) for inv in mounted for n in range(inv.channels)}
        for inverter in mounted:
            daily = read(where, Thing("inverter", system.sid, inverter.uid), "daily", day[:7])
            for n in range(1, inverter.channels + 1):
                assert found[inverter.uid, str(n)] == daily[f"e{n}"][int(day[8:]) - 1]
            alone = s.good(sim, Thing("inverter", system.sid, inverter.uid).path("energy"), "minutely", day)
            assert alone["t"] == power["time"] == slots["time"]
            watts = [s.number(v) for v in power["power"][f"{inverter.uid}-1"]]
            close(watts, map(s.number, alone["dc_p1"]), Decimal("0.55"))
        together = map(sum, zip(*([*map(s.number, v)] for v in power["power"].values()), strict=True))
        close(together, map(s.number, slots["power"]), Decimal(len(found) + 1) / 2)


def _unscientific(energies: Any) -> list[str]:
    """`uid-channel-kWh` without the minus of an exponent, which is none of its separators."""
    whole = [entry.rpartition("-") for entry in energies["energy"]]
    return [
        f"{head.rpartition('-')[0]}-{Decimal(head.rpartition('-')[2] + '-' + tail):f}"
        if "E" in head
        else entry
        for entry, (head, _, tail) in zip(energies["energy"], whole, strict=True)
    ]


@on_days
def test_a_meter_balances_at_every_level(where: str, day: str) -> None:
    sim, system = simulator(where)
    for thing in things(system, "meter"):
        tables = [(read(where, thing, level, day[:n]), 4 * MILLI) for level, n in LENGTHS.items()]
        found = s.good(sim, thing.path("energy"), "minutely", day)
        _, slots = s.slots(sim, thing, day)
        tables += [
            (slots, EXACT),
            *(({k: [v] for k, v in f.items()}, EXACT) for f in s.spans(sim, thing).values()),
        ]
        for table, within in tables:
            rows = zip(*(table[flow] for flow in FLOWS), strict=True)
            assert all(abs(p + i - c - e) <= within for p, c, i, e in rows)
        grid, used, made = (
            map(s.number, found["power"][n]) for n in ("imported_exported", "consumed", "produced")
        )
        for watts, use, make, bought, sold in zip(
            grid, used, made, slots["imported"], slots["exported"], strict=True
        ):
            assert (watts > 0) == (bought > sold) and (watts < 0) == (sold > bought)
            assert abs(use - make - watts) <= Decimal("0.011")
            # A house never uses less: what a missing record would have held is in the next one.
            assert use > 139
        for level, within in (("hourly", 2 * CENT + MILLI), ("daily", CENT + MILLI)):
            asked = (level, day[: LENGTHS[level]])
            produced = read(where, Thing("ecu", thing.sid, thing.device), *asked).get("energy")
            if produced:
                close(read(where, thing, *asked)["produced"], produced, within)


@pytest.mark.parametrize(("where", "day", "hour"), AUTUMN, ids=str)
def test_the_repeated_labels_of_a_meter_come_twice(where: str, day: str, hour: str) -> None:
    sim, system = simulator(where)
    labels, _ = s.slots(sim, things(system, "meter")[0], day)
    twice = [label for label, times in Counter(labels).items() if times == 2]
    repeated = [f"0{hour}:{minute:02d}" for minute in range(30 if "Howe" in where else 0, 60, 5)]
    assert set(twice) <= set(repeated) and len(twice) >= len(repeated) - 3
    back = [b for a, b in pairwise(labels) if b <= a]
    assert len(back) == 1, "one step back, and in order on either side"


@pytest.mark.parametrize(("where", "day"), SPRING, ids=str)
def test_the_skipped_labels_never_come(where: str, day: str) -> None:
    sim, system = simulator(where)
    skipped = [f"02:{minute:02d}" for minute in range(0, 30 if "Howe" in where else 60, 5)]
    for thing in things(system, "ecu", "meter", "inverter"):
        labels, _ = s.slots(sim, thing, day)
        assert labels and not set(labels) & set(skipped)
    hours = read(where, things(system, "meter")[0], "hourly", day)["consumed"]
    assert len(hours) == 24
    assert (hours[2] == 0) == (len(skipped) == 12)


MOMENTS = [
    ("Europe/Paris", "2024-10-27T02:32", 0),
    ("Europe/Paris", "2024-10-27T02:32", 1),
    ("Australia/Lord_Howe", "2024-04-07T01:47", 0),
    ("Australia/Lord_Howe", "2024-04-07T01:47", 1),
    ("America/New_York", "2024-11-03T01:20", 1),
    ("Canada/Mountain", "2024-03-10T03:01", 0),
    ("Canada/Mountain", "2024-02-29T14:44", 0),
    ("Pacific/Apia", "2024-03-01T00:03", 0),
    ("Asia/Kathmandu", "2024-01-01T00:00", 0),
    ("Asia/Kathmandu", "2023-12-31T12:00", 0),
    ("Europe/Paris", "2024-07-20T16:59", 0),
    ("K77015E209B1", "2025-06-12T12:00", 0),
    ("P68501C3E7A4", "2025-09-17T15:00", 0),
    ("P68501C3E7A4", "2025-12-02T15:00", 0),
    ("B2024119F0C8", "2025-10-26T02:59", 1),
    ("H31555A7D902", "2025-07-20T10:04", 0),
    ("D51114C0E3B7", "2025-12-31T20:00", 0),
]


@pytest.mark.parametrize(("where", "wall", "fold"), MOMENTS, ids=str)
def test_summaries_are_what_the_series_say_at_that_moment(where: str, wall: str, fold: int) -> None:
    name = where if where in PLACES else simulator(where)[1].timezone
    now = datetime.fromisoformat(wall).replace(tzinfo=zone(name), fold=fold)
    sim, system = simulator(where, now)
    for thing in things(system):
        if thing.kind == "inverter" and s.body(sim, thing.path("summary"))["code"] == 4001:
            continue  # not on the roof yet
        lists = {level: s.series(sim, thing, level, wall[:n]) for level, n in LENGTHS.items()}
        told = s.spans(sim, thing)
        exact = {"meter": MILLI, "inverter": EXACT}.get(thing.kind, EXACT)
        for span, level in (("today", "daily"), ("month", "monthly"), ("year", "yearly")):
            loose = CENT * len(system.ecus) if span == "today" and thing.kind in ("system", "ecu") else exact
            for flow, column in lists[level].items():
                close([told.get(span, {}).get(flow, Decimal(0))], column[-1:], loose)
        for flow, column in lists["yearly"].items():
            within = exact if thing.kind != "inverter" else CENT * (len(column) + 1)
            close([told["lifetime"][flow]], [sum(column)], within * (len(column) + 1))
        labels, slots = s.slots(sim, thing, wall[:10]) if thing.kind != "system" else ([], {})
        assert labels == [] or labels[-1] <= wall[11:], "nothing is told of what is still to come"
        for flow, column in slots.items():
            loose = CENT * len(labels) if thing.kind == "ecu" else EXACT
            close([told["today"][flow]], [sum(column)], loose)
