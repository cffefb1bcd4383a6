"""A system and its only ECU: asked once for both, as soon as kept answers have shown them equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.ingest import Summary, fleet
from aps_pipeline.ingest.ecu_equivalence import Verdict, equal_levels
from aps_pipeline.planning import Device
from aps_pipeline.simulator import Fleet
from aps_pipeline.simulator.fleet import Ecu, Inverter
from aps_pipeline_tests.sites import EAST, WEST, WEST_ECU, Site, a_fleet, serving

FIRST, WINTER, LAST = date(2024, 2, 10), date(2024, 12, 1), date(2025, 2, 9)
LEVELS = ("hourly", "daily", "monthly", "yearly")
SYSTEM = [f"system_{level}_energy" for level in LEVELS]
ECU = [f"ecu_{level}_energy" for level in LEVELS]


@pytest.fixture
def grown(tmp_path: Path) -> Iterator[Site]:
    """The account in March 2025, when its first years and months are final."""
    with serving(tmp_path / "data") as site:
        site.clock.instant = datetime(2025, 3, 1, 12, tzinfo=UTC)
        yield site


def asked_of_ecus(site: Site) -> Counter[str]:
    """Calls for ECU energy by level."""
    paths = [query for path, query in site.simulator.requests if "ecu/energy" in path]
    return Counter(next(level for level in LEVELS if level in query) for query in paths)


def ecu_rows_are_those_of_the_system(site: Site, sid: str = EAST) -> bool:
    for of_system, of_ecu in zip(SYSTEM, ECU, strict=True):
        first, second = (site.frame(name, system_id=sid) for name in (of_system, of_ecu))
        keys = [name for name in ("date", "month", "year", "hour") if name in first]
        both = first.merge(second, on=keys, suffixes=("", "_ecu"))
        if not len(both) == len(first) == len(second) or not both.energy_kwh.equals(both.energy_kwh_ecu):
            return False
    return True


def test_once_shown_equal_the_system_answers_for_its_ecu(grown: Site) -> None:
    run = grown.collect(WINTER, LAST, (*SYSTEM, *ECU), system_ids=(EAST,))
    assert run.summary.complete == run.summary.partitions
    counted = asked_of_ecus(grown)
    assert sum(counted.values()) <= 6 and counted["hourly"] == 1, "three pairs, and one of each level"
    assert ecu_rows_are_those_of_the_system(grown)
    rows = grown.frame("ecu_hourly_energy")
    assert set(rows["answered_by"]) == {"ecu", "system"} and set(rows["ecu_id"]) == {"203000000011"}
    whose = {True: "system", False: "ecu"}
    system_calls = set(grown.frame("system_hourly_energy")["call_id"])
    assert all(
        whose[call_id in system_calls] == by
        for call_id, by in zip(rows["call_id"], rows["answered_by"], strict=True)
    )
    assert grown.collect(WINTER, LAST, (*SYSTEM, *ECU), system_ids=(EAST,)).summary.calls == 0


def test_what_is_held_of_the_system_builds_the_ecu(grown: Site) -> None:
    grown.collect(WINTER, LAST, SYSTEM, system_ids=(EAST,))
    before = grown.calls
    grown.collect(WINTER, LAST, ECU, system_ids=(EAST,))
    assert grown.calls - before <= 6 + 3, "pairs, and the inventory"
    assert ecu_rows_are_those_of_the_system(grown)


def test_a_rebuild_gives_the_same_bytes(grown: Site) -> None:
    grown.collect(WINTER, LAST, (*SYSTEM, *ECU), system_ids=(EAST,))
    before = grown.digest()
    pipeline = grown.pipeline()
    assert list(pipeline.rebuild(Summary()))
    pipeline.ledger.close()
    after = grown.digest()
    assert {path: after[path] for path in before} == before


def test_ecus_alone_are_asked_themselves(grown: Site) -> None:
    last = date(2024, 3, 31)
    grown.collect(FIRST, last, (ECU[0],), system_ids=(EAST,))
    assert asked_of_ecus(grown)["hourly"] == 51 and set(grown.frame(ECU[0])["answered_by"]) == {"ecu"}


def test_of_two_ecus_each_is_asked(grown: Site) -> None:
    last = date(2024, 3, 31)
    grown.collect(date(2024, 3, 3), last, (SYSTEM[0], ECU[0]), system_ids=(WEST,))
    assert asked_of_ecus(grown)["hourly"] == 2 * 29


def test_one_pair_that_differs_is_enough_to_ask_all(grown: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = fleet._system

    def hidden(*details: Any) -> Any:
        """The inventory names one of two ECUs: the system's energy is that of both."""
        return replace(honest(*details), every_ecu=(Device(WEST_ECU),))

    monkeypatch.setattr(fleet, "_system", hidden)
    last = date(2024, 3, 31)
    grown.collect(date(2024, 3, 3), last, (SYSTEM[0], ECU[0]), system_ids=(WEST,))
    assert asked_of_ecus(grown)["hourly"] == 2 * 29
    assert set(grown.frame(ECU[0])["answered_by"]) == {"ecu"}


def test_an_ecu_that_is_added_later_takes_nothing_back(tmp_path: Path) -> None:
    """While the first ECU was alone, the system goes on answering for it."""
    east, west = a_fleet().systems
    extended = replace(east, ecus=(*east.ecus, Ecu("203000000012", (Inverter(uid="702000000113"),))))
    tables = ("inverters", SYSTEM[0], ECU[0])
    with serving(tmp_path / "data") as site:
        site.clock.instant = datetime(2024, 3, 20, 12, tzinfo=UTC)
        site.collect(FIRST, date(2024, 3, 10), tables, system_ids=(EAST,))
        before = site.frame(ECU[0])
        assert set(before["answered_by"]) == {"ecu", "system"}
    with serving(tmp_path / "data", fleet=Fleet((extended, west))) as site:
        site.clock.instant = datetime(2024, 3, 28, 12, tzinfo=UTC)
        site.collect(FIRST, date(2024, 3, 10), ("ecus", "inverters"), system_ids=(EAST,))
        site.clock.instant = datetime(2024, 4, 5, 12, tzinfo=UTC)
        calls = site.calls
        run = site.collect(FIRST, date(2024, 3, 10), tables, system_ids=(EAST,))
        assert run.summary.calls == site.calls - calls <= 3, "the inventory at most"
        after = site.frame(ECU[0])
        assert before.equals(after)
        site.collect(date(2024, 3, 29), date(2024, 3, 30), tables, system_ids=(EAST,))
        late = site.frame(ECU[0])
        late = late[late["date"].astype(str) >= "2024-03-29"]
        assert len(set(late["ecu_id"])) == 2 and set(late["answered_by"]) == {"ecu"}


@pytest.mark.parametrize(
    ("verdicts", "levels"),
    [
        ({}, set()),
        ({"hourly": [True, True]}, set()),
        ({"hourly": [True, True, True]}, {"hourly"}),
        ({"daily": [True, True], "hourly": [True]}, {"daily", "hourly"}),
        ({"daily": [True, True, True], "hourly": []}, {"daily"}),
        ({"daily": [True, True, True], "hourly": [False]}, set()),
    ],
)
def test_three_equal_pairs_one_of_the_level_none_that_differs(
    verdicts: dict[str, list[bool]], levels: set[str]
) -> None:
    now = datetime(2024, 3, 20, 12, tzinfo=UTC)
    pairs = {level: [Verdict(each, (1, 2), now) for each in found] for level, found in verdicts.items()}
    assert equal_levels(pairs) == levels
