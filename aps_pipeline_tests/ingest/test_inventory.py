"""What stood on the roofs, when, and what answers name that nobody knew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from aps_pipeline.ingest.drift_events import DriftLog
from aps_pipeline.ledger import DriftKind
from aps_pipeline.request import Request
from aps_pipeline.simulator import Fleet
from aps_pipeline.simulator.fleet import Inverter
from aps_pipeline_tests.sites import EAST, Site, a_fleet, serving

INVENTORY = ("systems", "system_capacity", "ecus", "inverters", "meters")
PANELS = "inverter_batch_energy"
OLD, QUAD, NEW = "702000000111", "902000000112", "702000000113"


def with_inverters(*uids: str, **changed: object) -> Fleet:
    """The eastern system with these inverters."""
    east = a_fleet().systems[0]
    ecu = replace(east.ecus[0], inverters=tuple(Inverter(uid=uid) for uid in uids))
    return Fleet((replace(east, ecus=(ecu,), **changed),))  # type: ignore[arg-type]


class Life:
    """One data directory while the fleet changes behind it."""

    def __init__(self, data_dir: Path, stack: ExitStack) -> None:
        self._data_dir, self._stack = data_dir, stack

    def after(self, days: int, fleet: Fleet) -> Site:
        """The site so many days after the start, with the fleet that then stands there."""
        site = self._stack.enter_context(serving(self._data_dir, fleet=fleet))
        site.clock.turn(days=days)
        return site


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with ExitStack() as stack:
        yield Life(tmp_path / "data", stack)


def look(site: Site) -> Site:
    site.collect(date(2024, 3, 19), date(2024, 3, 19), INVENTORY, again=True)
    return site


def test_a_replaced_inverter_ends_and_its_successor_begins(life: Life) -> None:
    look(life.after(0, with_inverters(OLD, QUAD)))
    look(life.after(10, with_inverters(NEW, QUAD)))
    site = look(life.after(20, with_inverters(NEW, QUAD)))
    rows = site.frame("inverters").set_index("inverter_id")
    assert rows.loc[OLD, "gone_utc"] == rows.loc[NEW, "first_seen_utc"]
    assert (rows.loc[OLD, "gone_utc"] - rows.loc[OLD, "last_seen_utc"]).days == 10
    assert rows.loc[[NEW, QUAD], "gone_utc"].isna().all()
    assert (rows.loc[QUAD, "last_seen_utc"] - rows.loc[QUAD, "first_seen_utc"]).days == 20
    assert site.frame("ecus")["gone_utc"].isna().all()


def test_one_that_comes_back_is_there_again(life: Life) -> None:
    look(life.after(0, with_inverters(OLD, QUAD)))
    look(life.after(10, with_inverters(QUAD)))
    site = look(life.after(20, with_inverters(OLD, QUAD)))
    rows = site.frame("inverters").set_index("inverter_id")
    assert rows["gone_utc"].isna().all()
    assert (rows.loc[OLD, "last_seen_utc"] - rows.loc[OLD, "first_seen_utc"]).days == 20


def test_neither_is_asked_about_days_on_which_it_was_not_there(life: Life) -> None:
    look(life.after(0, with_inverters(OLD, QUAD)))
    site = look(life.after(10, with_inverters(NEW, QUAD)))
    site.collect(date(2024, 3, 15), date(2024, 3, 29), ("inverter_hourly_energy",))
    asked: dict[str, list[str]] = {}
    for path, query in site.simulator.requests:
        if "/inverter/energy/" in path:
            asked.setdefault(path[-12:], []).append(query[-10:])
    assert (min(asked[OLD]), max(asked[OLD])) == ("2024-03-15", "2024-03-20"), "last named on the 20th"
    assert (min(asked[NEW]), max(asked[NEW])) == ("2024-03-20", "2024-03-29"), "not yet named on the 20th"
    assert len(asked[QUAD]) == 15


def test_capacity_is_dated(life: Life) -> None:
    look(life.after(0, with_inverters(OLD, capacity="2.40")))
    look(life.after(5, with_inverters(OLD, capacity="2.40")))
    site = look(life.after(10, with_inverters(OLD, NEW, capacity="3.60")))
    rows = site.frame("system_capacity").sort_values("first_seen_utc")
    assert rows["capacity_kw"].tolist() == [2.4, 3.6]
    assert [(r.last_seen_utc - r.first_seen_utc).days for r in rows.itertuples()] == [5, 0]
    assert site.frame("systems")["capacity_kw"].tolist() == [3.6]


def asked_by(site: Site) -> list[str]:
    """The last part of every path that this site was asked for."""
    return [path.rsplit("/", 2)[-2] for path, _ in site.simulator.requests]


def test_data_of_an_unknown_inverter_is_kept_said_once_and_looked_up(life: Life) -> None:
    day, next_day = date(2024, 3, 18), date(2024, 3, 19)
    look(life.after(0, with_inverters(OLD)))
    site = life.after(0, with_inverters(OLD, NEW))
    run = site.collect(day, day, (PANELS,))
    assert asked_by(site) == ["energy"], "the inventory is of today"
    assert set(site.frame(PANELS)["inverter_id"]) == {OLD, NEW}
    (news,) = run.summary.new_events
    assert (news.kind, news.subject, news.name) == (DriftKind.INVERTER, EAST, NEW)
    assert news.call_id == site.frame(PANELS)["call_id"].iloc[0]
    assert run.summary.drift_sentences == [
        f"unknown inverter {NEW} ({EAST}), kept in the body of call {news.call_id}"
    ]
    for tables in ((PANELS,), (PANELS, "inverters")):
        assert site.collect(day, day, tables).summary.calls == 0, "nothing to do, nothing to ask"
    assert not site.collect(day, next_day, (PANELS,)).summary.new_events
    assert asked_by(site)[1:] == ["inverters", "energy"]
    assert set(site.frame("inverters")["inverter_id"]) == {OLD, NEW}


def test_an_inverter_that_the_inventory_never_names_is_looked_up_once(life: Life) -> None:
    fleets = with_inverters(OLD), with_inverters(OLD, NEW)
    look(life.after(0, fleets[0]))
    life.after(0, fleets[1]).collect(date(2024, 3, 15), date(2024, 3, 15), (PANELS,))
    site = life.after(0, fleets[0])
    site.collect(date(2024, 3, 19), date(2024, 3, 19), INVENTORY, revise=True)
    assert asked_by(site) == ["inverters"]
    site = life.after(0, fleets[1])
    for day in (16, 17, 18):
        site.collect(date(2024, 3, day), date(2024, 3, day), (PANELS,))
    assert asked_by(site) == ["energy"] * 3
    assert set(site.frame("inverters")["inverter_id"]) == {OLD}


def test_a_field_that_nobody_reads_is_said_once_and_takes_no_row(tmp_path: Path) -> None:
    day, tables = date(2024, 3, 18), ("meter_hourly_energy", "meter_daily_energy")
    with serving(tmp_path / "plain") as site:
        site.collect(day, day, tables)
        plain = site.frame(tables[0])
    with serving(tmp_path / "later", quirks=("later_fields",)) as site:
        run = site.collect(day, day, tables)
        assert run.summary.complete == run.summary.partitions
        fields = [s for s in run.summary.drift_sentences if s.startswith("unknown field remark")]
        assert len(fields) == 1 and " and 3 more)" in fields[0], "details, inverters, two levels of meters"
        assert site.frame(tables[0]).drop(columns="call_id").equals(plain.drop(columns="call_id"))
        assert not site.collect(day, date(2024, 3, 19), tables).summary.new_events


def test_no_more_names_are_kept_than_anybody_reads(site: Site) -> None:
    site.collect(date(2024, 3, 18), date(2024, 3, 18), ("systems",))
    pipeline = site.pipeline()
    room = DriftLog(pipeline.ledger)
    request = Request("system_details", "", EAST)
    for n in range(50):
        room.find_unknown_fields(request, 1, {f"field_{n}_{m}": 1 for m in range(20)})
    assert len(room.new_events) == len(pipeline.ledger.list_drift_events()) == 200
    assert DriftLog(pipeline.ledger).new_events == []
    pipeline.ledger.close()
