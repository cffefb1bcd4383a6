"""What the simulator serves for every table: it parses, is stamped as it was made, and adds up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from aps_pipeline.periods import zone
from aps_pipeline.simulator.history import Moment
from aps_pipeline_tests.parse.served import (
    KATHMANDU,
    LORD_HOWE,
    MOUNTAIN,
    NOW,
    PARIS,
    READ,
    devices,
    served,
    simulator,
    system_of,
)

DAYS = [
    (PARIS, date(2024, 7, 20)),
    (PARIS, date(2024, 3, 31)),
    (PARIS, date(2024, 10, 27)),
    (PARIS, date(2024, 2, 29)),
    (PARIS, date(2024, 2, 20)),
    (PARIS, date(2024, 12, 31)),
    (PARIS, date(2025, 1, 15)),
    (LORD_HOWE, date(2024, 2, 29)),
    (LORD_HOWE, date(2024, 4, 7)),
    (LORD_HOWE, date(2024, 10, 6)),
    (KATHMANDU, date(2024, 5, 14)),
    (KATHMANDU, date(2024, 6, 12)),
    (MOUNTAIN, date(2024, 3, 10)),
    (MOUNTAIN, date(2024, 11, 3)),
    (MOUNTAIN, date(2024, 12, 31)),
]
FLOWS = ("produced_kwh", "consumed_kwh", "imported_kwh", "exported_kwh")
SLOT_TABLES = [name for name, table in READ.items() if "label" in table.schema.names]
on_days = pytest.mark.parametrize(("sid", "day"), DAYS, ids=str)

Rows = list[dict[str, Any]]


def sums(rows: Iterable[dict[str, Any]], measure: str, *by: str) -> dict[Any, float]:
    """Sums of a measure by the values of some columns; a label counts for its hour."""
    found: defaultdict[Any, float] = defaultdict(float)
    for row in rows:
        hour = {"hour": int(row["label"][:2])} if "label" in row else {}
        key = tuple((row | hour)[name] for name in by)
        found[key] += row[measure] or 0.0
    return dict(found)


def agree(one: dict[Any, float], other: dict[Any, float], within: float) -> None:
    assert one or other
    differing = {
        key for key in one.keys() | other.keys() if abs(one.get(key, 0) - other.get(key, 0)) > within
    }
    assert not differing, {key: (one.get(key), other.get(key)) for key in differing}


def of_day(rows: Rows, day: date) -> Rows:
    return [row for row in rows if row["date"] == day]


@on_days
def test_every_table_parses(sid: str, day: date) -> None:
    offline = (sid, day) == (KATHMANDU, date(2024, 6, 12))
    for name, table in READ.items():
        found = served(name, sid, day)
        fading = table.source.level in ("minutely", "hourly", "power")
        assert bool(found) == (bool(devices(name, system_of(sid))) and not (offline and fading))
        assert all(row["system_id"] == sid and row["call_id"] == 7 for row in found)
        assert all("date" not in row or row["date"].year == day.year for row in found)


@on_days
def test_slots_end_when_they_were_recorded(sid: str, day: date) -> None:
    sim, system = simulator(), system_of(sid)
    now = Moment.at(NOW, system.timezone)
    true_ends: dict[tuple[bool, str], list[datetime]] = {}
    for ecu in system.ecus:
        records = sim.history.day(ecu, day, now)
        for night, each in ((True, records), (False, records.take(records.daylight))):
            ends = [datetime.fromtimestamp(end, UTC) for end in each.ends.tolist()]
            true_ends |= {
                (night, owner): ends for owner in (ecu.request_id, *(inv.uid for inv in ecu.inverters))
            }
    for name in SLOT_TABLES:
        device = next(n for n in ("meter_id", "ecu_id", "inverter_id") if n in READ[name].keys)
        found: defaultdict[tuple[Any, ...], list[datetime]] = defaultdict(list)
        for row in served(name, sid, day):
            series = (row[device], row.get("inverter_id"), row.get("channel"))
            found[series].append(row["end_utc"])
            local = row["end_utc"].astimezone(zone(system.timezone))
            assert (f"{local:%H:%M}", local.fold) == (row["label"], row["fold"])
        for (owner, *_), stamped in found.items():
            assert stamped == true_ends[device == "meter_id", owner]


@on_days
def test_slots_hours_and_days_agree(sid: str, day: date) -> None:
    hours = served("ecu_hourly_energy", sid, day)
    if not hours:
        return
    agree(
        sums(served("ecu_power", sid, day), "energy_kwh", "ecu_id", "hour"),
        sums(hours, "energy_kwh", "ecu_id", "hour"),
        0.07,
    )
    daily = of_day(served("ecu_daily_energy", sid, day), day)
    agree(sums(hours, "energy_kwh", "ecu_id"), sums(daily, "energy_kwh", "ecu_id"), 1e-9)
    dc = served("inverter_dc_telemetry", sid, day)
    by = ("inverter_id", "channel")
    inverter_hours = served("inverter_hourly_energy", sid, day)
    agree(sums(dc, "dc_energy_kwh", *by, "hour"), sums(inverter_hours, "energy_kwh", *by, "hour"), 1e-9)
    inverter_days = of_day(served("inverter_daily_energy", sid, day), day)
    mounted = {key: kwh for key, kwh in sums(inverter_days, "energy_kwh", *by).items() if kwh}
    agree(sums(inverter_hours, "energy_kwh", *by), mounted, 1e-9)


@on_days
def test_levels_agree_up_to_the_lifetime(sid: str, day: date) -> None:
    for kind, ids, measures, within in (
        ("system", (), ("energy_kwh",), 1e-6),
        ("ecu", ("ecu_id",), ("energy_kwh",), 1e-6),
        ("inverter", ("inverter_id", "channel"), ("energy_kwh",), 0.06),
        ("meter", ("meter_id",), FLOWS, 0.02),
    ):
        days, months, years = (
            served(f"{kind}_{level}_energy", sid, day) for level in ("daily", "monthly", "yearly")
        )
        if not years:
            continue
        month = [row for row in months if row["month"] == day.replace(day=1)]
        year = [row for row in years if row["year"] == day.year]
        for measure in measures:
            agree(sums(days, measure, *ids), sums(month, measure, *ids), within)
            agree(sums(months, measure, *ids), sums(year, measure, *ids), within)


@on_days
def test_channels_inverters_ecus_and_system_agree(sid: str, day: date) -> None:
    for level, label in (("hourly", "hour"), ("daily", "date"), ("monthly", "month"), ("yearly", "year")):
        system, ecus, channels = (
            sums(served(f"{kind}_{level}_energy", sid, day), "energy_kwh", label)
            for kind in ("system", "ecu", "inverter")
        )
        if system:
            agree(system, ecus, 1e-6)
            agree(system, channels, 0.15)


@on_days
def test_panels_agree_with_their_ecu(sid: str, day: date) -> None:
    panels = sums(served("inverter_batch_power", sid, day), "power_w", "ecu_id", "label", "fold")
    whole = sums(served("ecu_power", sid, day), "power_w", "ecu_id", "label", "fold")
    if whole:
        agree(panels, whole, 12.0)
        dc = served("inverter_dc_telemetry", sid, day)
        by = ("inverter_id", "label", "fold")
        given = {key: 0.96 * watts for key, watts in sums(dc, "dc_power_w", *by).items()}
        agree(sums(served("inverter_ac_telemetry", sid, day), "ac_power_w", *by), given, 0.3)
        assert all(row["dc_voltage_v"] > 20 and row["dc_current_a"] >= 0 for row in dc)


@pytest.mark.parametrize(("sid", "day"), [each for each in DAYS if each[0] in (PARIS, MOUNTAIN)], ids=str)
def test_a_meter_balances_through_the_night(sid: str, day: date) -> None:
    slots = served("meter_power", sid, day)
    for row in [*slots, *served("meter_hourly_energy", sid, day), *served("meter_daily_energy", sid, day)]:
        produced, consumed, imported, exported = (row[flow] for flow in FLOWS)
        assert abs(produced + imported - consumed - exported) < 0.0021
    for row in slots:
        assert abs(row["imported_exported_w"] - row["consumed_w"] + row["produced_w"]) < 0.02
    for flow in FLOWS:
        agree(sums(slots, flow, "hour"), sums(served("meter_hourly_energy", sid, day), flow, "hour"), 6e-4)
    assert len({row["label"][:2] for row in slots}) >= (12 if day == date(2025, 1, 15) else 23)


def test_the_repeated_hour_of_a_meter_is_there_twice() -> None:
    for sid, day, hour in ((PARIS, date(2024, 10, 27), "02"), (MOUNTAIN, date(2024, 11, 3), "01")):
        slots = [row for row in served("meter_power", sid, day) if row["label"].startswith(hour)]
        assert {row["fold"] for row in slots} == {0, 1} and len(slots) > 12
        (hourly,) = (row for row in served("meter_hourly_energy", sid, day) if row["hour"] == int(hour))
        assert hourly["consumed_kwh"] == pytest.approx(sum(row["consumed_kwh"] for row in slots), abs=6e-4)
    spring = served("meter_power", PARIS, date(2024, 3, 31))
    assert not [row for row in spring if row["label"].startswith("02")]


def test_summaries_are_the_sums_of_the_levels() -> None:
    today = NOW.date()
    for system in simulator().fleet.systems:
        for kind, ids in (("system", ()), ("ecu", ("ecu_id",)), ("inverter", ("inverter_id", "channel"))):
            within = 1e-6 if kind != "inverter" else 0.02
            summary = served(f"{kind}_summary", system.sid, today)
            years = served(f"{kind}_yearly_energy", system.sid, today)
            months = [
                row
                for row in served(f"{kind}_monthly_energy", system.sid, today)
                if row["month"] == date(2025, 1, 1)
            ]
            agree(sums(summary, "lifetime_kwh", *ids), sums(years, "energy_kwh", *ids), 2 * within)
            agree(sums(summary, "month_kwh", *ids), sums(months, "energy_kwh", *ids), within)
            assert all(row["taken_utc"] == NOW for row in summary)
    (meter,) = served("meter_summary", PARIS, today)
    years = served("meter_yearly_energy", PARIS, today)
    for flow in ("produced", "consumed", "imported", "exported"):
        lifetime = sum(row[f"{flow}_kwh"] for row in years)
        assert meter[f"{flow}_lifetime_kwh"] == pytest.approx(lifetime, abs=0.01)
        assert meter[f"{flow}_today_kwh"] <= meter[f"{flow}_month_kwh"] <= meter[f"{flow}_year_kwh"]


def test_what_is_final_is_said_where_the_contract_says_so() -> None:
    for name in ("ecu_daily_energy", "system_daily_energy"):
        final = [row["is_final"] for row in served(name, PARIS, date(2025, 1, 15))]
        assert final == [True] * 9 + [False] * 6
