"""Every table at once: each answer is paid for once, and the rows are what was served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aps_pipeline.ingest import Summary
from aps_pipeline.simulator import Simulator
from aps_pipeline.tables import FETCHED, get_table
from aps_pipeline_tests.simulator.caller import data
from aps_pipeline_tests.sites import EAST, EAST_ECU, WEST, WEST_BARN, WEST_ECU, Site, a_fleet, serving

FIRST, LAST = date(2024, 3, 9), date(2024, 3, 10)
"""The second day is that on which New York skips an hour."""
TABLES = tuple(table.name for table in FETCHED)
QUAD = "902000000112"
INVERTERS = {EAST: ("702000000111", QUAD), WEST: ("702000000211", "702000000221")}
FLOWS = ("produced", "consumed", "imported", "exported")
SPANS = ("today", "month", "year", "lifetime")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """After one run of everything; nobody changes it."""
    with serving(tmp_path_factory.mktemp("every") / "data") as site:
        run = site.collect(FIRST, LAST, TABLES)
        assert run.summary.complete == run.summary.partitions, run.summary.failures
        assert run.summary.calls == site.calls
        assert not run.summary.new_events
        yield site


@pytest.fixture(scope="module")
def oracle(collected: Site) -> Simulator:
    """The same history, asked without the program."""
    return Simulator(a_fleet(), now=collected.clock)


def numbers(served: list[str]) -> list[float]:
    return [float(text) for text in served]


def test_every_answer_is_paid_for_once(collected: Site) -> None:
    """Two days, one month, one year: DC and AC telemetry come with one call."""
    systems, ecus, inverters, meters = 2, 3, 4, 1
    devices = systems + ecus + inverters + meters
    a_day = devices + (ecus + inverters + meters) + 2 * ecus  # by hour, by slot, batch energy and power
    assert collected.calls == 3 * systems + 2 * a_day + devices + devices + 2 * devices
    assert len(set(collected.simulator.requests)) == collected.calls


def test_run_again_it_makes_no_call_and_changes_no_byte(collected: Site) -> None:
    before, calls = collected.digest(), collected.calls
    run = collected.collect(FIRST, LAST, TABLES, app_id=None, app_secret=None)
    assert collected.calls == calls and run.summary.complete == run.summary.partitions
    assert collected.digest() == before


@pytest.mark.parametrize("name", TABLES)
def test_rebuilt_without_a_call_it_has_the_same_bytes(collected: Site, name: str) -> None:
    before, calls = collected.digest(), collected.calls
    pipeline = collected.pipeline(app_id=None, app_secret=None)

    assert list(pipeline.rebuild(Summary(), [get_table(name)]))
    pipeline.ledger.close()
    assert collected.digest() == before and collected.calls == calls


def test_slots_of_a_meter_are_those_served(collected: Site, oracle: Simulator) -> None:
    served = data(oracle, f"{EAST}/devices/meter/period/{EAST_ECU}", "minutely", "2024-03-09")
    rows = collected.frame("meter_power", date=FIRST).sort_values("end_utc")
    assert rows["label"].tolist() == served["time"]
    for flow in FLOWS:
        assert rows[f"{flow}_kwh"].tolist() == numbers(served["energy"][flow])
    for power in ("produced", "consumed", "imported_exported"):
        assert rows[f"{power}_w"].tolist() == numbers(served["power"][power])
    first = rows.iloc[0]
    hour, minute = map(int, first["label"].split(":"))
    wall = datetime(2024, 3, 9, hour, minute, tzinfo=ZoneInfo("Asia/Kathmandu"))
    assert first["end_utc"].to_pydatetime() == wall.astimezone(UTC)


def test_channels_of_an_inverter_are_those_served(collected: Site, oracle: Simulator) -> None:
    served = data(oracle, f"{EAST}/devices/inverter/energy/{QUAD}", "minutely", "2024-03-09")
    dc = collected.frame("inverter_dc_telemetry", date=FIRST, inverter_id=QUAD)
    ac = collected.frame("inverter_ac_telemetry", date=FIRST, inverter_id=QUAD).sort_values("end_utc")
    for channel in (1, 2, 3, 4):
        rows = dc[dc["channel"] == channel].sort_values("end_utc")
        assert rows["label"].tolist() == served["t"]
        assert rows["dc_power_w"].tolist() == numbers(served[f"dc_p{channel}"])
        assert rows["dc_energy_kwh"].tolist() == numbers(served[f"dc_e{channel}"])
    assert ac["ac_frequency_hz"].tolist() == numbers(served["ac_f"])
    assert set(ac["call_id"]) == set(dc["call_id"]), "one call gave both"
    hours = data(oracle, f"{EAST}/devices/inverter/energy/{QUAD}", "hourly", "2024-03-09")
    by_hour = collected.frame("inverter_hourly_energy", date=FIRST, inverter_id=QUAD, channel=3)
    assert by_hour.sort_values("hour")["energy_kwh"].tolist() == numbers(hours["e3"])


def test_power_of_panels_is_that_served(collected: Site, oracle: Simulator) -> None:
    for sid, eid in ((EAST, EAST_ECU), (WEST, WEST_ECU), (WEST, WEST_BARN)):
        served = data(oracle, f"{sid}/devices/inverter/batch/energy/{eid}", "power", "2024-03-10")
        rows = collected.frame("inverter_batch_power", date=LAST, ecu_id=eid)
        assert len(rows) == len(served["time"]) * len(served["power"])
        for name, series in served["power"].items():
            uid, channel = name.split("-")
            mine = rows[(rows["inverter_id"] == uid) & (rows["channel"] == int(channel))]
            assert mine.sort_values("end_utc")["power_w"].tolist() == numbers(series)


def test_the_hour_that_spring_skips_has_no_slot(collected: Site) -> None:
    for table in ("ecu_power", "inverter_batch_power", "inverter_ac_telemetry"):
        labels = collected.frame(table, date=LAST, system_id=WEST)["label"]
        assert len(labels) and not labels.str.startswith("02").any()
    hour = collected.frame("ecu_hourly_energy", date=LAST, ecu_id=WEST_BARN, hour=2).iloc[0]
    assert hour["start_utc"] == hour["end_utc"]


def test_a_summary_is_that_served(collected: Site, oracle: Simulator) -> None:
    rows = collected.frame("inverter_summary", inverter_id=QUAD).sort_values("channel")
    served = data(oracle, f"{EAST}/devices/inverter/summary/{QUAD}")
    for span, letter in zip(SPANS, "dmyt", strict=True):
        assert rows[f"{span}_kwh"].tolist() == [float(served[f"{letter}{n}"]) for n in (1, 2, 3, 4)]
    (meter,) = collected.frame("meter_summary").to_dict("records")
    served = data(oracle, f"{EAST}/devices/meter/summary/{EAST_ECU}")
    assert all(meter[f"{f}_{s}_kwh"] == float(served[s][f]) for s in SPANS for f in FLOWS)
    assert {row["taken_utc"].to_pydatetime() for row in rows.to_dict("records")} == {collected.clock.instant}


def test_each_snapshot_is_kept(site: Site) -> None:
    day, tables = date(2024, 3, 19), ("system_summary", "inverter_summary")
    first = site.clock.instant
    site.collect(day, day, tables)
    assert site.collect(day, day, tables, revise=True).summary.calls == 0, "once a day"
    site.clock.turn(days=1)
    assert site.collect(day, day, tables).summary.calls == 0, "that day had ended when it was taken"
    site.collect(day, day, tables, revise=True)
    taken = [first, first + timedelta(days=1)]
    for table, each in (("system_summary", 2), ("inverter_summary", 2 + 4 + 2 + 2)):
        rows = site.frame(table)
        assert sorted(set(rows["taken_utc"].dt.to_pydatetime())) == taken
        assert len(rows) == 2 * each
    before = site.digest()
    pipeline = site.pipeline()

    list(pipeline.rebuild(Summary()))
    pipeline.ledger.close()
    assert site.digest() == before


def test_a_snapshot_is_kept_although_another_device_has_none_yet(site: Site) -> None:
    day = date(2024, 3, 19)
    site.collect(day, day, ("systems", "inverters", "meters"))
    run = site.collect(day, day, ("inverter_summary",), max_calls=1)
    assert not run.of("inverter_summary", "").is_complete
    assert len(set(site.frame("inverter_summary")["inverter_id"])) == 1
