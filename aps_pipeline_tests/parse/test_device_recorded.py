"""Bodies of an ECU that the live API once returned; they lie beside the repository, if at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.parse import PARSERS, ParseContext, RefusedError, open_body
from aps_pipeline.parse.schema_drift import find_unknown_fields
from aps_pipeline.periods import LIFETIME, Grain, Period, zone
from aps_pipeline_tests.parse.served import READ

RECORDED = Path(__file__).parents[3] / "shared" / "fixtures" / "recorded"
MOUNTAIN = zone("Canada/Mountain")
DAY = Period(Grain.DAY, date(2025, 7, 20))
AFTER = datetime(2025, 7, 30, 18, tzinfo=UTC)

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded bodies are not here")


def data_of(name: str) -> Any:
    return open_body((RECORDED / f"{name}.json").read_text("utf-8"))


def rows(table: str, name: str, period: Period, at: datetime = AFTER) -> list[dict[str, Any]]:
    call = ParseContext(1, "S1", "E1", period, at, MOUNTAIN, date(2019, 1, 1), timedelta(days=5))
    data = data_of(name)
    assert find_unknown_fields(READ[table].source, data) == set()
    return list(PARSERS[table](READ[table], data, call).rows.to_pylist())


def test_slots_of_an_ecu() -> None:
    data = data_of("ecu_energy_minutely_2025-07-20")
    found = rows("ecu_power", "ecu_energy_minutely_2025-07-20", DAY)
    assert [row["label"] for row in found] == data["time"] and len(found) > 150
    assert [row["power_w"] for row in found] == list(map(float, data["power"]))
    assert sum(row["energy_kwh"] for row in found) == pytest.approx(float(data["today"]), abs=0.2)
    first = found[0]
    assert first["end_utc"] == datetime(2025, 7, 20, 11, 55, tzinfo=UTC) and first["label"] == "05:55"
    steps = {b["end_utc"] - a["end_utc"] for a, b in pairwise(found)}
    assert min(steps) == timedelta(minutes=5) and {row["fold"] for row in found} == {0}


def test_slots_make_the_hours_of_their_labels() -> None:
    hours = rows("ecu_hourly_energy", "ecu_energy_hourly_2025-07-20", DAY)
    slots = rows("ecu_power", "ecu_energy_minutely_2025-07-20", DAY)
    for hour in hours:
        own = sum(row["energy_kwh"] for row in slots if int(row["label"][:2]) == hour["hour"])
        assert own == pytest.approx(hour["energy_kwh"], abs=0.07)


def test_the_same_labels_of_a_day_in_course() -> None:
    noon = datetime(2025, 7, 20, 18, tzinfo=UTC)
    with pytest.raises(RefusedError, match="not begun"):
        rows("ecu_power", "ecu_energy_minutely_2025-07-20", DAY, noon)


@pytest.mark.parametrize(
    ("table", "name", "period"),
    [
        ("ecu_daily_energy", "ecu_energy_daily_2025-07", Period(Grain.MONTH, date(2025, 7, 1))),
        ("ecu_monthly_energy", "ecu_energy_monthly_2025", Period(Grain.YEAR, date(2025, 1, 1))),
    ],
)
def test_a_period_in_course(table: str, name: str, period: Period) -> None:
    found = rows(table, name, period)
    assert [row["energy_kwh"] for row in found] == list(map(float, data_of(name)))
    assert not found[-1]["is_final"]
    with pytest.raises(RefusedError):
        rows(table, name, period, datetime(2026, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize("kind", ["system", "ecu"])
def test_totals(kind: str) -> None:
    (row,) = rows(f"{kind}_summary", f"{kind}_summary", LIFETIME)
    data = data_of(f"{kind}_summary")
    assert [row[f"{span}_kwh"] for span in data] == list(map(float, data.values()))
    assert row["today_kwh"] < row["month_kwh"] < row["year_kwh"] < row["lifetime_kwh"]
