"""Ids, and what one call asks."""

from __future__ import annotations

from datetime import date

import pytest

from aps_pipeline.endpoints import ENDPOINTS, LEVEL_GRAIN, path_and_query
from aps_pipeline.periods import Grain, Period
from aps_pipeline.request import BadIdError, Request, check_id
from aps_pipeline.tables import FETCHED

DAY = Period(Grain.DAY, date(2024, 3, 5))


@pytest.mark.parametrize(
    "bad", ["", "a/b", "..", "a%2Fb", "a?x=1", "a b", "a\n", "-", "a-", "é", "x" * 65, None, 5]
)
def test_an_id_cannot_become_a_path_or_a_query(bad: str) -> None:
    with pytest.raises(BadIdError):
        check_id(bad)
    with pytest.raises(BadIdError):
        Request("system_energy", "hourly", bad, "", DAY)
    if bad:
        with pytest.raises(BadIdError):
            Request("ecu_energy", "hourly", "S1", bad, DAY)


def test_a_question_in_words() -> None:
    assert str(Request("system_energy", "hourly", "S1", "", DAY)) == "system_energy hourly S1 2024-03-05"
    assert str(Request("system_details", "", "S1")) == "system_details S1"


@pytest.mark.parametrize(
    ("asked", "path", "query"),
    [
        (Request("system_details", "", "S1"), "systems/details/S1", {}),
        (Request("system_inverters", "", "S1"), "systems/inverters/S1", {}),
        (Request("system_meters", "", "S1"), "systems/meters/S1", {}),
        (
            Request("system_energy", "hourly", "S1", "", DAY),
            "systems/energy/S1",
            {"energy_level": "hourly", "date_range": "2024-03-05"},
        ),
        (
            Request("system_energy", "daily", "S1", "", Period.parse(Grain.MONTH, "2024-03")),
            "systems/energy/S1",
            {"energy_level": "daily", "date_range": "2024-03"},
        ),
        (Request("system_energy", "yearly", "S1"), "systems/energy/S1", {"energy_level": "yearly"}),
        (
            Request("inverter_batch", "energy", "S1", "E-1", DAY),
            "systems/S1/devices/inverter/batch/energy/E-1",
            {"energy_level": "energy", "date_range": "2024-03-05"},
        ),
        (
            Request("meter_energy", "monthly", "S1", "M1", Period.parse(Grain.YEAR, "2024")),
            "systems/S1/devices/meter/period/M1",
            {"energy_level": "monthly", "date_range": "2024"},
        ),
    ],
)
def test_requests(asked: Request, path: str, query: dict[str, str]) -> None:
    assert path_and_query(asked, "/user/api/v2") == (f"/user/api/v2/{path}", query)


def test_there_are_the_twelve_endpoints_of_the_manual() -> None:
    assert len(ENDPOINTS) == 12
    assert {each.section for each in ENDPOINTS.values()} == {
        "3.1.1", "3.1.2", "3.1.3", "3.2.1", "3.2.2", "3.3.1",
        "3.3.2", "3.4.1", "3.4.2", "3.5.1", "3.5.2", "3.5.3",
    }  # fmt: skip
    assert {level for each in ENDPOINTS.values() for level in each.levels} == set(LEVEL_GRAIN)


def test_every_table_has_an_endpoint_that_has_its_level() -> None:
    for table in FETCHED:
        assert table.source.level in ENDPOINTS[table.source.endpoint].levels
        assert table.source.section == ENDPOINTS[table.source.endpoint].section
