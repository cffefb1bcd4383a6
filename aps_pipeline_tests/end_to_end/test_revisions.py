"""A refresh that gets other answers than the run before: what the warehouse then says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline import warehouse
from aps_pipeline.simulator import Fault, Fleet
from aps_pipeline_tests.sites import EAST, EAST_ECU, Site, a_fleet, serving
from aps_pipeline_tests.warehouse.lean import check_alone, only_marts

DAY = date(2024, 3, 19)
HOURS, PANELS = "system_hourly_energy", "inverter_batch_energy"


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts():
        yield


def stronger() -> Fleet:
    """The same fleet, with a tenth more on each roof."""
    systems = []
    for system in a_fleet().systems:
        ecus = tuple(
            replace(ecu, inverters=tuple(replace(inv, panel_kw=inv.panel_kw * 1.1) for inv in ecu.inverters))
            for ecu in system.ecus
        )
        systems.append(replace(system, ecus=ecus))
    return Fleet(tuple(systems))


def with_one_panel_less() -> Fleet:
    """The same fleet, with an inverter of the east that gave no data after the 18th."""
    east, west = a_fleet().systems
    (ecu,) = east.ecus
    silent = replace(ecu.inverters[0], until=DAY)
    return Fleet((replace(east, ecus=(replace(ecu, inverters=(silent, *ecu.inverters[1:])),)), west))


@contextmanager
def asked(folder: Path, later: int, table: str, fleet: Fleet, *faults: Fault) -> Iterator[Site]:
    """The site after a refresh of the east, so many days later, with the warehouse built."""
    with serving(folder, faults, fleet=fleet) as site:
        site.clock.turn(days=later)
        site.collect(DAY, DAY, (table,), system_ids=(EAST,), again=True)
        pipeline = site.pipeline()
        pipeline.refresh_diffs()
        warehouse.build(folder / "warehouse.duckdb", pipeline.lake, pipeline.ledger)
        pipeline.ledger.close()
        yield site


def revisions(folder: Path) -> list[dict[str, Any]]:
    return list(warehouse.query(folder / "warehouse.duckdb", "FROM meta.revisions").to_pylist())


def lost(folder: Path) -> list[tuple[str, int, bool]]:
    """What the check names: period, numbers that are missing, and whether readers lack them."""
    with warehouse.open_warehouse(folder / "warehouse.duckdb") as connection:
        found = check_alone(connection, "lost_in_revision")
    return [(row["period"], row["numbers_missing"], row["is_shown"]) for row in found.sample]


def test_a_revised_day_shows_by_how_much(tmp_path: Path) -> None:
    with asked(tmp_path, 0, HOURS, a_fleet()) as site:
        before = site.frame(HOURS)
        assert revisions(tmp_path) == []
    with asked(tmp_path, 1, HOURS, a_fleet()):
        assert revisions(tmp_path) == [], "asked again, and answered alike"
    with asked(tmp_path, 2, HOURS, stronger()) as site:
        after = site.frame(HOURS)
    (found,) = revisions(tmp_path)
    difference = after["energy_kwh"].sum() - before["energy_kwh"].sum()
    assert found["change_kwh"] == pytest.approx(difference) and difference > 0.1
    assert found["energy_after_kwh"] == pytest.approx(after["energy_kwh"].sum())
    assert found["numbers_changed"] == (before["energy_kwh"] != after["energy_kwh"]).sum() > 5
    assert (found["table_name"], found["system_id"], found["period"]) == (HOURS, EAST, "2024-03-19")
    assert found["was_over"] and found["is_shown"] and found["numbers_missing"] == 0
    assert found["revised_utc"] - found["previous_utc"] == timedelta(days=1)
    assert lost(tmp_path) == []


def test_a_revision_with_fewer_numbers_does_not_win_silently(tmp_path: Path) -> None:
    with asked(tmp_path, 0, PANELS, a_fleet()):
        assert lost(tmp_path) == []
    with asked(tmp_path, 1, PANELS, with_one_panel_less()):
        (found,) = revisions(tmp_path)
        assert (found["device_id"], found["rows_gone"], found["numbers_gone"]) == (EAST_ECU, 2, 2)
        assert found["change_kwh"] < 0
        assert lost(tmp_path) == [("2024-03-19", 2, True)]
    with asked(tmp_path, 2, PANELS, with_one_panel_less()):
        assert lost(tmp_path) == [("2024-03-19", 2, True)], "the same again repairs nothing"
    with asked(tmp_path, 3, PANELS, a_fleet()):
        assert lost(tmp_path) == [] and len(revisions(tmp_path)) == 2


def test_no_data_after_data_is_said_though_readers_see_the_data(tmp_path: Path) -> None:
    with asked(tmp_path, 0, HOURS, a_fleet()) as site:
        before = site.frame(HOURS)
    with asked(tmp_path, 1, HOURS, a_fleet(), Fault("1001", endpoint="hourly")) as site:
        assert site.frame(HOURS).equals(before)
        assert lost(tmp_path) == [("2024-03-19", 24, False)]
    with asked(tmp_path, 2, HOURS, a_fleet()):
        assert lost(tmp_path) == []
