"""Bodies that the live API once returned, read by the parsers; they lie beside the repository, if at all."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aps_pipeline.envelope import open_envelope, remove_secrets
from aps_pipeline.parse import INVENTORY_PARSERS, ParseContext, RefusedError, open_body, parse_rows
from aps_pipeline.periods import LIFETIME, Grain, Period, zone
from aps_pipeline.tables import get_table

RECORDED = Path(__file__).parents[2] / "shared" / "fixtures" / "recorded"
SID = "C12263D8840175AF"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded bodies are not here")


def text_of(name: str) -> str:
    return (RECORDED / f"{name}.json").read_text("utf-8")


def asked(period: Period, at: datetime, created: date = date(2022, 1, 1)) -> ParseContext:
    return ParseContext(1, SID, "", period, at, zone("Canada/Mountain"), created, timedelta(days=5))


def rows(table: str, name: str, call: ParseContext) -> list[dict[str, Any]]:
    return list(parse_rows(get_table(table), text_of(name), call).rows.to_pylist())


def test_every_body_is_an_envelope() -> None:
    for path in RECORDED.glob("*.json"):
        envelope = open_envelope(path.read_text("utf-8"))
        assert envelope.code == 0 and envelope.data is not None, path.name


def test_details() -> None:
    text = remove_secrets(text_of("system_details"))
    data = open_body(text)
    system = INVENTORY_PARSERS["system_details"](data, data["sid"])
    assert system.timezone and system.capacity_kw and system.create_date and system.ecu_ids
    assert data.get("authorization_code", "[removed]") == "[removed]"


def test_inverters() -> None:
    ecus = INVENTORY_PARSERS["system_inverters"](open_body(text_of("system_inverters")), SID)
    assert ecus and all(ecu.inverters for ecu in ecus)
    assert all(inverter.inverter_id.isdigit() for ecu in ecus for inverter in ecu.inverters)


@pytest.mark.parametrize("name", ["system_energy_hourly_2025-07-20", "ecu_energy_hourly_2025-07-20"])
def test_hours(name: str) -> None:
    day = Period(Grain.DAY, date(2025, 7, 20))
    found = rows("system_hourly_energy", name, asked(day, datetime(2025, 7, 21, 12, tzinfo=UTC)))
    assert [row["hour"] for row in found] == list(range(24))
    assert 0 < sum(row["energy_kwh"] for row in found) < 200


@pytest.mark.parametrize("name", ["system_energy_daily_2025-07", "ecu_energy_daily_2025-07"])
def test_a_month_in_course(name: str) -> None:
    count = len(open_body(text_of(name)) or ())
    month = Period(Grain.MONTH, date(2025, 7, 1))
    if count == 31:
        at = datetime(2025, 8, 2, tzinfo=UTC)
    else:
        at = datetime(2025, 7, count, 18, tzinfo=UTC)
        with pytest.raises(RefusedError):
            rows("system_daily_energy", name, asked(month, datetime(2025, 8, 2, tzinfo=UTC)))
    found = rows("system_daily_energy", name, asked(month, at))
    assert len(found) == count and not found[-1]["is_final"]


@pytest.mark.parametrize("name", ["system_energy_monthly_2025", "ecu_energy_monthly_2025"])
def test_a_year_in_course(name: str) -> None:
    count = len(open_body(text_of(name)) or ())
    year = Period(Grain.YEAR, date(2025, 1, 1))
    at = datetime(2025, count, 20, tzinfo=UTC) if count < 12 else datetime(2026, 1, 2, tzinfo=UTC)
    found = rows("system_monthly_energy", name, asked(year, at))
    assert [row["month"].month for row in found] == list(range(1, count + 1))


def test_years() -> None:
    count = len(open_body(text_of("system_energy_yearly")) or ())
    call = asked(LIFETIME, datetime(2025, 7, 21, tzinfo=UTC), created=date(2026 - count, 3, 1))
    found = rows("system_yearly_energy", "system_energy_yearly", call)
    assert [row["year"] for row in found] == list(range(2026 - count, 2026))
