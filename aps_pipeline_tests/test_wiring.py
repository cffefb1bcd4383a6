"""The warehouse of a pipeline: built when it has to be, wherever a run before was killed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from aps_pipeline.config import Settings
from aps_pipeline.lake import Lake
from aps_pipeline.tables import get_table
from aps_pipeline.wiring import build_warehouse
from aps_pipeline_tests.sites import Site
from aps_pipeline_tests.warehouse.lean import only_marts

TUESDAY, WEDNESDAY = date(2024, 3, 5), date(2024, 3, 6)
TABLES = ("system_hourly_energy",)


@pytest.fixture(autouse=True)
def _lean() -> Iterator[None]:
    with only_marts():
        yield


def hours_of(site: Site, settings: Settings, *, force: bool = False) -> int | None:
    """The hours in the warehouse after its build; None where it was not built."""
    pipeline = site.pipeline()
    built = build_warehouse(settings, pipeline, force=force)
    pipeline.ledger.close()
    return built and built.rows["core.system_hourly_energy"]


def test_it_is_built_once_and_then_only_if_told_so(site: Site, settings: Settings) -> None:
    site.collect(TUESDAY, TUESDAY, TABLES)
    assert hours_of(site, settings) == 48
    site.collect(TUESDAY, TUESDAY, TABLES)
    assert hours_of(site, settings) is None
    assert hours_of(site, settings, force=True) == 48


def test_a_run_killed_before_it_could_build_is_made_up_for(site: Site, settings: Settings) -> None:
    site.collect(TUESDAY, TUESDAY, TABLES)
    hours_of(site, settings)
    site.collect(TUESDAY, WEDNESDAY, TABLES)  # killed here
    assert site.collect(TUESDAY, WEDNESDAY, TABLES).summary.calls == 0
    assert hours_of(site, settings) == 96


def test_a_run_killed_before_it_could_write_is_made_up_for_though_another_has_built(
    site: Site, settings: Settings
) -> None:
    site.collect(TUESDAY, WEDNESDAY, TABLES)
    lake = Lake(settings.lake_address)
    lake.remove(get_table("system_hourly_energy"), (WEDNESDAY.isoformat(),))
    assert hours_of(site, settings) == 48, "the answers are kept, the partition is not written yet"
    assert site.collect(TUESDAY, WEDNESDAY, TABLES).summary.calls == 0
    assert hours_of(site, settings) == 96
